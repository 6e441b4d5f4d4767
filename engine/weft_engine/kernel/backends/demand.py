"""Which sources are worth asking: who may look at their records now, and has room for them."""

from weft_engine.kernel.backends.task import Task


class Demand:
    """Looks through the wiring of tasks from their ends."""

    def __init__(self, tasks: list[Task]) -> None:
        self._tasks = tasks
        self._staged = any(task.stages for task in tasks)
        self._wanted: dict[int, bool] = {}
        self._downstream: dict[int, frozenset[int]] = {}

    def changed(self) -> None:
        """Something has ended; look anew."""
        self._wanted.clear()

    def wanted(self, task: Task) -> bool:
        """Whether somebody may look at its records now."""
        if not self._staged:
            return True
        if not self._wanted:
            for other in reversed(self._tasks):
                self._wanted[other.id] = self._look(other)
        return self._wanted[task.id]

    def congested(self, task: Task, in_flight: list[Task]) -> bool:
        """Whether calls behind it have enough to do."""
        if not in_flight:
            return False
        behind = self.behind(task)
        return any(
            other.id in behind and other.waiting is not None and other.waiting.full
            for other in in_flight
        )

    def behind(self, task: Task) -> frozenset[int]:
        """The task and everything that reads from it, near or far."""
        found = self._downstream.get(task.id)
        if found is None:
            seen, todo = {task.id}, [task]
            while todo:
                for reader, _ in todo.pop().all_readers:
                    if reader.id not in seen:
                        seen.add(reader.id)
                        todo.append(reader)
            found = self._downstream[task.id] = frozenset(seen)
        return found

    def _look(self, task: Task) -> bool:
        if task.keep or not task.all_readers:
            return True
        return any(
            not reader.done and reader.active(port) and self._wanted[reader.id]
            for reader, port in task.all_readers
        )
