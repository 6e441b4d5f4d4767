"""How one server is set up: by command line, by WEFT_* variables, or by default."""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8900
_TRUE = {"1", "true", "yes", "on"}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything a server needs to know before it starts."""

    data: Path = field(default_factory=lambda: Path("weft-data"))
    """Directory of the database, the blobs, the files of workspaces and the keys."""
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    database: str = ""
    """SQLAlchemy address; empty is SQLite inside the data directory."""
    trusted_origins: tuple[str, ...] = ()
    """Origins besides the server's own that may use it from a browser."""
    trusted_hosts: tuple[str, ...] = ()
    """Names besides the loopback ones by which the server may be called."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses of reverse proxies whose X-Forwarded-For is believed."""
    secure_cookies: bool = False
    """Send cookies over https only; for a server behind a proxy that speaks https."""
    setup_remote: bool = False
    """Let the first account be made from another machine."""
    run_workers: int | None = None
    """How many runs may be under way at once; 32 when empty."""
    runs_per_workspace: int | None = None
    """How many of them may be of one workspace; 24 when empty."""
    journal: str = ""
    """Path or PostgreSQL address of the journal of runs; empty is inside the data directory."""
    key_file: Path | None = None
    """File of the key that secrets in the database are sealed with; `key` in the data directory
    when empty. Servers that share a database share it."""
    keep_runs: int = 200
    """How many ended runs of each flow are kept."""
    keep_run_days: float | None = None
    """For how many days ended runs are kept; for ever when empty."""
    access_log: bool = False
    dev: bool = False
    """Accept the development server of the web app as an origin."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None, **given: Any) -> Self:
        """Settings of the environment, with what was given explicitly on top of it."""
        values = _from_environment(os.environ if environ is None else environ)
        values.update({name: value for name, value in given.items() if value is not None})
        return cls(**values)

    @property
    def database_url(self) -> str:
        """SQLAlchemy address of the database."""
        return self.database or f"sqlite:///{(self.data / 'weft.db').absolute()}"

    @property
    def files(self) -> Path:
        """Directory that holds one folder of files for each workspace."""
        return self.data / "files"

    @property
    def key(self) -> Path:
        """File of the key that secrets are sealed with."""
        return self.key_file or self.data / "key"

    @property
    def setup_token_file(self) -> Path:
        """File that keeps the one-time setup token until it is used."""
        return self.data / "setup-token"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_loopback(self.host)

    @property
    def origins(self) -> frozenset[str]:
        """Foreign origins that are trusted, in lower case and without a final slash."""
        dev = ("http://localhost:5173", "http://127.0.0.1:5173") if self.dev else ()
        return frozenset(origin.rstrip("/").lower() for origin in (*self.trusted_origins, *dev))

    @property
    def hosts(self) -> frozenset[str]:
        """Names that a Host header may carry, without port and in lower case."""
        own = {"127.0.0.1", "localhost", "[::1]", _bracketed(self.host)}
        origins = {_bracketed(urlsplit(origin).hostname or "") for origin in self.trusted_origins}
        names = {host.lower() for host in self.trusted_hosts}
        return frozenset((own | origins | names) - {"", "0.0.0.0", "[::]"})  # noqa: S104


def is_loopback(host: str) -> bool:
    """Whether a bind address is reachable from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(f"{text} is less than 1")
    return number


def _bracketed(host: str) -> str:
    bare = host.strip("[]").lower()
    return f"[{bare}]" if ":" in bare else bare


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    def words(text: str) -> tuple[str, ...]:
        return tuple(part for part in text.replace(",", " ").split() if part)

    readers: dict[str, Any] = {
        "data": Path,
        "host": str,
        "port": int,
        "database": str,
        "trusted_origins": words,
        "trusted_hosts": words,
        "trusted_proxies": words,
        "secure_cookies": lambda text: text.lower() in _TRUE,
        "setup_remote": lambda text: text.lower() in _TRUE,
        "run_workers": _at_least_one,
        "runs_per_workspace": _at_least_one,
        "journal": str,
        "key_file": Path,
        "keep_runs": _at_least_one,
        "keep_run_days": float,
        "access_log": lambda text: text.lower() in _TRUE,
        "dev": lambda text: text.lower() in _TRUE,
    }
    found = {}
    for name, read in readers.items():
        text = environ.get(f"WEFT_{name.upper()}", "")
        if text:
            found[name] = read(text)
    return found
