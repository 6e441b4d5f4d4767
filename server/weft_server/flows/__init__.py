"""Flows: what is known of them besides their documents, and who may use them."""

from litestar import Router

from weft_server.flows import controllers

route_handlers = [
    Router(
        path="/",
        route_handlers=controllers.route_handlers,
        dependencies=controllers.dependencies,
    )
]
