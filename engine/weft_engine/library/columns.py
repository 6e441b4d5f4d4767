"""Columns of rows: taking one out, comparing values of any type, and keys to group by."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import Field

from weft_engine.errors import NodeError
from weft_engine.kernel.operators.keys import order_key

__all__ = [
    "ColumnName",
    "as_row",
    "group_key",
    "kind_of",
    "number",
    "order_key",
    "unknown_column",
    "value",
]

Key = tuple[Any, ...]
ColumnName = Annotated[str, Field(min_length=1)]
"""The name of a column in a list of such names."""
_PLAIN = frozenset({str, int, float, type(None)})


def unknown_column(column: str, row: Mapping[str, Any]) -> NodeError:
    """Describe a column that a row does not have, with the nearest it has."""
    names = [str(name) for name in row]
    near = get_close_matches(column, names, 1, 0.5) or [
        name for name in names if name.lower().strip() == column.lower().strip()
    ]
    listed = ", ".join(names[:12]) + ("…" if len(names) > 12 else "")
    hint = f"Did you mean '{near[0]}'? " if near else ""
    return NodeError(
        f"There is no column '{column}'.",
        code="data.unknown_column",
        hint=f"{hint}The row has: {listed or 'no columns'}.",
        params={"column": column, "nearest": near[0] if near else None, "columns": names[:50]},
    )


def as_row(item: Any) -> Mapping[str, Any]:
    """Return the record as a row.

    Raises:
        NodeError: `data.not_a_row` when it is something else.
    """
    if isinstance(item, Mapping):
        return item
    raise NodeError(
        f"A row with named columns was expected, not {kind_of(item)}.",
        code="data.not_a_row",
        hint='Turn the records into rows first with the node Map, e.g. {"text": item}.',
        params={"found": kind_of(item)},
    )


def value(row: Any, column: str) -> Any:
    """Return one column of a row.

    >>> value({"region": "North"}, "region")
    'North'

    Raises:
        NodeError: `data.unknown_column` when the row has no such column.
    """
    try:
        return row[column]
    except (KeyError, TypeError, IndexError):
        raise unknown_column(column, as_row(row)) from None


def kind_of(item: Any) -> str:
    """Name the type of a value in plain words."""
    if item is None:
        return "null"
    kinds = ((bool, "true or false"), (int | float, "a number"), (str, "a text"))
    for python, words in kinds:
        if isinstance(item, python):
            return words
    if isinstance(item, Mapping):
        return "a row"
    return "a list" if isinstance(item, list | tuple) else type(item).__name__


def group_key(values: Iterable[Any]) -> Key:
    """Return a hashable key for some values; 1 and true differ, 1 and 1.0 do not.

    >>> group_key(["North", 1]) == group_key(["North", 1.0])
    True
    >>> group_key([1]) == group_key([True])
    False
    """
    return tuple(item if type(item) in _PLAIN else order_key(item) for item in values)


def number(item: Any, column: str) -> float | int | None:
    """Return a value as a number; null stays null.

    Raises:
        NodeError: `data.not_a_number` when it is something else.
    """
    if item is None or (isinstance(item, int | float) and not isinstance(item, bool)):
        return item
    raise NodeError(
        f"Column '{column}' holds {kind_of(item)} where a number is needed: {str(item)[:80]!r}.",
        code="data.not_a_number",
        hint="Turn it into a number first with the node Map, e.g. number(item.amount), "
        "or leave such rows out with Filter.",
        params={"column": column, "found": kind_of(item)},
    )
