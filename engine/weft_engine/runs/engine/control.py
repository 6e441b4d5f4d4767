"""What a run is told from outside, by any thread, while it is under way."""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Final

from weft_engine.runs.debug import Command

Message = tuple[Any, ...]
"""What lies in the mailbox of a run: a function of the run's own thread and its arguments."""
HALT: Final = "halt"
"""The message that lets a live run rest."""


class LetGo(Exception):  # noqa: N818 - nothing is wrong with the run
    """The run that called this one broke off: whoever goes on with that goes on with this."""


class RunControl:
    """The mailbox of one run. May be made, and written to, before the run begins.

    Everything a run reacts to comes by here, so that it is one plain sequence of messages.
    """

    def __init__(self) -> None:
        self.box: SimpleQueue[Message] = SimpleQueue()
        self.stopped = threading.Event()
        """Set once the run is to be cancelled; nodes look at it."""
        self.left = threading.Event()
        """Set once the run is to be left where it is, without an end."""
        self.judge: Callable[[Command], None] | None = None
        """Refuses what cannot be done; set once the run is under way."""

    def send(self, command: Command) -> None:
        """Tell the run something; it takes it up between two activations.

        Raises:
            FlowError: it cannot do that: `run.not_stopped`, `run.bad_breakpoint` and so on.
        """
        if self.judge is not None:
            self.judge(command)
        self.box.put((command,))

    def cancel(self) -> None:
        """Stop the run."""
        self.stopped.set()
        self.box.put(())

    def let_go(self) -> None:
        """Leave the run where it is, as in a crash, and give it back at once."""
        self.left.set()
        self.box.put(())

    def halt(self) -> None:
        """Let a live run write a savepoint and rest; only live runs understand it."""
        self.box.put((HALT,))

    def wake(self) -> None:
        """Let the run look around: a moment it waits for may have come."""
        self.box.put(())
