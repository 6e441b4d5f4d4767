"""What a run is told from outside, by any thread, while it is under way."""

import threading
from queue import SimpleQueue
from typing import Any

from weft_engine.runs.debug import Command

Message = tuple[Any, ...]
"""What lies in the mailbox of a run: a function of the run's own thread and its arguments."""


class RunControl:
    """The mailbox of one run. May be made, and written to, before the run begins.

    Everything a run reacts to comes by here, so that it is one plain sequence of messages.
    """

    def __init__(self) -> None:
        self.box: SimpleQueue[Message] = SimpleQueue()
        self.stopped = threading.Event()
        """Set once the run is to be cancelled; nodes look at it."""

    def send(self, command: Command) -> None:
        """Tell the run something; it takes it up between two activations."""
        self.box.put((command,))

    def cancel(self) -> None:
        """Stop the run."""
        self.stopped.set()
        self.box.put(())

    def wake(self) -> None:
        """Let the run look around: a moment it waits for may have come."""
        self.box.put(())
