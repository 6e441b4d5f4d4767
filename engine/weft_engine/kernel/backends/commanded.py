"""Commands to all the subtasks of this process."""

from collections.abc import Sequence

from weft_engine.kernel.batch import Barrier
from weft_engine.kernel.runtime.subtask import Subtask


class Commanded:
    """The part of a deployment that passes commands on."""

    _subtasks: Sequence[Subtask]

    def trigger(self, barrier: Barrier) -> None:
        """Have all sources emit a barrier."""
        for subtask in self._subtasks:
            subtask.trigger(barrier)

    def committed(self, checkpoint: int) -> None:
        """Tell all subtasks that a checkpoint is durable."""
        for subtask in self._subtasks:
            subtask.committed(checkpoint)

    def pause(self) -> None:
        """Have sources stand still."""
        for subtask in self._subtasks:
            subtask.pause()

    def resume(self) -> None:
        """Let sources go on."""
        for subtask in self._subtasks:
            subtask.resume()
