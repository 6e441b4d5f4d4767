"""Collects what nodes say in a worker, and sends it some at a time."""

import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from weft_engine.kernel.io_loop import io_loop
from weft_engine.runs.executors.remote_messages import plain
from weft_engine.runs.run import NodeResult, NodeState

_PAUSE_S: Final = 0.02
_MOST: Final = 500
"""So many lines are sent at once, at the latest."""


class Telling:
    """The `Sink` of a unit that is worked on here for another process."""

    def __init__(self, send: Callable[[list[Any]], None], states: Mapping[str, str]) -> None:
        """`states` has what became of nodes outside the unit that it reads."""
        self._send = send
        self._states = states
        self._lines: list[Any] = []
        self._results: dict[str, NodeResult] = {}
        self._shown: dict[str, bytes] = {}
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._due = False

    def say(self, kind: str, node: str, data: dict[str, Any]) -> None:
        """Tell an event of a node."""
        self._add(["say", kind, node, plain(data)])

    def log(self, node: str, level: str, message: str) -> None:
        """Write a line into the log of the run."""
        self._add(["log", node, level, message])

    def progress(self, node: str, done: float, total: float | None) -> None:
        """Say how far a node is that is called once."""
        self._add(["progress", node, done, total])

    def result(self, node: str, result: NodeResult) -> None:
        """Show what becomes of a node; looked at whenever something is sent."""
        self._results[node] = result
        self._add(None)

    def state(self, node: str) -> NodeState | None:
        """Where another node of the scope was when the unit began."""
        found = self._states.get(node)
        return NodeState(found) if found is not None else None

    def flush(self) -> None:
        """Send what there is."""
        with self._sending:
            with self._lock:
                lines, self._lines, self._due = self._lines, [], False
            for node, result in list(self._results.items()):
                now = msgspec.msgpack.encode(result)
                if self._shown.get(node) != now:
                    self._shown[node] = now
                    lines.append(["result", node, msgspec.to_builtins(result)])
            if lines:
                self._send(lines)

    def _add(self, line: list[Any] | None) -> None:
        with self._lock:
            if line is not None:
                self._lines.append(line)
            many = len(self._lines) >= _MOST
            first, self._due = not self._due, True
        if many:
            self.flush()
        elif first:
            loop = io_loop()
            loop.call_soon_threadsafe(loop.call_later, _PAUSE_S, self._flush_beside)

    def _flush_beside(self) -> None:
        """Sending may wait, and the loop must not."""
        threading.Thread(target=self.flush, name="weft-telling", daemon=True).start()
