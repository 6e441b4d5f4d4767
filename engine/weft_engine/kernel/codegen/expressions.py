"""Writes `Inline` expressions into a loop, with the loop's own variables in place of theirs."""

import ast
import builtins
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from weft_engine.kernel.codegen.writer import Writer
from weft_engine.kernel.inline import Inline

_OWN_SCOPE: Final = (
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
    ast.NamedExpr,
    ast.Await,
    ast.Yield,
    ast.YieldFrom,
)
"""What has variables of its own, or may look at the loop's when it has gone on. Such an expression
is called instead of written out."""
_LITERAL: Final = frozenset({int, bool, type(None), str, bytes})
_LONGEST_LITERAL: Final = 100


@dataclass(frozen=True, slots=True)
class _Parsed:
    """An expression, and where names stand in it that are not builtins."""

    code: bytes
    names: tuple[tuple[int, int, str], ...]
    """Start, end, name; from the last to the first."""


def written(inline: Inline, values: Sequence[str], writer: Writer, prefix: str) -> str | None:
    """The expression over the loop's variables; None where it must be called.

    Args:
        inline: The expression.
        values: The variables that hold its arguments.
        writer: Learns the objects that the expression refers to.
        prefix: What to begin their names with.
    """
    parsed = _parse(inline.code)
    if parsed is None or len(values) != len(inline.args):
        return None
    instead = dict(zip(inline.args, values, strict=True))
    for _, _, name in parsed.names:
        if name in instead:
            continue
        if name in inline.names:
            instead[name] = _literal(inline.names[name]) or writer.bind(
                f"{prefix}_{name}", inline.names[name]
            )
        elif not hasattr(builtins, name):
            return None  # it would fail: let it do so where it is evaluated
    code = parsed.code
    for start, end, name in parsed.names:
        if name in instead:
            code = code[:start] + instead[name].encode() + code[end:]
    return f"({code.decode()})"


@functools.lru_cache(maxsize=4096)
def _parse(code: str) -> _Parsed | None:
    try:
        tree = ast.parse(code.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    text = code.strip()
    if "#" in text or "\n" in text or any(isinstance(n, ast.JoinedStr) for n in ast.walk(tree)):
        text = ast.unparse(tree)  # one line, without comments
        tree = ast.parse(text, mode="eval")
    nodes = list(ast.walk(tree))
    if any(isinstance(node, (*_OWN_SCOPE, ast.JoinedStr)) for node in nodes):
        return None  # places inside of f-strings are not known
    names = sorted(
        (
            (node.col_offset, node.end_col_offset or 0, node.id)
            for node in nodes
            if isinstance(node, ast.Name)
        ),
        reverse=True,
    )
    return _Parsed(text.encode(), tuple(names))


def _literal(value: Any) -> str | None:
    """The value as code, where it is small and cannot change."""
    if type(value) not in _LITERAL:
        return None
    text = f"({value!r})"
    return text if len(text) <= _LONGEST_LITERAL else None
