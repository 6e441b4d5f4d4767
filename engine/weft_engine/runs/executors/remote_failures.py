"""Exceptions on their way between processes: rebuilt so that they are described and judged alike.

Only names, texts and numbers travel. The class that is made on the other side has the name of the
one that was raised, and is one of the few kinds that Weft tells apart.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

from weft_engine.errors import (
    ExpressionError,
    Failure,
    FlowError,
    KernelError,
    NodeError,
    ResourceError,
    WeftError,
)

_KINDS: Final[dict[str, type[WeftError]]] = {
    kind.__name__: kind
    for kind in (ExpressionError, FlowError, NodeError, ResourceError, KernelError, WeftError)
}


def failure_as_data(error: BaseException) -> dict[str, Any]:
    """An exception and what is behind it, as plain data."""
    told = Failure.of(error)
    plain: dict[str, Any] = {
        "chain": [cause.model_dump() for cause in told.chain],
        "fatal": not isinstance(error, Exception),
    }
    if isinstance(error, WeftError):
        kind = next(name for name, kind in _KINDS.items() if isinstance(error, kind))
        plain["known"] = {
            "kind": kind,
            "retryable": error.retryable,
            "code": told.code,
            "message": told.message,
            "hint": told.hint,
            "params": told.params,
        }
    return plain


def failure_from_data(plain: Mapping[str, Any]) -> BaseException:
    """The exception again, with its causes."""
    causes = [_cause(cause) for cause in plain["chain"]]
    known = plain.get("known")
    if known is not None:
        causes[0] = _known(known, plain["chain"][0]["type"])
    elif plain["fatal"]:
        causes[0] = _made(plain["chain"][0], BaseException)
    for outer, inner in pairwise(causes):
        outer.__cause__ = inner
    return causes[0]


def _known(plain: Mapping[str, Any], name: str) -> WeftError:
    kind = type(name, (_KINDS[plain["kind"]],), {"__module__": __name__})
    error: WeftError = kind(
        plain["message"],
        code=plain["code"],
        hint=plain["hint"],
        params=plain["params"],
        retryable=plain["retryable"],
    )
    return error


def _cause(plain: Mapping[str, Any]) -> BaseException:
    return _made(plain, Exception)


def _made(plain: Mapping[str, Any], base: type[BaseException]) -> BaseException:
    error: BaseException = type(plain["type"], (base,), {"__module__": __name__})(plain["message"])
    for name, attribute in (("errno", "errno"), ("status", "status_code")):
        if plain.get(name) is not None:
            setattr(error, attribute, plain[name])
    return error
