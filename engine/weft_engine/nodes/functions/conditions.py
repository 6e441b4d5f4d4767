"""Functions on any value: null, missing fields, types."""

from typing import Any

from weft_engine.nodes.functions.table import failed, function, refuse, type_of


@function(
    "value", "values…", "第一个非空的值；缺失的字段视为空。", "coalesce(null, 0) → 0", lenient=True
)
def coalesce(*values: Any) -> Any:
    """The first that is not null; a missing field counts as null."""
    return next((value for value in values if value is not None), None)


@function(
    "value",
    "value, other",
    "值为空、缺失或空文本时改用另一个值。",
    "default('', 'none') → 'none'",
    lenient=True,
)
def default(value: Any, other: Any) -> Any:
    """The value, or the other when it is null, missing or empty text."""
    return other if value is None or value == "" else value


@function("value", "value", "是否为空值或缺失。", "is_null(null) → True", lenient=True)
def is_null(value: Any) -> bool:
    """Whether it is null or missing."""
    return value is None


@function(
    "value",
    "value",
    "是否为空值、缺失、空白文本或没有任何项。",
    "is_empty('  ') → True",
    lenient=True,
)
def is_empty(value: Any) -> bool:
    """Whether it is null, missing, blank text or has no items."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, list | tuple | dict) and not value)


@function("value", "record, field", "记录是否有某个字段。", "has({'a': null}, 'a') → True")
def has(record: Any, field: Any) -> bool:
    """Whether a record has a field."""
    if isinstance(record, dict):
        return field in record
    return refuse("has", "a record", record)


@function(
    "value",
    "record, field, default?",
    "记录的字段或列表的项，没有则用默认值。",
    "get({'a': 1}, 'b', 0) → 0",
    lenient=True,
)
def get(holder: Any, field: Any, otherwise: Any = None) -> Any:
    """A field of a record or an item of a list, or the default."""
    if isinstance(holder, dict):
        return holder.get(field, otherwise)
    if isinstance(holder, list | tuple) and isinstance(field, int):
        return holder[field] if -len(holder) <= field < len(holder) else otherwise
    if holder is None:
        return otherwise
    return refuse("get", "a record or a list", holder)


@function("value", "value", "把文本、数字等转换为是/否。", "bool('yes') → True")
def bool_(value: Any) -> bool:
    """Yes/no from text, numbers and such."""
    if isinstance(value, str):
        word = value.strip().lower()
        if word in ("true", "yes", "y", "on", "1", "是", "真"):
            return True
        if word in ("false", "no", "n", "off", "0", "", "否", "假"):
            return False
        raise failed(f"bool() cannot read {value[:40]!r} as true or false")
    if value is None:
        return refuse("bool", "a value", value)
    return bool(value)


@function("value", "value", "值的类型名称。", "type_of([1]) → 'list'")
def type_of_(value: Any) -> str:
    """number, text, list, record, true or false, or null."""
    return type_of(value)
