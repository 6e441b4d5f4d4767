"""Every error of the engine: one tree, one list of codes.

WeftError
├── FlowError            the author must change the flow
│   ├── FlowFileError    a flow file that cannot be read
│   ├── PatchError       a patch that does not apply
│   └── ExpressionError  an expression that is wrong, or met data it does not suit
├── NodeError            a node failed on its data
├── ResourceError        a file, a network or a service failed; may be retried
└── KernelError          our fault

`Failure` is an error as data: what runs record, send and show.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, JsonValue

from weft_engine.error_codes import CODES, register_codes

__all__ = [
    "CODES",
    "Cause",
    "ExpressionError",
    "Failure",
    "FlowError",
    "FlowFileError",
    "KernelError",
    "NodeError",
    "PatchError",
    "ResourceError",
    "WeftError",
    "preview",
    "register_codes",
    "said",
]


class WeftError(Exception):
    """Something went wrong that a person can be told about."""

    code: str = "internal"
    """The stable name of what happened, `area.what`; the key of docs and translations."""
    retryable: bool = False
    """Whether trying again may help without anybody changing anything."""

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        hint: str = "",
        params: Mapping[str, Any] | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.params: dict[str, Any] = dict(params or {})
        if code is not None:
            self.code = code
        if retryable is not None:
            self.retryable = retryable
        if hint:
            self.add_note(f"Hint: {hint}")  # tracebacks show notes

    def as_dict(self) -> dict[str, Any]:
        """What happened, as data."""
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "params": self.params,
        }


class FlowError(WeftError):
    """The author must change the flow."""

    code = "flow.invalid"


class FlowFileError(FlowError):
    """A flow file cannot be read."""

    code = "flow.file.malformed"


class PatchError(FlowError):
    """A patch does not apply."""

    code = "patch.conflict"


class ExpressionError(FlowError):
    """An expression is wrong, or met data it does not suit."""

    code = "expression.invalid"


class NodeError(WeftError):
    """A node failed on its data."""

    code = "node.failed"


class ResourceError(WeftError):
    """A file, a network or a service failed."""

    code = "resource.failed"


class KernelError(WeftError):
    """The engine is at fault, not the flow."""

    code = "kernel.internal"


class Cause(BaseModel):
    """One exception of a chain."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str
    message: str
    errno: int | None = None
    status: int | None = None


class Failure(BaseModel):
    """An exception as data."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    code: str
    message: str
    hint: str = ""
    params: dict[str, JsonValue] = {}
    node: str | None = None
    """The node that failed."""
    scope: str | None = None
    """Which record, event or iteration it worked on."""
    attempt: int = 1
    chain: tuple[Cause, ...] = ()
    """The exceptions behind it, outermost first."""
    sample: JsonValue = None
    """What the node was given: shortened, and without what looks like a secret."""

    @classmethod
    def of(
        cls,
        exc: BaseException,
        *,
        node: str | None = None,
        scope: str | None = None,
        attempt: int = 1,
        sample: Any = None,
    ) -> Self:
        """Describe an exception."""
        known = exc if isinstance(exc, WeftError) else None
        return cls(
            code=known.code if known else "node.crashed",
            message=_clip(known.message if known else said(exc)),
            hint=known.hint if known else "",
            params=_params(known.params) if known else {},
            node=node,
            scope=scope,
            attempt=attempt,
            chain=tuple(_causes(exc)),
            sample=preview(sample),
        )


_LONGEST_TEXT = 500
_MOST_ITEMS = 20
_DEEPEST = 4
_LONGEST_CHAIN = 8
_SECRET = ("password", "passwd", "secret", "token", "api_key", "apikey", "authorization", "cookie")


def preview(value: Any, depth: int = 0) -> JsonValue:
    """Shorten a value for people to look at, leaving out what looks like a secret."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    if isinstance(value, str):
        return _clip(value)
    if depth >= _DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return _preview_mapping(value, depth)
    if isinstance(value, list | tuple | set | frozenset):
        items = [
            preview(item, depth + 1) for item, _ in zip(value, range(_MOST_ITEMS), strict=False)
        ]
        return [*items, "…"] if len(value) > _MOST_ITEMS else items
    if isinstance(value, BaseModel):
        return _preview_mapping(value.__dict__, depth)
    return f"<{type(value).__name__}>"


def _preview_mapping(value: Mapping[Any, Any], depth: int) -> JsonValue:
    shown: dict[str, JsonValue] = {}
    for key, item in value.items():
        if len(shown) == _MOST_ITEMS:
            shown["…"] = f"{len(value) - _MOST_ITEMS} more"
            break
        name = _clip(str(key))
        secret = any(word in name.lower() for word in _SECRET)
        shown[name] = "•••" if secret and item is not None else preview(item, depth + 1)
    return shown


def _params(params: Mapping[str, Any]) -> dict[str, JsonValue]:
    shown = preview(params)
    return shown if isinstance(shown, dict) else {}


def _causes(exc: BaseException) -> Iterator[Cause]:
    seen: set[int] = set()
    current: BaseException | None = exc
    while current is not None and id(current) not in seen and len(seen) < _LONGEST_CHAIN:
        seen.add(id(current))
        yield Cause(
            type=type(current).__qualname__,
            message=_clip(said(current)),
            errno=_number(getattr(current, "errno", None)),
            status=_status(current),
        )
        follow = current.__cause__ is None and not current.__suppress_context__
        current = current.__context__ if follow else current.__cause__


def said(exc: BaseException) -> str:
    """What an exception says of itself, or its type when that is nothing."""
    try:
        return str(exc) or type(exc).__qualname__
    except Exception:  # noqa: BLE001 - an exception of a plugin may fail to describe itself
        return type(exc).__qualname__


def _status(exc: BaseException) -> int | None:
    own = _number(getattr(exc, "status_code", None))
    return (
        own
        if own is not None
        else _number(getattr(getattr(exc, "response", None), "status_code", None))
    )


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _clip(text: str) -> str:
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"
