"""Who is asking: authentication of requests and sockets, and the guards in front of them."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

from litestar import WebSocket
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.handlers import BaseRouteHandler

from weft_server.accounts.roles import Role
from weft_server.accounts.secrets import csrf_token, same
from weft_server.errors import Forbidden, NotReady, SignedOut, UnsupportedMedia, register
from weft_server.settings import Settings

__all__ = [
    "CSRF_COOKIE",
    "SESSION_COOKIE",
    "Credential",
    "Principal",
    "Role",
    "admit_socket",
    "authenticate",
    "check_origin",
    "credential_of",
    "guard_api",
    "public",
]

SESSION_COOKIE = "weft_session"
CSRF_COOKIE = "weft_csrf"
CSRF_HEADER = "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CLOSE_SIGNED_OUT = 4401
CLOSE_NO_ACCESS = 4403

Connection: TypeAlias = ASGIConnection[Any, Any, Any, Any]

register(
    {
        "auth.required": "Nobody is signed in, or the session has ended.",
        "auth.forbidden": "Signed in, but the role does not allow this.",
        "auth.foreign_origin": "The request comes from a page of another site.",
        "auth.csrf": "The request lacks the token that proves it comes from this site's page.",
        "auth.bad_key": "The API key is not known, or was deleted.",
        "setup_required": "The server has no account yet.",
    }
)


@dataclass(frozen=True)
class Principal:
    """The person on whose behalf something is asked."""

    user_id: str
    name: str
    email: str
    color: str
    via: Literal["session", "key"]
    credential_id: str
    """Id of the session or of the API key."""


@dataclass(frozen=True)
class Credential:
    """What a request carries to show who it comes from."""

    via: Literal["session", "key"]
    token: str


def credential_of(connection: Connection) -> Credential | None:
    """The credential of a request or socket; a key in the header goes before a cookie."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return Credential("key", token.strip())
    cookie = connection.cookies.get(SESSION_COOKIE)
    return Credential("session", cookie) if cookie else None


async def authenticate(connection: Connection) -> Principal:
    """The person behind a request or a socket.

    Raises:
        SignedOut: there is no credential, or it is not valid any more.
    """
    credential = credential_of(connection)
    if credential is None:
        raise SignedOut("You are not signed in.", hint="Sign in, or send an API key.")
    principal: Principal | None = await connection.app.state.authenticator.principal(credential)
    if principal is not None:
        return principal
    if credential.via == "key":
        raise SignedOut(
            "The API key is not valid.",
            code="auth.bad_key",
            hint="Make a new key under Settings, API keys.",
        )
    raise SignedOut("Your session has ended.", hint="Sign in again.")


async def admit_socket(socket: WebSocket[Any, Any, Any]) -> Principal | None:
    """Accept a socket, then keep it only for somebody signed in who comes from our own page.

    A socket refused before it is accepted reaches the browser as code 1006, on which clients try
    again for ever; hence it is accepted first and closed with 4401 or 4403.
    """
    await socket.accept()
    try:
        credential = credential_of(socket)
        if credential is None or credential.via == "session":
            check_origin(socket)
        principal = await authenticate(socket)
    except SignedOut as error:
        await socket.close(CLOSE_SIGNED_OUT, error.code)
        return None
    except Forbidden as error:
        await socket.close(CLOSE_NO_ACCESS, error.code)
        return None
    socket.scope["user"] = principal
    return principal


def check_origin(connection: Connection) -> None:
    """Refuse what a page of another site sends with the cookies of this one."""
    settings: Settings = connection.app.state.settings
    origin = connection.headers.get("origin", "").rstrip("/").lower()
    host = connection.headers.get("host", "").lower()
    parts = urlsplit(origin)
    if parts.scheme in {"http", "https"} and parts.netloc == host:
        return
    if origin and origin in settings.origins:
        return
    raise Forbidden(
        "This request does not come from a page of this server.",
        code="auth.foreign_origin",
        hint="Open Weft at its own address, or use an API key from other programs.",
        params={"origin": origin},
    )


async def guard_api(connection: Connection, handler: BaseRouteHandler) -> None:
    """Guard of every HTTP route: signed in unless the route says ``opt={"public": True}``.

    Sockets come in through ``admit_socket``, because they must be accepted to be refused well.
    """
    if connection.scope["type"] != ScopeType.HTTP or handler.opt.get("static"):
        return
    if not handler.opt.get("before_setup"):
        await _require_setup(connection)
    if handler.opt.get("public"):
        _guard_public(connection)
        _require_json(connection, handler)
        return
    principal = await authenticate(connection)
    if principal.via == "session" and _is_unsafe(connection):
        check_origin(connection)
        _check_csrf(connection)
    _require_json(connection, handler)
    connection.scope["user"] = principal


def _require_json(connection: Connection, handler: BaseRouteHandler) -> None:
    """Refuse other bodies where JSON is read; forms of other sites are sent unasked."""
    given = connection.headers.get("content-type", "")
    if not given or not _is_unsafe(connection) or connection.headers.get("content-length") == "0":
        return
    media_type = given.partition(";")[0].strip().lower()
    if media_type != "application/json" and "data" in handler.parsed_fn_signature.parameters:
        raise UnsupportedMedia(
            f"This is not read from {media_type[:100]}.",
            hint="Send JSON with Content-Type: application/json.",
            params={"media_type": media_type[:100]},
        )


async def _require_setup(connection: Connection) -> None:
    if not await connection.app.state.authenticator.is_set_up():
        raise NotReady(
            "This server has no account yet.",
            code="setup_required",
            hint="Open the setup link that `weft serve` printed.",
        )


def _guard_public(connection: Connection) -> None:
    # Signing somebody in from a foreign page would make them work in a stranger's account.
    if _is_unsafe(connection) and "origin" in connection.headers:
        check_origin(connection)


def _check_csrf(connection: Connection) -> None:
    expected = csrf_token(connection.cookies.get(SESSION_COOKIE, ""))
    if not same(connection.headers.get(CSRF_HEADER, ""), expected):
        raise Forbidden(
            "The request lacks the token of this page.",
            code="auth.csrf",
            hint=f"Reload the page; programs send the cookie {CSRF_COOKIE} as {CSRF_HEADER}.",
        )


def _is_unsafe(connection: Connection) -> bool:
    method: str = connection.scope.get("method", "GET")  # type: ignore[assignment]
    return method not in SAFE_METHODS


def public(*, before_setup: bool = False) -> dict[str, bool]:
    """The ``opt`` of a route that needs nobody signed in."""
    return {"public": True, "before_setup": before_setup}
