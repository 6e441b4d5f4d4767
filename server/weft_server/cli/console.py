"""What the commands share: languages, problems as lines, values as tables."""

import json
import os
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any, Final

Lang = str
"""`en` or `zh`."""

WIDEST_CELL: Final = 40
MOST_DIGITS: Final = 6


def language(chosen: str | None) -> Lang:
    """The reader's language: what they asked for, else what the locale says."""
    if chosen:
        return chosen
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


def out(text: str = "") -> None:
    """Write a line of result."""
    _write(sys.stdout, text + "\n")


def err(text: str = "") -> None:
    """Write a line for the person watching."""
    _write(sys.stderr, text + "\n")


def out_json(value: Any) -> None:
    """Write a result for a machine."""
    out(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def _write(stream: Any, text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "replace").decode(encoding))
        stream.flush()


def describe(where: str, problem: Mapping[str, Any]) -> str:
    """One line for one problem or error: `where: CODE message — hint`."""
    hint = problem.get("hint") or ""
    line = f"{where}: {problem['code']} {_flat(str(problem['message']))}"
    return f"{line} — {_flat(str(hint))}" if hint else line


def _flat(text: str) -> str:
    return " ".join(text.split())


def width(text: str) -> int:
    """Columns a terminal needs for this text."""
    wide = sum(1 for c in text if unicodedata.east_asian_width(c) in "WF")
    marks = sum(1 for c in text if unicodedata.combining(c))
    return len(text) + wide - marks


def pad(text: str, columns: int, *, right: bool = False) -> str:
    """Fill up to so many columns."""
    space = " " * max(0, columns - width(text))
    return space + text if right else text + space


def clip(text: str, columns: int) -> str:
    """Cut to so many columns, with an ellipsis where something was cut."""
    if width(text) <= columns:
        return text
    kept, used = [], 0
    for char in text:
        used += width(char)
        if used > columns - 1:
            break
        kept.append(char)
    return "".join(kept) + "…"


def cell(value: Any) -> str:
    """A value as the text of one table cell."""
    if value is None:
        return ""
    if isinstance(value, str):
        return _flat(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def columns_of(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """Every field name in order of first appearance."""
    seen: dict[str, None] = {}
    for record in records:
        for name in record:
            seen.setdefault(str(name))
    return list(seen)


def grid(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    """Lines of a table: columns as wide as needed, numbers to the right."""
    columns = [_column([row[i] for row in rows]) for i in range(len(header))]
    texts = [[clip(column[i], WIDEST_CELL) for column in columns] for i in range(len(rows))]
    heads = [clip(head, WIDEST_CELL) for head in header]
    widths = [max([width(head)] + [width(row[i]) for row in texts]) for i, head in enumerate(heads)]
    right = [_numeric([row[i] for row in rows]) for i in range(len(heads))]

    def line(cells: Sequence[str]) -> str:
        parts = [pad(text, widths[i], right=right[i]) for i, text in enumerate(cells)]
        return "  ".join(parts).rstrip()

    rule = "  ".join("─" * columns for columns in widths)
    return [line(heads), rule, *(line(row) for row in texts)]


def _column(values: Sequence[Any]) -> list[str]:
    """The cells of a column; fractions get equally many digits, so that the points line up."""
    floats = [value for value in values if isinstance(value, float) and isfinite(value)]
    digits = max((_digits(value) for value in floats), default=0)
    if not _numeric(values) or not 0 < digits <= MOST_DIGITS:
        return [cell(value) for value in values]
    return ["" if value is None else f"{value:.{digits}f}" for value in values]


def _digits(value: float) -> int:
    """Digits behind the point; many for numbers that are written with an exponent."""
    text = repr(value)
    return MOST_DIGITS + 1 if "e" in text else len(text.partition(".")[2].rstrip("0"))


def _numeric(values: Sequence[Any]) -> bool:
    present = [value for value in values if value is not None]
    return bool(present) and all(
        isinstance(value, (int, float)) and not isinstance(value, bool) for value in present
    )
