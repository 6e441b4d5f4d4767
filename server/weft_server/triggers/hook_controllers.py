"""The addresses of webhooks, outside of the interface for people: no session opens them."""

from typing import Any, Final

from litestar import Request, Response
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.handlers import HTTPRouteHandler, route
from litestar.params import FromPath

from weft_server.accounts.principal import public
from weft_server.triggers.hooks import Hooks
from weft_server.triggers.kinds.webhook import Incoming

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")


def _hooks(state: State) -> Hooks:
    hooks: Hooks = state.hooks
    return hooks


def _handler(method: Any) -> HTTPRouteHandler:
    @route(
        "/hooks/{token:str}",
        http_method=method,
        operation_id=f"hook{method.title()}",
        status_code=202,
        opt=public(),
        include_in_schema=False,
        dependencies={"hooks": Provide(_hooks, sync_to_thread=False)},
    )
    async def take(
        request: Request[Any, Any, Any], token: FromPath[str], hooks: NamedDependency[Hooks]
    ) -> Response[dict[str, Any]]:
        """Take an event."""
        hook = await hooks.admit(token, request.method, _length(request))
        headers = tuple(request.headers.multi_items())
        query = tuple((name, str(value)) for name, value in request.query_params.multi_items())
        body = await request.body()
        answer = await hooks.take(hook, Incoming(request.method, headers, query, body))
        return Response(
            answer.body, status_code=answer.status, headers={"Cache-Control": "no-store"}
        )

    return take


def _length(request: Request[Any, Any, Any]) -> int | None:
    text = request.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else None


route_handlers: list[Any] = [_handler(method) for method in METHODS]
