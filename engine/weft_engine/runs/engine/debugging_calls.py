"""The debugger of a run, as far as it stops and steps in runs that this one called."""

from typing import Any

from weft_engine.runs.debug import Command
from weft_engine.runs.engine.debugging_journal import INSIDE, Key, write_inside
from weft_engine.runs.engine.gate import Gate, Way
from weft_engine.runs.engine.scope_run import ScopeRun
from weft_engine.runs.engine.stepping import Step
from weft_engine.runs.planned import Planned


class GateForCalls(Gate):
    """A gate at which steps go on into called runs, and out of them again."""

    def __init__(self) -> None:
        super().__init__()
        self._step: Step | None = None
        self._awaited: set[Key] = set()
        """What stood here when the run was left, and has not come again."""
        self._waiting: list[Command] = []
        """What it was told before that."""
        self._inside: set[Key] = set()
        """Runs that this one called in which something stands."""

    def _stands_again(self) -> None:
        """Everything that stood when the run was left does so again."""
        self.closed = True
        self._hear()

    def _hear(self) -> bool:
        """Take up what had to wait until everything stands again."""
        waiting, self._waiting = self._waiting, []
        for command in waiting:
            self.core.post(self.core.command, command)
        return bool(waiting)

    def _take_step(self) -> None:
        """What waits may come to the gate again: a step is under way."""
        raise NotImplementedError

    def way_into(self, scope: ScopeRun) -> Way:
        """Whether a run that was called, as a scope of this one, is to go on, wait or stop."""
        if self.closed or self._step is None or self._awaited:
            return super().way_into(scope)
        return self._step.way_into(scope)

    def stands_inside(self, path: str, place: str, reason: Any) -> None:
        """Something stands in a run that was called at this path, as this scope."""
        self._step = None
        key = path, place, INSIDE
        if key not in self._inside:
            self._inside.add(key)
            write_inside(self.core.recording, path, place, standing=True)
        if key in self._awaited:
            self._awaited.discard(key)
            self.reason = reason
            if not self._awaited:
                self._stands_again()
        elif not self._awaited:
            super().stands_inside(path, place, reason)

    def goes_on_inside(self, path: str, place: str) -> None:
        """Nothing stands there any more."""
        key = path, place, INSIDE
        if key in self._inside:
            self._inside.discard(key)
            write_inside(self.core.recording, path, place, standing=False)

    def left_inside(self, unit: Planned, scope: ScopeRun, *, stepping: bool) -> None:
        """A run that was called has ended, maybe on the way to the end of a step."""
        self.goes_on_inside(unit.path, scope.path)
        around = scope.parent
        if stepping and around is not None and not scope.closing:
            self._step = Step(around, (around, unit))
            self._take_step()
