"""Breaking off a connection whose client does not read.

ASGI can only ask for a polite goodbye, which waits in the same buffer that the client does not
empty; the socket and all that is buffered for it would stay until the machine at the other end
goes away. uvicorn hands a method of its connection to the application as `send`, and there is the
transport. Another server may have no such thing; then the operating system decides.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

GRACE_SECONDS: Final = 10.0
_KEY: Final = "weft.abort"


def remembering(app: ASGIApp) -> ASGIApp:
    """The same application, whose sockets find the way to break off their connection."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.WEBSOCKET:
            transport = getattr(getattr(send, "__self__", None), "transport", None)
            _extensions(scope)[_KEY] = getattr(transport, "abort", None)
        await app(scope, receive, send)

    return call


def abort(scope: Any) -> None:
    """Break off a connection now, if that is possible."""
    found: Callable[[], None] | None = _extensions(scope).get(_KEY)
    if found is not None:
        found()


def abort_later(scope: Any) -> None:
    """Break off a connection that was said goodbye to, unless it ends by itself in time."""
    asyncio.get_running_loop().call_later(GRACE_SECONDS, abort, scope)


def _extensions(scope: Any) -> dict[str, Any]:
    found: dict[str, Any] = scope.setdefault("extensions", {})
    return found
