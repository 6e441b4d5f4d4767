"""From the text of an expression to a syntax tree, with errors that people understand."""

import ast
import difflib
import io
import threading
import tokenize
import unicodedata
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from weft_engine.errors import ExpressionError

LONGEST: Final = 4096
_PARSING: Final = threading.Lock()

_SLIPS: Final = {
    "&&": "Write `and`.",
    "||": "Write `or`.",
    "===": "Write `==`.",
    "!==": "Write `!=`.",
    "<>": "Write `!=`.",
    "!": "Write `not`.",
    "?": "Write `a if condition else b`.",
    "=>": "Write `>=`, or `[… for x in list]` to go through a list.",
    "${": "Write the name alone, such as item.amount.",
    "{{": "An expression stands without {{ and }}.",
    "=": "Compare with `==`.",
    "$": "Write the name alone, such as item.amount.",
    ";": "An expression is one value, without a semicolon.",
}


@dataclass(frozen=True)
class Source:
    """The text of an expression, to point into."""

    text: str
    lead: int = 0
    """Spaces before it, which columns count."""

    def column(self, node: ast.AST) -> int:
        """Where a part starts, counted from 1 in characters."""
        return self.column_at(int(getattr(node, "col_offset", 0)))

    def column_at(self, offset: int) -> int:
        """The column of a place that Python counts in bytes."""
        return self.lead + len(self.text.encode()[:offset].decode(errors="ignore")) + 1

    def piece(self, node: ast.AST) -> str:
        """The text of a part."""
        start, end = getattr(node, "col_offset", 0), getattr(node, "end_col_offset", 0)
        return self.text.encode()[start:end].decode(errors="ignore")

    def error(
        self, node: ast.AST, message: str, *, code: str, hint: str = "", **params: Any
    ) -> ExpressionError:
        """An error that points at a part."""
        return ExpressionError(
            message,
            code=f"expression.{code}",
            hint=hint,
            params={"column": self.column(node), "part": self.piece(node)[:80], **params},
        )


def parse(text: str) -> tuple[ast.expr, Source]:
    """Read the text of an expression."""
    if len(text) > LONGEST:
        raise ExpressionError(
            f"the expression has {len(text):,} characters; {LONGEST:,} are allowed",
            code="expression.too_big",
            hint="Split it over several fields or nodes.",
            params={"length": len(text), "longest": LONGEST},
        )
    # Line ends become spaces, one for one, so that columns stay where they are.
    flat = text.replace("\r", " ").replace("\n", " ").rstrip()
    source = Source(flat.lstrip(), len(flat) - len(flat.lstrip()))
    if not source.text:
        raise _syntax(source, "the expression is empty", "Write one, such as item.amount > 100.", 1)
    try:
        tree = _parse(source.text)
    except SyntaxError as error:
        raise _explain(source, error) from None
    except (RecursionError, MemoryError):
        raise too_deep() from None
    except (ValueError, OverflowError) as error:
        raise _syntax(source, str(error), "", 1) from None
    _refuse_look_alikes(source)
    return tree, source


def too_deep() -> ExpressionError:
    """Parts inside parts, too many times."""
    return ExpressionError(
        "the expression nests too deeply",
        code="expression.too_big",
        hint="Split it over several fields or nodes.",
    )


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is closest."""
    by_small = {str(word).lower(): str(word) for word in known}
    close = difflib.get_close_matches(name.lower(), by_small, n=1, cutoff=0.6)
    return by_small[close[0]] if close else None


def _parse(text: str) -> ast.expr:
    # Python warns of "\d" in a pattern and of `is` with a number; neither is news to the author.
    with _PARSING, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text, mode="eval").body


def _explain(source: Source, error: SyntaxError) -> ExpressionError:
    message = error.msg.split(". Perhaps")[0].split(" Maybe")[0]
    text = source.text
    hint = next((hint for slip, hint in _SLIPS.items() if _outside_quotes(text, slip)), "")
    if "never closed" in message or "unterminated" in message or "EOF" in message:
        hint = "Close every bracket and quote."
    if "too many nested" in message:
        return too_deep()
    if not error.offset:  # Python points nowhere when something is missing at the end
        hint = hint or "Something is missing at its end."
        return _syntax(source, "the expression ends too early", hint, len(text))
    return _syntax(source, f"the expression cannot be read: {message}", hint, error.offset)


def _outside_quotes(text: str, slip: str) -> bool:
    quote = ""
    for at, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif text.startswith(slip, at) and (slip != "=" or _alone(text, at)):
            return True
    return False


def _alone(text: str, at: int) -> bool:
    return text[at - 1 : at] not in tuple("=<>!") and text[at + 1 : at + 2] != "="


def _syntax(source: Source, message: str, hint: str, column: int) -> ExpressionError:
    return ExpressionError(
        message,
        code="expression.syntax",
        hint=hint,
        params={"column": source.lead + column, "part": source.text[:80]},
    )


def _refuse_look_alikes(source: Source) -> None:
    """Python reads `ｉｔｅｍ` as `item`; a name must be written as it is read."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source.text).readline))
    except (tokenize.TokenError, SyntaxError, IndentationError):
        tokens = []
    for token in tokens:
        plain = unicodedata.normalize("NFKC", token.string)
        if token.type == tokenize.NAME and plain != token.string:
            raise ExpressionError(
                f"{token.string!r} looks like {plain!r}, and is written with other characters",
                code="expression.not_allowed",
                hint=f'Write {plain}, or item["{token.string}"] for a field of that name.',
                params={"column": source.lead + token.start[1] + 1, "part": token.string},
            )
