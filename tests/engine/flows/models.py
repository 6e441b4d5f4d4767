"""What nodes that compose operators give, said without operators."""

from collections.abc import Callable
from itertools import product, zip_longest
from typing import Any

from weft_engine.errors import NodeError
from weft_engine.kernel.environment import LocalEnvironment

MODELS: dict[str, Callable[..., Any]] = {}


def composed(node: Any, **streams: Any) -> Any:
    """What a node type without a model gives: it is run by itself, record by record."""
    env = LocalEnvironment(batch_size=1)
    given = {
        port: [env.from_collection(way) for way in found]
        if port in type(node).info.multiple
        else env.from_collection(found)
        for port, found in streams.items()
    }
    return env.run(node.build(**given))


def model(kind: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Say what a node type gives: a list of records, or a tuple of lists."""

    def note(function: Callable[..., Any]) -> Callable[..., Any]:
        MODELS[kind] = function
        return function

    return note


@model("control.merge")
def merge(node: Any, inputs: list[list[Any]]) -> list[Any]:
    """Bring ways together."""
    if node.mode == "any":
        return next((way for way in inputs if way), [])
    if node.mode == "zip":
        return _zip(inputs, node.uneven)
    if node.mode == "by_key":
        return _by_key(inputs, node)
    return [record for way in inputs for record in way]


def _zip(ways: list[list[Any]], uneven: str) -> list[Any]:
    if uneven == "fail" and len({len(way) for way in ways}) > 1:
        raise NodeError("uneven", code="control.uneven")
    nothing: dict[str, Any] = {}
    rows = zip(*ways, strict=False) if uneven == "cut" else zip_longest(*ways, fillvalue=nothing)
    return [{k: v for part in row for k, v in part.items()} for row in rows]


def _by_key(ways: list[list[Any]], node: Any) -> list[Any]:
    def key_of(row: Any) -> tuple[Any, ...]:
        key = tuple(row[column] for column in node.key)
        return key if None not in key else (id(row), *key)

    keys = list(dict.fromkeys(key_of(row) for way in ways for row in way))
    found = []
    for key in keys:
        having = [[row for row in way if key_of(row) == key] for way in ways]
        if any(len(rows) > 1 for rows in having) and node.several == "fail":
            raise NodeError("several", code="control.several_of_key")
        if node.several in ("first", "last"):
            at = 0 if node.several == "first" else -1
            having = [[rows[at]] if rows else [] for rows in having]
        if not all(having) and node.missing == "fail":
            raise NodeError("missing", code="control.missing_key")
        if all(having) or node.missing == "keep":
            rows = product(*(rows for rows in having if rows))
            found += [{k: v for part in parts for k, v in part.items()} for parts in rows]
    return found


@model("t.append")
def append(node: Any, inputs: list[list[Any]]) -> list[Any]:
    """One stream after the other."""
    return [record for way in inputs for record in way]


@model("t.count")
def count(node: Any, rows: list[Any]) -> list[Any]:
    """How many there are."""
    return [len(rows)]


@model("t.keep")
def keep(node: Any, rows: list[Any], others: list[Any] | None = None) -> list[Any]:
    """All but one, then others."""
    return [row for row in rows if row != node.out] + (others or [])
