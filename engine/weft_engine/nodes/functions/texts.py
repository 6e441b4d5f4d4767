"""Functions on text."""

import json
import urllib.parse
from typing import Any, Final

import regex

from weft_engine.nodes.functions.table import (
    check_items,
    check_text,
    failed,
    function,
    list_of,
    number_of,
    text_of,
    too_costly,
    whole_of,
)

_PATIENCE_S: Final = 0.2
_LONGEST_PATTERN: Final = 500


@function("text", "value", "把值转换为文本；空值得到空文本。", "text(12.0) → '12'")
def text(value: Any) -> str:
    """Turn a value into text; null gives empty text."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, int | float):
        return str(value)
    return to_json(value)


@function("text", "text", "转换为大写。", "upper('abc') → 'ABC'")
def upper(value: Any) -> str:
    """Capital letters."""
    return text_of("upper", value).upper()


@function("text", "text", "转换为小写。", "lower('ABC') → 'abc'")
def lower(value: Any) -> str:
    """Small letters."""
    return text_of("lower", value).lower()


@function("text", "text", "每个单词首字母大写。", "title('ada lovelace') → 'Ada Lovelace'")
def title(value: Any) -> str:
    """A capital at the start of each word."""
    return text_of("title", value).title()


@function("text", "text", "首字母大写。", "capitalise('ada') → 'Ada'")
def capitalise(value: Any) -> str:
    """A capital at the start."""
    found = text_of("capitalise", value)
    return found[:1].upper() + found[1:]


@function("text", "text, characters?", "去掉两端的空白（或指定的字符）。", "trim('  a b ') → 'a b'")
def trim(value: Any, characters: Any = None) -> str:
    """Without spaces (or other characters) at both ends."""
    given = None if characters is None else text_of("trim", characters)
    return text_of("trim", value).strip(given)


@function("text", "text", "把连续空白合并为一个，并去掉两端的空白。", "squeeze(' a   b ') → 'a b'")
def squeeze(value: Any) -> str:
    """Every run of spaces becomes one, none at the ends."""
    return " ".join(text_of("squeeze", value).split())


@function(
    "text",
    "text, part",
    "文本是否包含某部分，或列表是否包含某项。",
    "contains('apple', 'pp') → True",
)
def contains(value: Any, part: Any) -> bool:
    """Whether a text has a part, or a list an item."""
    if isinstance(value, list | tuple):
        return part in value
    return text_of("contains", part) in text_of("contains", value)


@function("text", "text, start", "文本是否以某部分开头。", "starts_with('apple', 'app') → True")
def starts_with(value: Any, start: Any) -> bool:
    """Whether a text starts so."""
    return text_of("starts_with", value).startswith(text_of("starts_with", start))


@function("text", "text, end", "文本是否以某部分结尾。", "ends_with('report.csv', '.csv') → True")
def ends_with(value: Any, end: Any) -> bool:
    """Whether a text ends so."""
    return text_of("ends_with", value).endswith(text_of("ends_with", end))


@function(
    "text", "text, old, new", "把所有旧内容替换为新内容。", "replace('a-b-c', '-', '+') → 'a+b+c'"
)
def replace(value: Any, old: Any, new: Any) -> str:
    """Every `old` becomes `new`."""
    found, out, into = (text_of("replace", part) for part in (value, old, new))
    if not out:
        raise failed("replace() cannot look for empty text")
    check_text(len(found) + found.count(out) * max(0, len(into) - len(out)))
    return found.replace(out, into)


@function("text", "text, separator?", "按空白或分隔符拆成列表。", "split('a,b', ',') → ['a', 'b']")
def split(value: Any, separator: Any = None) -> list[str]:
    """Cut into a list, at spaces or at a separator."""
    found = text_of("split", value)
    if separator is None:
        return found.split()
    cut = text_of("split", separator)
    if not cut:
        raise failed("split() cannot cut at empty text", "Use list(text) for its characters.")
    check_items(found.count(cut) + 1)
    return found.split(cut)


@function(
    "text", "list, separator?", "把列表各项连接成一个文本。", "join(['a', 'b'], ', ') → 'a, b'"
)
def join(values: Any, separator: Any = "") -> str:
    """One text of all items."""
    parts = [text(item) for item in list_of("join", values)]
    between = text_of("join", separator)
    check_text(sum(map(len, parts)) + len(between) * len(parts))
    return between.join(parts)


@function("text", "text", "按行拆成列表。", "lines('a\\nb') → ['a', 'b']")
def lines(value: Any) -> list[str]:
    """The lines of a text."""
    return text_of("lines", value).splitlines()


@function("text", "text, count", "开头的若干字符。", "left('abc', 2) → 'ab'")
def left(value: Any, count: Any) -> str:
    """The first characters."""
    return text_of("left", value)[: max(0, whole_of("left", count))]


@function("text", "text, count", "末尾的若干字符。", "right('abc', 2) → 'bc'")
def right(value: Any, count: Any) -> str:
    """The last characters."""
    wanted = max(0, whole_of("right", count))
    return text_of("right", value)[-wanted:] if wanted else ""


@function("text", "text, width, fill?", "在左侧补足到指定宽度。", "pad_left('7', 3, '0') → '007'")
def pad_left(value: Any, width: Any, fill: Any = " ") -> str:
    """Filled up on the left to a width."""
    return text_of("pad_left", value).rjust(*_padding("pad_left", width, fill))


@function("text", "text, width, fill?", "在右侧补足到指定宽度。", "pad_right('7', 3, '.') → '7..'")
def pad_right(value: Any, width: Any, fill: Any = " ") -> str:
    """Filled up on the right to a width."""
    return text_of("pad_right", value).ljust(*_padding("pad_right", width, fill))


def _padding(name: str, width: Any, fill: Any) -> tuple[int, str]:
    wide, mark = whole_of(name, width), text_of(name, fill)
    if len(mark) != 1:
        raise failed(f"{name}() fills up with one character, not {len(mark)}")
    check_text(wide)
    return wide, mark


@function("text", "text, times", "重复文本若干次。", "repeat('ab', 2) → 'abab'")
def repeat(value: Any, times: Any) -> str:
    """The text again and again."""
    found, count = text_of("repeat", value), max(0, whole_of("repeat", times))
    check_text(len(found) * count)
    return found * count


@function(
    "text",
    "text, part",
    "某部分首次出现的位置（从 0 开始），没有则为 -1。",
    "find('apple', 'l') → 3",
)
def find(value: Any, part: Any) -> int:
    """Where a part starts, counted from 0; -1 when it is not there."""
    return text_of("find", value).find(text_of("find", part))


@function(
    "text",
    "text, pattern",
    "文本中是否能找到正则表达式。",
    "matches('A-17', '^[A-Z]-[0-9]+$') → True",
)
def matches(value: Any, pattern: Any) -> bool:
    """Whether a regular expression is found in the text."""
    compiled = _pattern("matches", pattern)
    try:
        return compiled.search(text_of("matches", value), timeout=_PATIENCE_S) is not None
    except TimeoutError:
        raise _slow(pattern) from None


@function(
    "text",
    "text, pattern, group?",
    "正则表达式首先找到的内容，没有则为空值。",
    "extract('order 17', '[0-9]+') → '17'",
)
def extract(value: Any, pattern: Any, group: Any = 0) -> str | None:
    """What a regular expression finds first, or null."""
    compiled = _pattern("extract", pattern)
    which = group if isinstance(group, str) else whole_of("extract", group)
    try:
        found = compiled.search(text_of("extract", value), timeout=_PATIENCE_S)
    except TimeoutError:
        raise _slow(pattern) from None
    try:
        return None if found is None else found.group(which)
    except IndexError:
        raise failed(f"the pattern has no group {group!r}", pattern=pattern) from None


@function(
    "text",
    "text, pattern",
    "正则表达式找到的全部内容，得到列表。",
    "extract_all('a1 b22', '[0-9]+') → ['1', '22']",
)
def extract_all(value: Any, pattern: Any) -> list[str]:
    """Everything a regular expression finds, as a list."""
    compiled = _pattern("extract_all", pattern)
    found: list[str] = []
    try:
        for match in compiled.finditer(text_of("extract_all", value), timeout=_PATIENCE_S):
            found.append(match.group())
            check_items(len(found))
    except TimeoutError:
        raise _slow(pattern) from None
    return found


@function(
    "text",
    "text, pattern, new",
    "把正则表达式找到的内容全部替换。",
    "replace_pattern('a1b2', '[0-9]', '#') → 'a#b#'",
)
def replace_pattern(value: Any, pattern: Any, new: Any) -> str:
    """Everything a regular expression finds becomes `new`."""
    compiled, into = _pattern("replace_pattern", pattern), text_of("replace_pattern", new)
    found = text_of("replace_pattern", value)
    pieces: list[str] = []
    length = at = 0
    try:
        for match in compiled.finditer(found, timeout=_PATIENCE_S):
            pieces += [found[at : match.start()], into]
            length += len(pieces[-2]) + len(into)
            check_text(length)
            at = match.end()
    except TimeoutError:
        raise _slow(pattern) from None
    return "".join([*pieces, found[at:]])


def _pattern(name: str, pattern: Any) -> regex.Pattern[str]:
    wanted = text_of(name, pattern)
    if len(wanted) > _LONGEST_PATTERN:
        raise too_costly(f"a pattern of {len(wanted):,} characters")
    try:
        return regex.compile(wanted)
    except (regex.error, OverflowError, RecursionError, MemoryError) as error:
        raise failed(
            f"{wanted!r} is not a regular expression: {error}",
            "Put a backslash before ( ) [ ] . * + ? to find the character itself.",
            pattern=wanted,
        ) from None


def _slow(pattern: Any) -> Exception:
    return failed(
        f"the pattern {pattern!r} takes too long on this text",
        "Repeats inside repeats, such as (a+)+, make it slow.",
        pattern=pattern,
    )


@function(
    "text", "number, decimals?", "带千位分隔符的数字文本。", "format_number(1234.5, 2) → '1,234.50'"
)
def format_number(value: Any, decimals: Any = 0) -> str:
    """A number with thousands grouped."""
    digits = whole_of("format_number", decimals)
    if not 0 <= digits <= 20:
        raise failed("format_number() writes 0 to 20 decimals")
    return f"{number_of('format_number', value):,.{digits}f}"


@function(
    "text", "value", "把值写成 JSON 文本。", "to_json({'a': [1, None]}) → '{\"a\": [1, null]}'"
)
def to_json(value: Any) -> str:
    """The value as JSON text."""
    try:
        _measure(value)
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise failed(f"the value cannot be written as JSON: {error}") from None


def _measure(value: Any) -> None:
    """Refuse a value whose JSON would be too long: one text may stand in it many times."""
    length, parts = 0, [value]
    while parts:
        part = parts.pop()
        length += len(part) + 2 if isinstance(part, str) else 2
        if isinstance(part, list | tuple):
            parts.extend(part)
        elif isinstance(part, dict):
            parts.extend(part)
            parts.extend(part.values())
        check_text(length + len(parts))


@function("text", "text", "读取 JSON 文本的值。", "parse_json('[1, 2]') → [1, 2]")
def parse_json(value: Any) -> Any:
    """The value that JSON text stands for."""
    try:
        return json.loads(text_of("parse_json", value))
    except (ValueError, RecursionError) as error:
        raise failed(f"the text is not JSON: {error}") from None


@function("text", "text", "转换为网址中的写法。", "url_encode('a b&c') → 'a%20b%26c'")
def url_encode(value: Any) -> str:
    """Text as it stands in an address."""
    found = text_of("url_encode", value)
    check_text(len(found) * 3)
    return urllib.parse.quote(found, safe="")
