"""What goes wrong in the server, and how any error becomes an RFC 9457 answer.

Raise one of these classes with a stable code; ``CODES`` names every code the server may send
besides those of the engine. Modules add theirs with ``register``.
"""
# ruff: noqa: N818 - the names read as answers: raise Missing, raise Forbidden

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap

from weft_engine.errors import (
    FlowError,
    KernelError,
    NodeError,
    ResourceError,
    WeftError,
    register_codes,
)

MEDIA_TYPE = "application/problem+json"
logger = logging.getLogger("weft.server")

CODES: dict[str, str] = {
    "request.malformed": "The request cannot be read, for example its body is not JSON.",
    "request.invalid": "The request was read, but some of its fields are not valid.",
    "request.too_large": "The body of the request is larger than the server takes.",
    "request.media_type": "The server does not take a body of this media type here.",
    "request.method_not_allowed": "This address exists, but not with this method.",
    "request.rejected": "The request was refused.",
    "request.bad_host": "The Host header names a server that this one does not answer for.",
    "request.bad_cursor": "The cursor of a list does not come from this server.",
    "route.not_found": "There is nothing at this address.",
    "storage.busy": "The database is held by something else.",
    "storage.full": "The disk is full.",
    "storage.failed": "The database cannot be read or written.",
    "storage.missing": "There is no database in the data directory.",
    "storage.bad_key": "The file of the key that secrets are sealed with holds no key.",
    "storage.other_version": "The database was made by another version of Weft.",
    "server.unreachable": "The server cannot be asked.",
    "server.unexpected": "What answered is not a Weft server.",
    "flow.ambiguous_name": "Several flows have this name.",
}


def register(codes: Mapping[str, str]) -> None:
    """Add the codes of a module; a code that means something else already is refused."""
    register_codes(codes)
    CODES.update(codes)


register_codes(CODES)


class RequestError(WeftError):
    """A request that is answered with an error; ``extra`` joins the members of the answer."""

    code = "request.rejected"
    status = HTTPStatus.BAD_REQUEST

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        hint: str = "",
        params: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, code=code, hint=hint, params=params)
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})


class Malformed(RequestError):
    """400: the request cannot be read."""

    code = "request.malformed"


class SignedOut(RequestError):
    """401: nobody is signed in."""

    code = "auth.required"
    status = HTTPStatus.UNAUTHORIZED


class Forbidden(RequestError):
    """403: signed in, but not allowed."""

    code = "auth.forbidden"
    status = HTTPStatus.FORBIDDEN


class Missing(RequestError):
    """404: no such object, or none that this person may know of."""

    code = "route.not_found"
    status = HTTPStatus.NOT_FOUND

    @classmethod
    def of(cls, kind: str, object_id: str) -> "Missing":
        """The answer for an object that is not there, such as ``flow.not_found``."""
        return cls(
            f"There is no {kind.replace('_', ' ')} {object_id!r}, or you have no access to it.",
            code=f"{kind}.not_found",
            hint="Check the address, or ask its owner to share it with you.",
            params={"id": object_id},
        )


class Conflict(RequestError):
    """409: the request does not fit the present state."""

    status = HTTPStatus.CONFLICT


class TooLarge(RequestError):
    """413: the body is larger than what is taken."""

    code = "request.too_large"
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class UnsupportedMedia(RequestError):
    """415: the body is of a media type that is not taken."""

    code = "request.media_type"
    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class Invalid(RequestError):
    """422: read, but not valid; ``fields`` maps a field to what is wrong with it."""

    code = "request.invalid"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class TooMany(RequestError):
    """429: too often."""

    status = HTTPStatus.TOO_MANY_REQUESTS


class NotReady(RequestError):
    """503: the server cannot do this now."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class StorageError(RequestError):
    """503: the database is busy, full or broken."""

    code = "storage.failed"
    status = HTTPStatus.SERVICE_UNAVAILABLE


def invalid_field(field: str, message: str, *, code: str, hint: str = "", **params: Any) -> Invalid:
    """An ``Invalid`` about one field."""
    fields = [{"field": field, "message": message, "code": code}]
    return Invalid(message, code=code, hint=hint, params=params, extra={"fields": fields})


_OF_RESOURCES: Final = {
    "journal.full": HTTPStatus.INSUFFICIENT_STORAGE,
    "journal.unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "journal.replaced": HTTPStatus.SERVICE_UNAVAILABLE,
    "run.engine_unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
}
"""What is told otherwise than that something behind the server failed."""


def status_of(error: WeftError) -> HTTPStatus:
    """The HTTP status with which an error is answered."""
    if isinstance(error, RequestError):
        return error.status
    if isinstance(error, FlowError | NodeError):
        return HTTPStatus.UNPROCESSABLE_ENTITY
    if isinstance(error, ResourceError):
        return _OF_RESOURCES.get(error.code, HTTPStatus.BAD_GATEWAY)
    return HTTPStatus.INTERNAL_SERVER_ERROR


def problem(error: WeftError) -> dict[str, Any]:
    """The members of an RFC 9457 answer."""
    status = status_of(error)
    body = {
        "type": f"urn:weft:error:{error.code}",
        "title": status.phrase,
        "status": status.value,
        "detail": error.message,
        "code": error.code,
        "hint": error.hint,
        "params": error.params,
    }
    return body | error.extra if isinstance(error, RequestError) else body


def problem_response(error: WeftError) -> Response[dict[str, Any]]:
    """An error as a Litestar response."""
    headers = error.headers if isinstance(error, RequestError) else {}
    return Response(
        problem(error),
        status_code=status_of(error).value,
        media_type=MEDIA_TYPE,
        headers=headers | {"Cache-Control": "no-store"},
    )


def internal_error() -> WeftError:
    """What a caller is told about an error that is not theirs: nothing of its inside."""
    return KernelError(
        "The server met an error of its own. It is written down in the server's log.",
        code="internal",
        hint="Try again; if it stays, report it with the time at which it happened.",
    )


def _path(request: Request[Any, Any, Any]) -> str:
    """The address as one line of a log: line breaks in it must not look like lines."""
    return request.url.path.encode("unicode_escape").decode()


def _on_weft_error(request: Request[Any, Any, Any], error: WeftError) -> Response[dict[str, Any]]:
    if isinstance(error, StorageError) or status_of(error) == HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error("%s %s failed", request.method, _path(request), exc_info=error)
    return problem_response(error)


_LEFT: Final = "client disconnected prematurely"
"""What Litestar says of a request whose body ends too early, as if it were the server's fault."""


def _on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    if error.detail == _LEFT:
        logger.info("%s %s: the caller left", request.method, _path(request))
        return problem_response(_malformed(request, error))
    if error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _on_unknown(request, error)
    if isinstance(error, ValidationException):
        return problem_response(_invalid(error))
    answer = _BY_STATUS.get(error.status_code, _malformed)
    return problem_response(answer(request, error))


def _on_unknown(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    logger.error("%s %s failed", request.method, _path(request), exc_info=error)
    return problem_response(internal_error())


def _on_recursion(request: Request[Any, Any, Any], error: RecursionError) -> Response[Any]:
    logger.warning("%s %s: nested too deeply", request.method, _path(request))
    return problem_response(
        Malformed("The request is nested too deeply.", hint="Send flatter data.")
    )


def _invalid(error: ValidationException) -> Invalid:
    extra = error.extra if isinstance(error.extra, list) else []
    if any(item.get("key") == "data" for item in extra if isinstance(item, dict)):
        return Invalid(
            "The request needs a JSON object as its body.",
            hint="The fields of each body are listed at /api/schema.",
            params={"fields": ""},
            extra={"fields": []},
        )
    fields = [
        {"field": str(item.get("key", "")), "message": _said(str(item.get("message", "")))}
        for item in extra
        if isinstance(item, dict)
    ]
    named = ", ".join(sorted({item["field"] for item in fields if item["field"]}))
    return Invalid(
        f"Not valid: {named}." if named else "The request is not valid.",
        hint="; ".join(f"{item['field']}: {item['message']}" for item in fields),
        params={"fields": named},
        extra={"fields": fields},
    )


def _said(message: str) -> str:
    """What pydantic says, without the name of its exception."""
    return message.removeprefix("Value error, ")


def _malformed(request: Request[Any, Any, Any], error: HTTPException) -> RequestError:
    return Malformed(
        "The request cannot be read.",
        hint="Send well-formed JSON with Content-Type: application/json.",
    )


def _no_route(request: Request[Any, Any, Any], error: HTTPException) -> RequestError:
    return Missing(
        f"There is nothing at {request.url.path}.", hint="The addresses are listed at /api/schema."
    )


def _no_method(request: Request[Any, Any, Any], error: HTTPException) -> RequestError:
    failure = RequestError(
        f"{request.url.path} does not answer to {request.method}.",
        code="request.method_not_allowed",
        hint="The methods of each address are listed at /api/schema.",
        headers={name: value for name, value in (error.headers or {}).items() if name == "Allow"},
    )
    failure.status = HTTPStatus.METHOD_NOT_ALLOWED
    return failure


def _too_large(request: Request[Any, Any, Any], error: HTTPException) -> RequestError:
    return TooLarge("The body of the request is too large.", hint="Send at most 1 MB.")


_BY_STATUS = {
    HTTPStatus.NOT_FOUND.value: _no_route,
    HTTPStatus.METHOD_NOT_ALLOWED.value: _no_method,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE.value: _too_large,
}

EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    WeftError: _on_weft_error,
    HTTPException: _on_http_error,
    RecursionError: _on_recursion,
    Exception: _on_unknown,
}
