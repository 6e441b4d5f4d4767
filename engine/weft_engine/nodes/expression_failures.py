"""What to tell the author when an expression fails on a record."""

import ast
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from keyword import iskeyword
from typing import Any, Final

from weft_engine.errors import ExpressionError
from weft_engine.nodes.expression_parse import Source, nearest
from weft_engine.nodes.functions.table import type_of

_MOST_NAMES: Final = 12
_SIGNS: Final[dict[type[ast.AST], str]] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%",
    ast.Pow: "**", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.In: "in",
    ast.NotIn: "not in", ast.USub: "-", ast.UAdd: "+", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip


@dataclass(frozen=True)
class Failed:
    """Where an expression failed."""

    source: Source
    tree: ast.expr
    span: tuple[int, int] | None
    evaluate: Callable[[ast.AST], Any]

    def part(self, *kinds: type[ast.AST]) -> Any:
        """The part of one of these kinds that failed, or None."""
        for node in ast.walk(self.tree):
            here = (getattr(node, "col_offset", -1), getattr(node, "end_col_offset", -1))
            if isinstance(node, kinds) and here == self.span:
                return node
        return None

    def error(
        self, part: ast.AST | None, message: str, code: str, hint: str = "", **params: Any
    ) -> ExpressionError:
        """An error that points at a part."""
        return self.source.error(part or self.tree, message, code=code, hint=hint, **params)


def describe(error: Exception, failed: Failed) -> ExpressionError:
    """The error to show for what Python raised."""
    if isinstance(error, ExpressionError):
        return _placed(error, failed)
    if isinstance(error, KeyError | IndexError):
        return _missing(error, failed)
    if isinstance(error, TypeError):
        return _wrong_type(failed) or _other(error, failed)
    if isinstance(error, ZeroDivisionError):
        part = failed.part(ast.BinOp)
        below = failed.source.piece(part.right) if part is not None else "…"
        return failed.error(
            part, f"{below} is zero, and nothing can be divided by zero", "failed",
            f"Write … if {below} != 0 else null.",
        )  # fmt: skip
    return _other(error, failed)


def _placed(error: ExpressionError, failed: Failed) -> ExpressionError:
    """An error of a function: it knows what is wrong, not where it stands."""
    if "column" in error.params or failed.span is None:
        return error
    part = failed.part(ast.Call) or failed.part(ast.expr) or failed.tree
    params = {
        "column": failed.source.column_at(failed.span[0]),
        "part": failed.source.piece(part)[:80],
        **error.params,
    }
    return ExpressionError(error.message, code=error.code, hint=error.hint, params=params)


def _other(error: Exception, failed: Failed) -> ExpressionError:
    part = failed.part(ast.expr)
    return failed.error(part, f"the expression failed: {error}", "failed")


def _missing(error: KeyError | IndexError, failed: Failed) -> ExpressionError:
    part = failed.part(ast.Attribute, ast.Subscript, ast.Name)
    if isinstance(part, ast.Name):
        return failed.error(
            part, f"{part.id} is not known here", "unknown_name",
            "It is there when the flow runs.", name=part.id, nearest=None,
        )  # fmt: skip
    if part is None:
        return _other(error, failed)
    holder = failed.evaluate(part.value)
    key = part.attr if isinstance(part, ast.Attribute) else failed.evaluate(part.slice)
    text = failed.source.piece(part.value)
    if isinstance(holder, Mapping):
        return _missing_field(failed, part, text, holder, key)
    return failed.error(
        part, f"{text} has {len(holder)} items, and none at {key}", "failed",
        f"Write get({text}, {key}, null) where it may be shorter.", count=len(holder), index=key,
    )  # fmt: skip


def _missing_field(
    failed: Failed, part: ast.expr, text: str, holder: Mapping[str, Any], key: Any
) -> ExpressionError:
    names = [str(name) for name in holder]
    near = nearest(str(key), names)
    listed = ", ".join(names[:_MOST_NAMES]) + (", …" if len(names) > _MOST_NAMES else "")
    write = _written(text, near) if near else None
    if write:
        hint = f"Did you mean {near!r}? Write {write}."
    else:
        hint = f"It has {listed}." if names else "It has no fields."
    instead = f"coalesce({failed.source.piece(part)}, …)"
    return failed.error(
        part,
        f"{text} has no field {str(key)!r}",
        "missing_field",
        f"{hint} When it may be missing: {instead}.",
        field=str(key),
        nearest=near,
        write=write,
        fields=names[:_MOST_NAMES],
    )


def _written(holder: str, field: str) -> str:
    """How a field is written: `item.amount`, or `item["Salary €"]` where the name needs it."""
    plain = field.isidentifier() and not iskeyword(field)
    return f"{holder}.{field}" if plain else f"{holder}[{json.dumps(field, ensure_ascii=False)}]"


def _wrong_type(failed: Failed) -> ExpressionError | None:
    part = failed.part(ast.BinOp, ast.Compare, ast.UnaryOp)
    if part is not None:
        return _operands(failed, part)
    part = failed.part(ast.Attribute, ast.Subscript)
    return _holder(failed, part) if part is not None else None


def _operands(failed: Failed, part: ast.AST) -> ExpressionError | None:
    for operator, *sides in _pairs(part):
        values = [failed.evaluate(side) for side in sides]
        texts = [failed.source.piece(side) for side in sides]
        sign = _SIGNS.get(type(operator), "")
        for side, value, text in zip(sides, values, texts, strict=True):
            if value is None and sign not in ("==", "!=", ""):
                return failed.error(
                    side,
                    f"{text} is null, and {sign!r} needs a value",
                    "null_value",
                    f"Say what to use instead: coalesce({text}, 0).",
                    operator=sign,
                )
        if _clash(sign, values):
            return _clashing(failed, part, sign, texts, values)
    return None


def _pairs(part: ast.AST) -> list[tuple[ast.AST, ...]]:
    """Each operator of a part with what stands beside it."""
    if isinstance(part, ast.BinOp):
        return [(part.op, part.left, part.right)]
    if isinstance(part, ast.UnaryOp):
        return [(part.op, part.operand)]
    if isinstance(part, ast.Compare):
        sides = [part.left, *part.comparators]
        return list(zip(part.ops, sides, sides[1:], strict=False))
    return []


def _clash(sign: str, values: list[Any]) -> bool:
    kinds = {"number" if isinstance(value, bool) else type_of(value) for value in values}
    if sign in ("in", "not in"):
        return type_of(values[-1]) not in ("list", "record") and kinds != {"text"}
    if sign in ("<", "<=", ">", ">="):
        return len(kinds) > 1 or not kinds <= {"number", "text", "list"}
    if sign == "+":
        return len(kinds) > 1 or not kinds <= {"number", "text", "list"}
    return sign not in ("==", "!=", "") and kinds != {"number"}


def _clashing(
    failed: Failed, part: ast.AST, sign: str, texts: list[str], values: list[Any]
) -> ExpressionError:
    kinds = [type_of(value) for value in values]
    said = " and ".join(f"{text} ({kind})" for text, kind in zip(texts, kinds, strict=True))
    return failed.error(
        part, f"{sign!r} does not go with {said}", "wrong_type", _way_out(sign, texts, kinds),
        operator=sign, got=kinds,
    )  # fmt: skip


def _way_out(sign: str, texts: list[str], kinds: list[str]) -> str:
    text = next((text for text, kind in zip(texts, kinds, strict=True) if kind == "text"), None)
    if sign == "+" and text is not None:
        other = next((t for t, kind in zip(texts, kinds, strict=True) if kind != "text"), "…")
        return f"Join text with text({other}), or calculate with number({text})."
    if sign == "*" and text is not None and "number" in kinds:
        return f"Calculate with number({text}), or write repeat(text, times)."
    if sign in ("in", "not in"):
        return "On the right stands a list, a text or a record."
    return f"Calculate with number({text})." if text is not None else ""


def _holder(failed: Failed, part: Any) -> ExpressionError | None:
    holder = failed.evaluate(part.value)
    text = failed.source.piece(part.value)
    attribute = isinstance(part, ast.Attribute)
    wanted = part.attr if attribute else failed.source.piece(part.slice)
    if holder is None:
        return failed.error(
            part, f"{text} is null, so it has no {wanted!r}" if attribute else f"{text} is null",
            "null_value", f"Write coalesce({failed.source.piece(part)}, …) when it may be empty.",
        )  # fmt: skip
    hint = "Read JSON text with parse_json(…)." if isinstance(holder, str) and attribute else ""
    if isinstance(holder, list | tuple) and attribute:
        hint = f'Write {text}[0].{wanted} for one, or pluck({text}, "{wanted}") for all.'
    return failed.error(
        part, f"{text} is {type_of(holder)}, and has no {wanted}", "wrong_type", hint,
        got=type_of(holder),
    )  # fmt: skip
