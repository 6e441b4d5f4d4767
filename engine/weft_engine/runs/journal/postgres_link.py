"""The way to the journal in PostgreSQL: connections, the tables, errors in the journal's words."""

from collections.abc import Callable
from threading import Lock
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import psycopg
from psycopg import errors

from weft_engine.runs.journal.errors import (
    JournalError,
    damaged,
    full,
    unavailable,
    unknown_format,
    unstorable,
)

T = TypeVar("T")
Connection = psycopg.Connection[tuple[Any, ...]]

_SETTINGS: Final = {
    "synchronous_commit": "on",
    "lock_timeout": "15s",
    # A process that was stopped in a transaction does not hold up others for long.
    "idle_in_transaction_session_timeout": "10s",
}
_MIGRATING: Final = 0x57454654

MIGRATIONS: Final[list[str]] = [
    """
    CREATE SEQUENCE journal_tokens;
    CREATE TABLE journal_runs (
        no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        id text NOT NULL UNIQUE,
        plan_hash text NOT NULL,
        status text NOT NULL,
        tenant text NOT NULL,
        priority bigint NOT NULL,
        parent text,
        forked_from text,
        updated float8 NOT NULL,
        request bytea NOT NULL,
        owner text NOT NULL DEFAULT '',
        token bigint NOT NULL DEFAULT 0,
        until float8 NOT NULL DEFAULT 0
    ) WITH (fillfactor = 70);
    CREATE INDEX journal_runs_open ON journal_runs (no)
        WHERE status NOT IN ('completed', 'failed', 'cancelled');
    CREATE TABLE journal_steps (
        run bigint NOT NULL,
        no bigint GENERATED ALWAYS AS IDENTITY,
        row bytea NOT NULL,
        PRIMARY KEY (run, no)
    );
    CREATE TABLE journal_wakes (
        run bigint NOT NULL,
        node text NOT NULL,
        scope text NOT NULL,
        due float8,
        signal text,
        row bytea NOT NULL,
        PRIMARY KEY (run, node, scope)
    );
    CREATE INDEX journal_wakes_due ON journal_wakes (due) WHERE due IS NOT NULL;
    CREATE TABLE journal_signals (
        no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        run bigint NOT NULL,
        id text NOT NULL,
        name text NOT NULL,
        taken boolean NOT NULL DEFAULT false,
        row bytea NOT NULL,
        UNIQUE (run, id)
    );
    """,
]
"""What makes each format of the one before. Never change one that was released."""


class Link:
    """A connection that is made when it is needed, and again when it broke; one call at a time."""

    def __init__(self, address: str) -> None:
        self._address = address.replace("postgresql+psycopg://", "postgresql://", 1)
        self.name = _shown(self._address)
        """The address without the password."""
        self._connection: Connection | None = None
        self._lock = Lock()
        self._closed = False

    def call(
        self, work: Callable[[Connection], T], *, again: bool = True, atomic: bool = True
    ) -> T:
        """Do something.

        Args:
            work: What to do.
            atomic: In a transaction; a single statement is one by itself, and holds no lock while
                this process is not looking.
            again: Whether it may be done twice, when a connection that was there from before
                turns out to be broken and nobody knows whether the database did it.

        Raises:
            JournalError: In what way it failed.
        """
        with self._lock:
            fresh = self._connection is None
            try:
                return self._once(work, atomic)
            except psycopg.Error as error:
                if fresh or not again or self._connection is not None:
                    raise told(self.name, error) from error
            try:
                return self._once(work, atomic)
            except psycopg.Error as error:
                raise told(self.name, error) from error

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            self._closed = True
            self._drop()

    def _once(self, work: Callable[[Connection], T], atomic: bool) -> T:
        if self._closed:
            raise unavailable(self.name, "it was closed")
        if self._connection is None:
            self._connection = _connect(self._address)
        try:
            if not atomic:
                return work(self._connection)
            with self._connection.transaction():
                return work(self._connection)
        except psycopg.Error:
            if self._connection.closed or self._connection.broken:
                self._drop()
            raise

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def run(connection: Connection, query: str, *values: Any) -> psycopg.Cursor[tuple[Any, ...]]:
    """Ask the database; prepared from the second time on."""
    return connection.execute(query.encode(), values, prepare=True, binary=True)


def migrate(connection: Connection, name: str) -> None:
    """Bring the tables up to date; several processes may try at once."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [_MIGRATING])
    connection.execute("CREATE TABLE IF NOT EXISTS journal_format (version integer NOT NULL)")
    row = connection.execute("SELECT version FROM journal_format").fetchone()
    version = row[0] if row else 0
    if version > len(MIGRATIONS):
        raise unknown_format(name, version, len(MIGRATIONS))
    if version == len(MIGRATIONS):
        return
    for migration in MIGRATIONS[version:]:
        connection.execute(migration.encode())
    connection.execute("DELETE FROM journal_format")
    connection.execute("INSERT INTO journal_format VALUES (%s)", [len(MIGRATIONS)])


def told(name: str, error: psycopg.Error) -> JournalError:
    """An error of the database in the journal's words."""
    if isinstance(error, errors.DiskFull):
        return full(name, _line(error))
    if isinstance(error, errors.DataCorrupted | errors.IndexCorrupted):
        return damaged(name, _line(error))
    if isinstance(error, psycopg.DataError):
        return unstorable(_line(error))
    return unavailable(name, _line(error))


def _connect(address: str) -> Connection:
    connection = psycopg.connect(
        address,
        autocommit=True,
        connect_timeout=5,
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        tcp_user_timeout=20_000,
        application_name="weft-journal",
    )
    try:
        for name, value in _SETTINGS.items():
            connection.execute("SELECT set_config(%s, %s, false)", [name, value])
    except BaseException:
        connection.close()
        raise
    return connection


def _line(error: psycopg.Error) -> str:
    return str(error).strip().split("\n", 1)[0] or type(error).__name__


def _shown(address: str) -> str:
    if "://" not in address:
        return "PostgreSQL"
    parts = urlsplit(address)
    port = f":{parts.port}" if parts.port else ""
    return f"postgresql://{parts.hostname or ''}{port}{parts.path}"
