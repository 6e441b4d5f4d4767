"""How a node is called, in any process: opened, called, its answer read, closed."""

import inspect
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from weft_engine.compiler.calls import Call
from weft_engine.nodes.context import NodeContext
from weft_engine.nodes.node_type import NodeType
from weft_engine.nodes.ports import Work
from weft_engine.nodes.types import SKIP
from weft_engine.runs.executors.base import UnitOutcome
from weft_engine.runs.planned import is_bare


class Site:
    """A node that was got ready for its calls; several threads may call it, one opens it."""

    def __init__(self, node: NodeType, work: Work, *, routed: bool) -> None:
        self.node = node if is_bare(type(node)) else node.model_copy()
        self.work = work
        self.routed = routed
        self._lock = threading.Lock()
        self._opened = False

    @property
    def opens(self) -> bool:
        """Whether it has anything to do before its first call."""
        return not self._opened and type(self.node).open is not NodeType.open

    @property
    def closes(self) -> bool:
        """Whether it has anything to do after its last call."""
        return self._opened and type(self.node).close is not NodeType.close

    def open(self, ctx: NodeContext) -> None:
        """Open the node, unless it is open."""
        with self._lock:
            if not self._opened:
                self.node.open(ctx)
                self._opened = True

    def close(self) -> None:
        """Close the node, if it was opened."""
        with self._lock:
            if self._opened:
                self._opened = False
                self.node.close()

    def call(self, ctx: NodeContext) -> Call:
        """How it is called this time."""
        return Call(self.node, self.work, (), ctx, routed=self.routed)


def answered(call: Call, arguments: Mapping[str, Any]) -> list[Any]:
    """Call a node that does not wait; streams in its answer are read to their end."""
    return lists(call, call.results(call.method(**arguments)))


async def awaited(call: Call, arguments: Mapping[str, Any]) -> list[Any]:
    """Call a node that waits; streams in its answer are read to their end."""
    answer = call.method(**arguments)
    if inspect.isasyncgen(answer):
        return list(call.results([record async for record in answer]))
    results = list(call.results(await answer))
    for index in call.streams():
        if hasattr(results[index], "__aiter__"):
            results[index] = [record async for record in results[index]]
    return lists(call, results)


def lists(call: Call, results: Sequence[Any]) -> list[Any]:
    """Results in which streams are lists."""
    read = list(results)
    for index in call.streams():
        if read[index] is not SKIP and read[index] is not None:
            read[index] = list(read[index])
    return read


def outcome(name: str, call: Call, results: Sequence[Any], attempt: int) -> UnitOutcome:
    """What became of a call, port by port; streams are lists."""
    found = {
        (name, port.name): value
        for port, value in zip(call.work.outputs, results, strict=True)
        if value is not SKIP
    }
    return UnitOutcome(outputs=found, attempt=attempt)
