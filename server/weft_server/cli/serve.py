"""`weft serve`: the web server, and through it the engine's supervisor."""

import argparse
import gc
import ipaddress
import logging
import os
import signal
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from weft_server.settings import DEFAULT_HOST, DEFAULT_PORT, Settings

WS_MAX_SIZE = 4 * 1024 * 1024
PING_SECONDS = 20
GRACE_SECONDS = 1
SWITCH_SECONDS = 0.0005
_LOG_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


def add_parser(subparsers: Any) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("serve", help="start the server")
    parser.add_argument("--host", help=f"address to listen on (default {DEFAULT_HOST})")
    parser.add_argument("--port", type=_port, help=f"default {DEFAULT_PORT}; 0 takes a free one")
    parser.add_argument("--data", type=Path, metavar="DIR", help="default ./weft-data")
    parser.add_argument(
        "--setup-remote",
        action="store_const",
        const=True,
        help="let the first account be made from another machine",
    )
    parser.add_argument(
        "--access-log", action="store_const", const=True, help="write a line for each request"
    )
    parser.add_argument("--reload", action="store_true", help="start again when the code changes")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until told to stop."""
    try:
        settings = Settings.from_environment(
            data=args.data,
            host=args.host,
            port=args.port,
            setup_remote=args.setup_remote,
            access_log=args.access_log,
            dev=True if args.reload else None,
        )
    except ValueError as error:
        return _fail(f"a WEFT_* variable cannot be read: {error}", code=2)
    os.umask(0o077)
    if args.reload:
        return _serve_with_reload(settings)
    return _serve(settings)


def _serve(settings: Settings) -> int:
    from weft_engine.surroundings import wipe
    from weft_server.cli.start import StartError, bind, open_data, remote_needs_account

    wipe()  # nodes run as the same user, who may read what this process was started with
    try:
        lock = open_data(settings)
        remote_needs_account(settings)
        listener = bind(settings)
        settings = replace(settings, port=listener.getsockname()[1])
    except StartError as error:
        return _fail(str(error), code=1)
    _log_to_stderr()
    signal.signal(signal.SIGTERM, _quit)
    try:
        return _run(settings, listener)
    except KeyboardInterrupt:
        return 0
    finally:
        lock.close()


def _run(settings: Settings, listener: socket.socket) -> int:
    # Threads that read and write rows let the event loop go on sooner.
    sys.setswitchinterval(SWITCH_SECONDS)
    # Loading makes hardly any garbage, and looking for it takes a fifth of the start.
    gc.disable()
    import uvicorn

    from weft_server.app import create_app
    from weft_server.errors import StorageError

    class Server(uvicorn.Server):
        """Tells where it is once it answers."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            # What is loaded stays; collections need not look at it again and again. The little
            # garbage among it is not worth the tenth of a second that looking for it takes.
            gc.freeze()
            gc.enable()
            if self.started:
                _announce(settings)

    try:
        app = create_app(settings)
        app.state.database.migrate()
    except StorageError as error:
        return _fail(f"{error.message} {error.hint}", code=1)
    server = Server(uvicorn.Config(app, **uvicorn_options(settings)))
    server.run(sockets=[listener])
    return 0 if server.started else 1


def uvicorn_options(settings: Settings) -> dict[str, Any]:
    """How uvicorn serves Weft."""
    from weft_server.cli.http import BoundedHttp

    return {
        "http": BoundedHttp,
        "log_config": None,
        "access_log": settings.access_log,
        "server_header": False,
        "proxy_headers": bool(settings.trusted_proxies),
        "forwarded_allow_ips": list(settings.trusted_proxies),
        "ws_max_size": WS_MAX_SIZE,
        "ws_ping_interval": PING_SECONDS,
        "ws_ping_timeout": PING_SECONDS,
        # Yjs updates hardly shrink; compressing them doubles the cost of each delivery.
        "ws_per_message_deflate": False,
        "timeout_graceful_shutdown": GRACE_SECONDS,
    }


def _serve_with_reload(settings: Settings) -> int:
    import uvicorn

    os.environ.update(
        WEFT_DATA=str(settings.data.absolute()),
        WEFT_HOST=settings.host,
        WEFT_PORT=str(settings.port),
        WEFT_DEV="1",
    )
    root = Path(__file__).parents[3]
    uvicorn.run(
        "weft_server.cli.serve:reloaded_app",
        factory=True,
        reload=True,
        reload_dirs=[str(root / name) for name in ("server", "engine", "ai")],
        host=settings.host,
        port=settings.port,
        **uvicorn_options(settings),
    )
    return 0


def reloaded_app() -> Any:
    """The application of a process that is started again and again."""
    from weft_server.app import create_app
    from weft_server.cli.start import open_data

    settings = Settings.from_environment()
    lock = open_data(settings)
    _log_to_stderr()
    app = create_app(settings)
    app.state.lock = lock
    app.on_startup.append(lambda: _announce(settings))
    return app


def address_of(host: str, port: int) -> str:
    """Where a person finds a server that listens on a host."""
    bare = host.strip("[]")
    try:
        anywhere = ipaddress.ip_address(bare).is_unspecified
    except ValueError:
        anywhere = False
    name = DEFAULT_HOST if anywhere or bare == "localhost" else bare
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def _announce(settings: Settings) -> None:
    address = address_of(settings.host, settings.port)
    print(f"Weft serves at {address}", flush=True)
    try:
        token = settings.setup_token_file.read_text(encoding="ascii").strip()
    except OSError:
        return
    print(f"Make the first account: {address}/setup#token={token}", flush=True)


def _log_to_stderr() -> None:
    logging.basicConfig(level=logging.WARNING, format=_LOG_FORMAT, stream=sys.stderr)
    logging.getLogger("weft").setLevel(logging.INFO)
    logging.getLogger("uvicorn.access").setLevel(logging.INFO)


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65_535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return number


def _quit(_signal: int, _frame: object) -> NoReturn:
    raise SystemExit(0)


def _fail(message: str, *, code: int) -> int:
    print(f"weft serve: {message}", file=sys.stderr)
    return code
