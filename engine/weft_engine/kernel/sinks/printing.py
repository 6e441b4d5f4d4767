"""Records on the screen."""

import sys
from typing import Any

from weft_engine.kernel.functions import SinkFunction


class Print(SinkFunction[Any]):
    """Prints every record on a line of its own; at least once.

    Each line is one write, so that lines of several subtasks do not run into one another.
    """

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix

    def process(self, value: Any) -> None:
        sys.stdout.write(f"{self._prefix}{value}\n")
