"""Every route of the application, as it stands: tests enumerate these, so new ones are covered."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute, WebSocketRoute

from weft_server.app import create_app
from weft_server.settings import Settings


@dataclass(frozen=True)
class Route:
    """One method at one address."""

    method: str
    path: str
    """With `{name}` for each parameter."""
    operation: str
    parameters: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def at(self, ids: dict[str, str]) -> str:
        """The address with its parameters filled in."""
        return self.path.format(**{name: ids.get(name, "no_such_id") for name in self.parameters})


def _walk() -> Iterator[Route]:
    with TemporaryDirectory() as folder:
        app = create_app(Settings(data=Path(folder)))
        app.state.database.close()
    for route in app.routes:
        names = tuple(route.path_parameters)
        if isinstance(route, WebSocketRoute):
            yield Route("WS", route.path_format, "", names)
        elif isinstance(route, HTTPRoute):
            for method, (handler, _) in route.route_handler_map.items():
                if isinstance(handler, HTTPRouteHandler) and method != "OPTIONS":
                    operation = handler.operation_id
                    name = operation if isinstance(operation, str) else ""
                    yield Route(str(method), route.path_format, name, names)


ALL = sorted(_walk(), key=str)
HTTP = [route for route in ALL if route.method != "WS"]
SOCKETS = [route for route in ALL if route.method == "WS"]
SCHEMA = [route for route in HTTP if route.path.startswith("/api/schema")]
HOOKS = {"hookGet", "hookPost", "hookPut", "hookPatch", "hookDelete"}
PUBLIC = {
    *("getHealth", "getReadiness", "setUp", "signIn", "lookAtInvitation", "acceptInvitation"),
    *HOOKS,
}
CLOSED = [route for route in HTTP if route.operation not in PUBLIC and route not in SCHEMA]
