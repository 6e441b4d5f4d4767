"""Nodes that make records, as sources of a live stream."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from weft_engine.compiler.streaming_steps import LiveContext, made
from weft_engine.kernel.connectors import Reader, ReaderContext, Source
from weft_engine.kernel.sources.iterable import IteratorReader
from weft_engine.nodes.node_type import NodeClass


class CallSource(Source[Any]):
    """Calls a node once, and reads bit by bit what it gives.

    After a restart it is called again, and as many records are passed over as were read before; a
    node that may give others then is read through a log.
    """

    def __init__(
        self,
        cls: NodeClass,
        settings: Mapping[str, Any],
        arguments: Mapping[str, Any],
        context: LiveContext,
        *,
        takes_context: bool,
        bounded: bool,
        replayable: bool,
    ) -> None:
        self._cls = cls
        self._settings = settings
        self._arguments = dict(arguments)
        self._context = context
        self._takes_context = takes_context
        self.bounded = bounded
        self.replayable = replayable

    def reader(self, split: Any, position: Any, context: ReaderContext) -> Reader[Any]:
        node = made(self._cls, self._settings)
        node.open(self._context)
        arguments = {**self._arguments, "ctx": self._context} if self._takes_context else {
            **self._arguments
        }  # fmt: skip
        try:
            rest = iter(node.process(**arguments))  # type: ignore[attr-defined]
            skip = position or 0
            for _ in islice(rest, skip):
                pass
        except BaseException:
            node.close()
            raise
        return _Reading(rest, skip, node)


class _Reading(IteratorReader[Any]):
    """Closes the node when nothing more is read."""

    def __init__(self, rest: Any, count: int, node: Any) -> None:
        super().__init__(rest, count)
        self._node = node

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._node.close()


class Given(Source[Any]):
    """Records that were there before the stream began."""

    def __init__(self, records: Sequence[Any]) -> None:
        self._records = list(records)

    def reader(self, split: Any, position: Any, context: ReaderContext) -> Reader[Any]:
        begin = position or 0
        return IteratorReader(iter(self._records[begin:]), begin)
