"""Functions on lists and records."""

import json
from collections.abc import Sequence
from typing import Any

from weft_engine.nodes.functions.table import (
    check_items,
    failed,
    function,
    list_of,
    record_of,
    refuse,
    type_of,
    whole_of,
)


@function("list", "value", "字符数、项数或字段数。", "length([1, 2]) → 2")
def length(value: Any) -> int:
    """How many characters, items or fields."""
    if isinstance(value, str | list | tuple | dict):
        return len(value)
    return refuse("length", "text, a list or a record", value)


@function("list", "list, default?", "第一项。", "first([1, 2]) → 1")
def first(values: Any, *default: Any) -> Any:
    """The first item."""
    return _end("first", values, 0, default)


@function("list", "list, default?", "最后一项。", "last([1, 2]) → 2")
def last(values: Any, *default: Any) -> Any:
    """The last item."""
    return _end("last", values, -1, default)


def _end(name: str, values: Any, at: int, default: tuple[Any, ...]) -> Any:
    items: Sequence[Any] = values if isinstance(values, str) else list_of(name, values)
    if items:
        return items[at]
    if default:
        return default[0]
    raise failed(f"{name}() of an empty list is nothing", f"Give a default: {name}(list, null).")


@function("list", "list, start, end?", "取出一部分（从 0 开始）。", "slice([1, 2, 3], 1) → [2, 3]")
def slice_(values: Any, start: Any, end: Any = None) -> Any:
    """A part, counted from 0."""
    items: Sequence[Any] = values if isinstance(values, str) else list_of("slice", values)
    stop = None if end is None else whole_of("slice", end)
    return items[whole_of("slice", start) : stop]


@function("list", "list, field?", "排序；记录可按字段排序。", "sorted([3, 1, 2]) → [1, 2, 3]")
def sorted_(values: Any, field: Any = None) -> list[Any]:
    """In order; records by a field."""
    items = list_of("sorted", values)
    keys = [item if field is None else _field("sorted", item, field) for item in items]
    kinds = {type_of(key) for key in keys}
    if len(kinds) > 1 or kinds - {"number", "text", "true or false"}:
        raise failed(
            f"sorted() cannot order {' and '.join(sorted(kinds))}",
            "Order values of one kind: numbers, or text.",
        )
    return [items[at] for at in sorted(range(len(items)), key=keys.__getitem__)]


@function("list", "list", "去掉重复项。", "unique([1, 2, 1]) → [1, 2]")
def unique(values: Any) -> list[Any]:
    """Each item once."""
    items = list_of("unique", values)
    try:
        return list(dict.fromkeys(items))
    except TypeError:
        by_text = {json.dumps(item, sort_keys=True, default=str): item for item in items[::-1]}
        return list(by_text.values())[::-1]


@function("list", "list", "颠倒顺序。", "reverse([1, 2]) → [2, 1]")
def reverse(values: Any) -> Any:
    """Backwards."""
    return values[::-1] if isinstance(values, str) else list(list_of("reverse", values))[::-1]


@function("list", "list", "把列表中的列表展开一层。", "flatten([[1], [2, 3]]) → [1, 2, 3]")
def flatten(values: Any) -> list[Any]:
    """The items of the lists in a list."""
    parts = [list_of("flatten", part) for part in list_of("flatten", values)]
    check_items(sum(map(len, parts)))
    return [item for part in parts for item in part]


@function(
    "list", "list, field", "取出每条记录的某个字段。", "pluck([{'a': 1}, {'a': 2}], 'a') → [1, 2]"
)
def pluck(values: Any, field: Any) -> list[Any]:
    """One field of every record."""
    return [_field("pluck", item, field) for item in list_of("pluck", values)]


@function("list", "list, item?", "项数，或某项出现的次数。", "count([1, 2, 1], 1) → 2")
def count(values: Any, *item: Any) -> int:
    """How many items, or how often one."""
    items = list_of("count", values)
    return list(items).count(item[0]) if item else len(items)


@function(
    "list", "list, item", "某项的位置（从 0 开始），没有则为 -1。", "index_of(['a', 'b'], 'b') → 1"
)
def index_of(values: Any, item: Any) -> int:
    """Where an item stands, from 0; -1 when it is not there."""
    items = list_of("index_of", values)
    return list(items).index(item) if item in items else -1


@function("list", "list", "是否有任意一项为真。", "any([False, True]) → True")
def any_(values: Any) -> bool:
    """Whether one item is true."""
    return any(list_of("any", values))


@function("list", "list", "是否每一项都为真。", "all([True, False]) → False")
def all_(values: Any) -> bool:
    """Whether every item is true."""
    return all(list_of("all", values))


@function("list", "start, end?, step?", "从 0（或起点）到终点之前的整数。", "range(3) → [0, 1, 2]")
def range_(start: Any, end: Any = None, step: Any = 1) -> list[int]:
    """Numbers from 0 (or a start) up to before the end."""
    low, high = (0, start) if end is None else (start, end)
    stride = whole_of("range", step)
    if stride == 0:
        raise failed("range() needs a step that is not 0")
    found = range(whole_of("range", low), whole_of("range", high), stride)
    check_items(_length_of(found))
    return list(found)


def _length_of(numbers: range) -> int:
    """`len` of a range fails beyond the machine's largest integer."""
    return max(0, (numbers.stop - numbers.start + numbers.step) // numbers.step)


@function("list", "text", "文本的各个字符。", "list('ab') → ['a', 'b']")
def list_(value: Any) -> list[Any]:
    """The characters of a text, or the items of a list."""
    if isinstance(value, str):
        check_items(len(value))
        return list(value)
    return list(list_of("list", value))


@function("list", "record", "记录的字段名。", "keys({'a': 1}) → ['a']")
def keys(value: Any) -> list[str]:
    """The names of the fields."""
    return list(record_of("keys", value))


@function("list", "record", "记录的字段值。", "values({'a': 1}) → [1]")
def values(value: Any) -> list[Any]:
    """The values of the fields."""
    return list(record_of("values", value).values())


@function("list", "record", "由字段名和值组成的列表。", "items({'a': 1}) → [['a', 1]]")
def items(value: Any) -> list[list[Any]]:
    """Pairs of field name and value."""
    return [[name, item] for name, item in record_of("items", value).items()]


@function(
    "list", "records…", "合并多条记录，后者优先。", "merge({'a': 1}, {'b': 2}) → {'a': 1, 'b': 2}"
)
def merge(*records: Any) -> dict[str, Any]:
    """One record of several; later fields win."""
    found: dict[str, Any] = {}
    for record in records:
        found.update(record_of("merge", record))
    return found


def _field(name: str, record: Any, field: Any) -> Any:
    known = record_of(name, record)
    if field not in known:
        raise failed(f"{name}(): a record has no field {field!r}")
    return known[field]
