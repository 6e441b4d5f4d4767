"""What a server does before it serves: its directory, its key, its lock, its port."""

import errno
import fcntl
import secrets
import socket
import stat
from pathlib import Path
from typing import IO

from weft_server.settings import Settings

KEY_BYTES = 32


class StartError(Exception):
    """The server cannot start; the message says what to do."""


def open_data(settings: Settings) -> IO[str]:
    """Make the data directory and its key if need be, and lock it against a second server."""
    data = settings.data
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (data / "lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise _unusable(data, error) from error
    try:
        _hold(lock, data)
        key_of(data)
    except OSError as error:
        lock.close()
        raise _unusable(data, error) from error
    except StartError:
        lock.close()
        raise
    return lock


def _hold(lock: IO[str], data: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StartError(
            f"another server uses the data directory {data}. Stop it, or choose another directory "
            "with --data."
        ) from error


def _unusable(data: Path, error: OSError) -> StartError:
    return StartError(
        f"the data directory {data} cannot be used: {error.strerror or error}. "
        "Choose another one with --data."
    )


def key_of(data: Path) -> bytes:
    """The secret key of a data directory; made when it is first needed."""
    path = data / "key"
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return _new_key(path)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise StartError(f"others can read {path}. Run: chmod 600 {path}")
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise StartError(f"{path} is not a key. Restore it from a backup.")
    return key


def _new_key(path: Path) -> bytes:
    # Written beside and moved, so that no crash leaves half a key.
    draft = path.with_name("key.new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_bytes(secrets.token_bytes(KEY_BYTES))
    draft.replace(path)
    return path.read_bytes()


def remote_needs_account(settings: Settings) -> None:
    """Refuse to let a network see a server that anybody might take over."""
    if settings.is_loopback or settings.setup_remote or _has_account(settings):
        return
    raise StartError(
        f"the first account must exist before others can reach the server at {settings.host}. "
        "Start it without --host, make the account, and start it again; or give --setup-remote "
        "to make it from another machine with the link that is printed here."
    )


def _has_account(settings: Settings) -> bool:
    from weft_server.accounts.authenticator import has_accounts
    from weft_server.database import Database

    database = Database(settings.database_url)
    try:
        database.migrate()
        with database.read() as session:
            return has_accounts(session)
    finally:
        database.close()


def bind(settings: Settings) -> socket.socket:
    """Take the port, so that a taken one is told before anything else happens."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # asyncio switches Nagle's delay off only where the protocol is named; it costs 40 ms an answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host.strip("[]"), settings.port))
    except OSError as error:
        listener.close()
        raise StartError(_bind_hint(settings, error)) from error
    listener.set_inheritable(False)
    return listener


def _bind_hint(settings: Settings, error: OSError) -> str:
    where = f"{settings.host}:{settings.port}"
    if error.errno == errno.EADDRINUSE:
        return (
            f"something else listens at {where} already. Stop it, or choose another port with "
            f"--port {settings.port + 1}."
        )
    if error.errno == errno.EACCES:
        return f"the system does not allow to listen at {where}. Choose a port above 1023."
    return f"cannot listen at {where}: {error.strerror or error}."
