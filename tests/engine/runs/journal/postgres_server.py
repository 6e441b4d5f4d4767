"""A PostgreSQL of our own: in a new directory, reached by a Unix socket, gone after the tests."""

import os
import pwd
import shutil
import subprocess
import tempfile
from itertools import count
from pathlib import Path

import psycopg


def binaries() -> Path | None:
    """Where `initdb` and `pg_ctl` are."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return places[-1].parent if places else None


class PostgresServer:
    """A server. PostgreSQL refuses to run as root, so root hands it to another user."""

    def __init__(self, bin_directory: Path) -> None:
        self._bin = bin_directory
        self.folder = Path(tempfile.mkdtemp(prefix="weft-pg-", dir="/tmp"))
        self._data = self.folder / "data"
        self._as: list[str] = []
        self._numbers = count()
        if os.geteuid() == 0:
            user = _other_user()
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            ids = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
            self._as = ["setpriv", *ids]
        self._run(
            "initdb", "-D", self._data, "-A", "trust", "-U", "weft", "--no-sync", "-E", "UTF8"
        )
        self.start()

    def start(self) -> None:
        options = f"-c listen_addresses='' -c unix_socket_directories='{self.folder}'"
        options += " -c recovery_init_sync_method=syncfs"  # else crashes are followed by a wait
        log = self.folder / "log"
        self._run("pg_ctl", "-D", self._data, "-l", log, "-o", options, "-w", "start")

    def stop(self, mode: str = "immediate") -> None:
        """`immediate` is a crash: what was not written to the log is gone."""
        self._run("pg_ctl", "-D", self._data, "-m", mode, "-w", "stop")

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def address(self, schema: str | None = None) -> str:
        """The address of a new, empty place in it."""
        if schema is None:
            schema = f"test_{next(self._numbers)}"
            with psycopg.connect(self._address(), autocommit=True) as db:
                db.execute(f"CREATE SCHEMA {schema}".encode())
        return f"{self._address()}&options=-csearch_path%3D{schema}"

    def ask(self, address: str, query: str) -> list[tuple[object, ...]]:
        with psycopg.connect(address, autocommit=True) as db:
            found = db.execute(query.encode())
            return found.fetchall() if found.description else []

    def _address(self) -> str:
        return f"postgresql://weft@/postgres?host={self.folder}"

    def _run(self, program: str, *arguments: str | Path) -> None:
        environment = {key: value for key, value in os.environ.items() if key != "LC_ALL"}
        done = subprocess.run(
            [*self._as, self._bin / program, *arguments],
            cwd="/",
            env={**environment, "LANG": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # the server inherits it: a pipe would never end
            stderr=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode:
            log = self.folder / "log"
            raise RuntimeError(f"{program} failed: {log.read_text() if log.exists() else ''}")


def _other_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("there is no user that PostgreSQL could run as")
