"""People: accounts, sessions, API keys, workspaces and their members."""

from weft_server.accounts import session_controllers, workspace_controllers

route_handlers = [*session_controllers.route_handlers, *workspace_controllers.route_handlers]
