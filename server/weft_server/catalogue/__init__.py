"""The catalogue of node types, for the editor."""

from litestar import Router

from weft_server.catalogue import controllers

route_handlers = [
    Router(
        path="/",
        route_handlers=controllers.route_handlers,
        dependencies=controllers.dependencies,
    )
]
