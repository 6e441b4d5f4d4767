"""How many records may wait in front of a node of a live stream, where it says so."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from weft_engine.flow.model import Node
from weft_engine.kernel.batch import Batch
from weft_engine.kernel.graph import Graph, Ref
from weft_engine.kernel.physical import PhysicalPlan
from weft_engine.kernel.runtime.operator import StreamOperator

_PIECES = 8
"""Into how many lists a queue is divided: its sender holds one more than fits."""


def capacity(nodes: Iterable[Node]) -> int | None:
    """How many records may wait in front of nodes that work as one; None for any number."""
    return min((n.queue_capacity for n in nodes if n.queue_capacity is not None), default=None)


def narrow(graph: Graph, ref: Ref, most: int, name: str) -> Ref:
    """Send records on in lists that are small beside the queue that they go into."""
    with graph.owned(""):
        vertex = graph.add(
            "custom",
            ref,
            name="pieces",
            params={"factory": partial(_pieces, size=_piece(most))},
            uid=f"tap/{name}<{len(graph.vertices)}",
            timed=graph.vertices[ref.operator].timed,
        )
    return Ref(vertex.id)


def bounded(plan: PhysicalPlan, queues: Mapping[str, int]) -> PhysicalPlan:
    """The plan with the queues of some operators bounded; these begin their stages."""
    stages = tuple(
        replace(stage, queue_records=most - _piece(most) + 1)
        if (most := queues.get(stage.operators[0].uid)) is not None
        else stage
        for stage in plan.stages
    )
    return replace(plan, stages=stages)


def _piece(most: int) -> int:
    return max(1, most // _PIECES)


def _pieces(spec: Any, size: int) -> "Pieces":
    del spec
    return Pieces(size)


class Pieces(StreamOperator):
    """Sends long lists of records on in short ones."""

    def __init__(self, size: int) -> None:
        self._size = size

    def process(self, port: int, batch: Batch) -> None:
        values, times, keys = batch.values, batch.times, batch.keys
        for start in range(0, len(values), self._size):
            part = slice(start, start + self._size)
            self.context.emit(
                Batch(
                    values[part],
                    None if times is None else times[part],
                    None if keys is None else keys[part],
                )
            )
