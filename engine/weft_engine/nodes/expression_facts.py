"""What can be said of an expression without evaluating it: what it reads, whether it may fail."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from weft_engine.errors import ExpressionError
from weft_engine.nodes.expressions import compile_expression
from weft_engine.nodes.functions import ALIASES

_SURE_CALLS: Final = {"coalesce", "default", "is_null", "is_empty"}
"""Functions that take anything and never fail."""
_SURE_OPERATORS: Final = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot)
_CONSTANTS: Final = {"true", "false", "null", "none"}


def columns_read(text: str) -> frozenset[str] | None:
    """The fields of the record that an expression looks at; None when it may be any."""
    found: set[str] = set()
    tree = compile_expression(text).tree
    inside = {id(node.value) for node in ast.walk(tree) if _field(node) is not None
              and isinstance(node, ast.Attribute | ast.Subscript)}  # fmt: skip
    for node in ast.walk(tree):
        field = _field(node)
        if field is not None:
            found.add(field)
        elif isinstance(node, ast.Name) and node.id == "item" and id(node) not in inside:
            return None
    return frozenset(found)


def names_read(text: str) -> frozenset[str]:
    """What it starts from, such as `item`, `vars` and `run`."""
    return compile_expression(text).used


def variables_read(text: str) -> frozenset[str] | None:
    """The variables that it looks at by name; None when it may be any."""
    tree = compile_expression(text).tree
    known: set[str] = set()
    inside: set[int] = set()
    for node in ast.walk(tree):
        name = _field(node, "vars")
        if name is not None and isinstance(node, ast.Attribute | ast.Subscript):
            known.add(name)
            inside.add(id(node.value))
    bare = (node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "vars")
    return None if any(id(node) not in inside for node in bare) else frozenset(known)


def constant(text: str, variables: Mapping[str, Any]) -> tuple[bool, Any]:
    """Whether an expression has one value whatever the record and the run, and which.

    Args:
        text: The expression.
        variables: Those that nothing sets, with their values.
    """
    read = variables_read(text)
    if names_read(text) - {"vars"} or read is None or not read <= variables.keys():
        return False, None
    try:
        return True, compile_expression(text)(None, {"vars": dict(variables)})
    except ExpressionError:
        return False, None


def compares_only(text: str) -> bool:
    """Whether it does nothing but compare: then it cannot tell 1 from 1.0."""
    allowed = (ast.Attribute, ast.Subscript, ast.Name, ast.Constant, ast.Compare, ast.BoolOp,
               ast.cmpop, ast.boolop, ast.expr_context)  # fmt: skip
    return all(isinstance(node, allowed) for node in ast.walk(compile_expression(text).tree))


@dataclass(frozen=True, slots=True)
class _Looks:
    """What a part of an expression looks at."""

    always: frozenset[str] = frozenset()
    """Whenever it is evaluated."""
    ever: frozenset[str] = frozenset()

    def maybe(self) -> "_Looks":
        return _Looks(frozenset(), self.ever)


def fails_alike(texts: Iterable[str]) -> bool:
    """Whether expressions fail for no record, or for the first already.

    They are evaluated one after the other for each of some rows that have the same columns. Then
    what may be missing is missing everywhere; but a calculation may fail for any row.
    """
    try:
        looks = _all(compile_expression(text).tree for text in texts)
    except _UnsureError:
        return False
    return looks.ever <= looks.always


class _UnsureError(Exception):
    """It may fail for any record."""


def _look(node: ast.expr) -> _Looks:
    known = _leaf(node)
    if known is not None:
        return known
    if isinstance(node, ast.Compare):
        if all(isinstance(operator, _SURE_OPERATORS) for operator in node.ops):
            return _first([node.left, *node.comparators], certain=2)
    elif isinstance(node, ast.BoolOp):
        return _first(node.values, certain=1)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return _look(node.operand)
    elif isinstance(node, ast.IfExp):
        return _first([node.test, node.body, node.orelse], certain=1)
    elif isinstance(node, ast.Call) and _called(node) in _SURE_CALLS:
        # A field that is missing counts as null there.
        return _all(part for part in node.args if _field(part) is None)
    raise _UnsureError


def _leaf(node: ast.expr) -> _Looks | None:
    if isinstance(node, ast.Constant):
        return _Looks()
    if isinstance(node, ast.Name) and (node.id == "item" or node.id in _CONSTANTS):
        return _Looks()
    for holder in ("item", "vars", "inputs"):
        field = _field(node, holder)
        if field is not None:
            found = frozenset({f"{holder}.{field}"})
            return _Looks(found, found)
    return None


def _called(node: ast.Call) -> str:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    return ALIASES.get(name, name)


def _all(parts: Iterable[ast.expr]) -> _Looks:
    found = [_look(part) for part in parts]
    return _Looks(
        frozenset().union(*(each.always for each in found)),
        frozenset().union(*(each.ever for each in found)),
    )


def _first(parts: list[ast.expr], *, certain: int) -> _Looks:
    """Parts of which only so many are evaluated for certain."""
    found = list(_each(parts, certain))
    return _Looks(
        frozenset().union(*(each.always for each in found)),
        frozenset().union(*(each.ever for each in found)),
    )


def _each(parts: list[ast.expr], certain: int) -> Iterator[_Looks]:
    for at, part in enumerate(parts):
        looks = _look(part)
        yield looks if at < certain else looks.maybe()


def _field(node: ast.AST, holder: str = "item") -> str | None:
    """The name in `item.name` or `item["name"]`."""
    if not isinstance(node, ast.Attribute | ast.Subscript):
        return None
    if not (isinstance(node.value, ast.Name) and node.value.id == holder):
        return None
    if isinstance(node, ast.Attribute):
        return node.attr
    key = node.slice
    return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None
