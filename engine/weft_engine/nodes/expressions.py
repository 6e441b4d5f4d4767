"""The expression language: `item.amount > 100 and item.region == "north"`.

A small, pure language with the syntax of Python expressions. `item` is the record, `inputs`, `run`
and `vars` tell of what the run was given, the run and the variables, `nodes` of single values that
nodes before gave, `index` of the iteration; `FUNCTIONS` lists the functions. A
missing field and a calculation with null are errors that say what to write instead. An expression
is compiled once to a Python function out of a whitelist of syntax: no attribute of a Python object,
no builtin and no unbounded work is reachable from it.
"""

import ast
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Any, Final, cast

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from weft_engine.errors import ExpressionError
from weft_engine.nodes.expression_codegen import Compiled, Evaluate
from weft_engine.nodes.expression_folding import Folding
from weft_engine.nodes.functions import FUNCTIONS, MAX_TEXT, Function
from weft_engine.nodes.functions.table import too_costly
from weft_engine.nodes.functions.texts import text as as_text

__all__ = [
    "FUNCTIONS",
    "NAMES",
    "CompiledExpression",
    "CompiledTemplate",
    "Expression",
    "Function",
    "Template",
    "compile_expression",
    "compile_template",
]

NAMES: Final = ("item", "flow", "inputs", "run", "vars", "index", "nodes")
"""What an expression may start from."""
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType(
    {"flow": {}, "inputs": {}, "run": {}, "vars": {}, "index": None, "nodes": {}}
)
_LONGEST_TEMPLATE: Final = 200_000
_MOST_PLACES: Final = 1000
_LONGEST_FILLED: Final = 2 * MAX_TEXT


class CompiledExpression:
    """An expression ready to be called with a record.

    `function(item, env)` is the bare function for hot loops; `python` is its source for code that
    inlines it, to run with `namespace` and `item` and `env` in scope, failures given to `explain`.
    """

    __slots__ = (
        "_compiled",
        "_folding",
        "fields",
        "function",
        "names",
        "namespace",
        "python",
        "text",
        "used",
    )

    def __init__(self, text: str, names: tuple[str, ...]) -> None:
        self._compiled = Compiled(text, names)
        self._folding = Folding(self._compiled)
        self.text = text
        self.names = names
        self.function: Evaluate = self._compiled.function
        self.python: str = self._compiled.python
        self.namespace: Mapping[str, Any] = self._compiled.namespace
        self.fields: frozenset[str] = self._compiled.fields
        self.used: frozenset[str] = self._compiled.used

    def __call__(self, item: Any, env: Mapping[str, Any] = _NOTHING) -> Any:
        return self.function(item, env)

    @property
    def tree(self) -> ast.expr:
        """Its syntax, as it was written."""
        return self._compiled.tree

    @property
    def folds(self) -> bool:
        """Whether a part of it is the same for every record, and more than a constant."""
        return self._folding.folds

    def bound(self, env: Mapping[str, Any]) -> Evaluate:
        """The bare function for many records in one environment.

        What does not depend on the record is worked out once. Values and failures are those of
        `function`.
        """
        return self._folding.bound(env)

    def explain(
        self, error: Exception, item: Any, env: Mapping[str, Any] = _NOTHING
    ) -> ExpressionError:
        """What to tell the author of an exception that inlined code raised."""
        return self._compiled.explain(error, item, env)

    def __repr__(self) -> str:
        return f"CompiledExpression({self.text!r})"

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, tuple[str, ...]]]:
        return _compile, (self.text, self.names)


class CompiledTemplate:
    """A text with expressions in it, ready to be filled in."""

    __slots__ = ("fields", "names", "parts", "text")

    def __init__(self, text: str, names: tuple[str, ...]) -> None:
        self.text = text
        self.names = names
        self.parts = tuple(_parts(text, names))
        held = [part for part in self.parts if isinstance(part, CompiledExpression)]
        self.fields: frozenset[str] = frozenset().union(*(part.fields for part in held))

    def __call__(self, item: Any, env: Mapping[str, Any] = _NOTHING) -> str:
        filled: list[str] = []
        length = 0
        for part in self.parts:
            text = part if isinstance(part, str) else as_text(part.function(item, env))
            length += len(text)
            if length > _LONGEST_FILLED:
                raise too_costly(f"a text of more than {_LONGEST_FILLED:,} characters")
            filled.append(text)
        return "".join(filled)

    def __repr__(self) -> str:
        return f"CompiledTemplate({self.text!r})"

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, tuple[str, ...]]]:
        return _compile_template, (self.text, self.names)


def compile_expression(text: str, *, names: tuple[str, ...] = NAMES) -> CompiledExpression:
    """Compile an expression; ExpressionError says what is wrong, at which column, what to do."""
    return _compile(text, tuple(names))


def compile_template(text: str, *, names: tuple[str, ...] = NAMES) -> CompiledTemplate:
    """Compile a template such as `Dear {{ item.name }},`; null is filled in as nothing."""
    return _compile_template(text, tuple(names))


@lru_cache(maxsize=2048)
def _compile(text: str, names: tuple[str, ...]) -> CompiledExpression:
    return CompiledExpression(text, names)


@lru_cache(maxsize=512)
def _compile_template(text: str, names: tuple[str, ...]) -> CompiledTemplate:
    if len(text) > _LONGEST_TEMPLATE:
        raise ExpressionError(
            f"the template has {len(text):,} characters; {_LONGEST_TEMPLATE:,} are allowed",
            code="expression.too_big",
        )
    return CompiledTemplate(text, names)


def _parts(text: str, names: tuple[str, ...]) -> list[str | CompiledExpression]:
    parts: list[str | CompiledExpression] = []
    at = places = 0
    while (start := text.find("{{", at)) >= 0:
        places += 1
        if places > _MOST_PLACES:
            raise ExpressionError(
                f"the template has more than {_MOST_PLACES:,} places to fill in",
                code="expression.too_big",
                hint="Split it over several nodes.",
            )
        end = _end(text, start + 2)
        if start > at:
            parts.append(text[at:start])
        parts.append(_compile_at(text, start + 2, end, names))
        at = end + 2
    return [*parts, text[at:]] if at < len(text) else parts


def _end(text: str, start: int) -> int:
    """Where `}}` stands that closes a place, not one in quotes or of a record."""
    quote, depth, at = "", 0, start
    while at < len(text):
        character = text[at]
        if quote:
            at += character == "\\"
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character == "{":
            depth += 1
        elif character == "}" and depth:
            depth -= 1
        elif text.startswith("}}", at):
            return at
        at += 1
    raise ExpressionError(
        "a place in the template opens with {{ and never closes",
        code="expression.syntax",
        hint='Close it with }}. Braces that are text are written {{ "{{" }}.',
        params={"column": start - 1, "part": text[start - 2 : start + 40]},
    )


def _compile_at(text: str, start: int, end: int, names: tuple[str, ...]) -> CompiledExpression:
    try:
        return _compile(text[start:end].strip(), names)
    except ExpressionError as error:
        lead = start + len(text[start:end]) - len(text[start:end].lstrip())
        column = error.params.get("column")
        moved = {"column": lead + column} if isinstance(column, int) else {}
        raise ExpressionError(
            error.message, code=error.code, hint=error.hint, params={**error.params, **moved}
        ) from None


def _checked(compile_text: Callable[[str], object]) -> Callable[[str], str]:
    def check(text: str) -> str:
        try:
            compile_text(text)
        except ExpressionError as error:
            raise PydanticCustomError(
                "expression",
                "{message}",
                {
                    "message": error.message,
                    "hint": error.hint,
                    "expression_code": error.code,
                    **{key: value for key, value in error.params.items() if key != "message"},
                },
            ) from None
        return text

    return check


Expression = Annotated[
    str,
    AfterValidator(_checked(compile_expression)),
    Field(json_schema_extra=cast("dict[str, Any]", {"x-widget": "expression"})),
]
"""A setting that holds an expression."""

Template = Annotated[
    str,
    AfterValidator(_checked(compile_template)),
    Field(json_schema_extra=cast("dict[str, Any]", {"x-widget": "template"})),
]
"""A setting that holds a text with expressions in {{ }}."""
