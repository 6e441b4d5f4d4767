"""The operators, by the kind that the logical graph names."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from weft_engine.kernel.graph import Vertex
from weft_engine.kernel.operators.base import Operator
from weft_engine.kernel.operators.blocking import Aggregate, Collect, Fold, Sort, make_reduce
from weft_engine.kernel.operators.records import (
    Distinct,
    Filter,
    FlatMap,
    Limit,
    Map,
    MapBatch,
    RunProcess,
    RunSink,
    Split,
)
from weft_engine.kernel.operators.several import Concat, FirstOf, Join, Union, Zip
from weft_engine.kernel.operators.source import IterableSource
from weft_engine.kernel.operators.waiting import AsyncMap

KINDS: Final[Mapping[str, Callable[..., Operator]]] = {
    "source": IterableSource,
    "map": Map,
    "filter": Filter,
    "flat_map": FlatMap,
    "map_batch": MapBatch,
    "async_map": AsyncMap,
    "process": RunProcess,
    "limit": Limit,
    "distinct": Distinct,
    "split": Split,
    "sort": Sort,
    "fold": Fold,
    "collect": Collect,
    "aggregate": Aggregate,
    "reduce": make_reduce,
    "join": Join,
    "union": Union,
    "zip": Zip,
    "sink_factory": RunSink,
}

LINEAR: Final = frozenset({"map", "filter", "map_batch", "limit", "distinct", "linear"})
"""Kinds that turn one list into one list, so that neighbours run as one chain."""


def make(vertex: Vertex) -> Operator:
    """An operator at work, fresh for one run.

    The kinds `operator` and `linear` bring their own factory.
    """
    if vertex.kind in ("operator", "linear"):
        made: Operator = vertex.params["factory"]()
        return made
    if vertex.kind == "concat":
        return Concat(len(vertex.inputs))
    params: Mapping[str, Any] = vertex.params
    if vertex.kind == "first_of":
        return FirstOf(len(vertex.inputs), **params)
    return KINDS[vertex.kind](**params)
