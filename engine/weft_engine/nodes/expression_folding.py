"""Working out once what of an expression is the same for every record.

`item.amount > vars.limit * 2` with the limit 100 becomes `item.amount > 200` for as long as the
environment stays. A part that cannot be worked out is left as it is, so that it fails only where it
is needed; and an expression that fails does so in its author's words, as the whole one is asked
again.
"""

import ast
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from functools import cached_property
from types import CodeType
from typing import Any, Final

from weft_engine.nodes.expression_codegen import Compiled, Evaluate

_MOST: Final = 16
"""How many versions of an expression are kept."""
_LONGEST: Final = 10_000
_PLAIN: Final = (bool, int, float, str, type(None))
_FOLDABLE: Final = (ast.BinOp, ast.BoolOp, ast.Call, ast.Compare, ast.IfExp, ast.Subscript,
                    ast.UnaryOp)  # fmt: skip
_SOURCE: Final = """
def expression(item, env):
    try:
        return 0
    except Exception:
        return _whole(item, env)
"""


class Folding:
    """Versions of an expression in which what is known stands as a constant."""

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        self._made: OrderedDict[tuple[Any, ...], Evaluate] = OrderedDict()

    @property
    def folds(self) -> bool:
        """Whether there is anything to work out."""
        return bool(self._parts)

    def bound(self, env: Mapping[str, Any]) -> Evaluate:
        """The expression as a function for many records in one environment."""
        if not self._parts:
            return self._compiled.function
        values = [self._value(code, env) for code in self._codes]
        key = tuple((type(value), repr(value)) for value in values)
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = self._version(values)
            while len(self._made) > _MOST:
                self._made.pop(next(iter(self._made)), None)
        return found

    @cached_property
    def _parts(self) -> list[ast.expr]:
        # Where work is counted, leaving some of it out would count otherwise.
        return [] if self._compiled.metered else list(_same(self._compiled.safe))

    @cached_property
    def _codes(self) -> list[CodeType]:
        return [
            compile(ast.fix_missing_locations(ast.Expression(part)), "<part>", "eval")
            for part in self._parts
        ]

    def _value(self, code: CodeType, env: Mapping[str, Any]) -> Any:
        """The value of a part; `_UNKNOWN` when it fails, or is nothing to write down."""
        try:
            found = eval(code, {**self._compiled.namespace, "env": env})  # noqa: S307 - whitelisted
        except Exception:  # noqa: BLE001 - it fails again where it is needed
            return _UNKNOWN
        known = type(found) in _PLAIN and not (isinstance(found, str) and len(found) > _LONGEST)
        return found if known else _UNKNOWN

    def _version(self, values: list[Any]) -> Evaluate:
        known = {
            id(part): value
            for part, value in zip(self._parts, values, strict=True)
            if value is not _UNKNOWN
        }
        if not known:
            return self._compiled.function
        module = ast.parse(_SOURCE)
        returned = next(node for node in ast.walk(module) if isinstance(node, ast.Return))
        returned.value = _replaced(self._compiled.safe, known)
        namespace = {**self._compiled.namespace, "Exception": Exception,
                     "_whole": self._compiled.function}  # fmt: skip
        code = compile(ast.fix_missing_locations(module), "<folded expression>", "exec")
        exec(code, namespace)  # noqa: S102 - a tree built from the whitelist, without builtins
        function: Evaluate = namespace["expression"]
        return function


class _Unknown:
    def __repr__(self) -> str:
        return "unknown"


_UNKNOWN: Final = _Unknown()


def _same(node: ast.AST) -> Iterator[ast.expr]:
    """The largest parts that do not depend on the record."""
    if isinstance(node, _FOLDABLE) and not _trivial(node) and not _varies(node):
        yield node
        return
    for child in ast.iter_child_nodes(node):
        yield from _same(child)


def _trivial(node: ast.AST) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant)


def _varies(node: ast.AST) -> bool:
    names = (part.id for part in ast.walk(node) if isinstance(part, ast.Name))
    return any(name in ("item", "_meter") or name.startswith("v_") for name in names)


def _replaced(node: Any, known: Mapping[int, Any]) -> Any:
    """A copy of a tree with constants for the parts that are known."""
    if isinstance(node, list):
        return [_replaced(each, known) for each in node]
    if not isinstance(node, ast.AST):
        return node
    if id(node) in known:
        return ast.copy_location(ast.Constant(known[id(node)]), node)
    copied = type(node)(**{name: _replaced(value, known) for name, value in ast.iter_fields(node)})
    return ast.copy_location(copied, node)
