"""Expressions that the code generator can write into a loop instead of calling them."""

from collections.abc import Mapping
from typing import Any


class Inline:
    """A Python expression over `item`, by the author of a program; callable like a function.

    >>> double = Inline("item * factor", factor=2)
    >>> double(21)
    42

    Where a function takes something else than one record, name its arguments:

    >>> add = Inline("held + item", "held", "item")
    >>> add(1, 2)
    3

    The text is code of the program that holds it. Text of a flow never comes here but through the
    compiler of expressions, which lets only checked trees through.
    """

    __slots__ = ("_call", "args", "code", "names")

    def __init__(self, code: str, /, *args: str, **names: Any) -> None:
        self.code = code
        self.args = args or ("item",)
        self.names: Mapping[str, Any] = names
        self._call: Any = None

    def __call__(self, *values: Any) -> Any:
        if self._call is None:
            compile(self.code.strip(), "<inline>", "eval")  # refuses what is no expression
            scope = dict(self.names)
            arguments = ", ".join(self.args)
            self._call = eval(f"lambda {arguments}: ({self.code}\n)", scope)  # noqa: S307 - see above
        return self._call(*values)

    def __reduce__(self) -> Any:
        return (_again, (self.code, self.args, dict(self.names)))

    def __repr__(self) -> str:
        return f"Inline({self.code!r})"


def _again(code: str, args: tuple[str, ...], names: dict[str, Any]) -> Inline:
    return Inline(code, *args, **names)
