"""The database: transactions, SQLite's settings, column types and migrations.

One request is one transaction. ``commit`` is called here and nowhere else.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, DateTime, Dialect, Engine, create_engine, event, text
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError
from sqlalchemy.types import TypeDecorator
from sqlmodel import Session, SQLModel

from weft_server.errors import StorageError

T = TypeVar("T")

HEAD = "0006"
"""Newest migration; a database that is there already needs no Alembic at start."""

BUSY_SECONDS = 5.0
_WORKERS = 8
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "busy_timeout=5000",
    "wal_autocheckpoint=1000",
    "journal_size_limit=67108864",
    "trusted_schema=OFF",
)

# Named constraints can be dropped by a migration; SQLite gives them no names of its own.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, kept in UTC and always aware of it."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without time zone cannot be stored")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


def utc_now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


class Database:
    """Sessions on one database, for threads and for the event loop."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _create_engine(url)
        self._writer = self.engine.execution_options(weft_write=True)
        self._write_lock = threading.Lock()
        self._threads = ThreadPoolExecutor(_WORKERS, thread_name_prefix="weft-database")

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that may write; commits at the end, rolls back on an error."""
        if not self._write_lock.acquire(timeout=BUSY_SECONDS):
            raise _busy()
        try:
            with _storage_errors(), Session(self._writer, expire_on_commit=False) as session:
                yield session
                session.commit()
        finally:
            self._write_lock.release()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session on a steady view of the data; nothing it changes is kept."""
        with _storage_errors(), Session(self.engine, autoflush=False) as session:
            yield session

    async def run(self, work: Callable[[Session], T]) -> T:
        """Do work in a thread, in one transaction that may write."""
        return await self._in_thread(self.transaction, work)

    async def query(self, work: Callable[[Session], T]) -> T:
        """Do work in a thread, on a session that only reads."""
        return await self._in_thread(self.read, work)

    async def _in_thread(self, opened: Any, work: Callable[[Session], T]) -> T:
        def call() -> T:
            with opened() as session:
                return work(session)

        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def migrate(self) -> bool:
        """Bring the tables to this version's shape; True if anything had to be done."""
        with _storage_errors():
            if self.revision() == HEAD:
                return False
        # Alembic takes a third of the start time and is needed once per upgrade.
        from weft_server.migration import upgrade  # noqa: PLC0415

        engine = self.engine_for_migrations()
        with _storage_errors():
            upgrade(engine)
        engine.dispose()
        return True

    def engine_for_migrations(self) -> Engine:
        """An engine that locks at once and leaves foreign keys alone while tables are rebuilt."""
        return _create_engine(self.url, foreign_keys=False).execution_options(weft_write=True)

    def revision(self) -> str | None:
        """The migration at which the database is; None when it has no tables."""
        with _storage_errors(), self.engine.connect() as connection:
            if not self.engine.dialect.has_table(connection, "alembic_version"):
                return None
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()

    def is_sound(self, session: Session) -> bool:
        """Whether SQLite finds no damage in its file."""
        if self.engine.dialect.name != "sqlite":
            return True
        return bool(session.connection().exec_driver_sql("PRAGMA quick_check").scalar() == "ok")

    def close(self) -> None:
        """Let go of all connections and threads."""
        self._threads.shutdown(wait=True)
        self.engine.dispose()


def _create_engine(url: str, *, foreign_keys: bool = True) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True, hide_parameters=True)
    path = url.removeprefix("sqlite:///")
    _create_private(Path(path))
    engine = create_engine(
        # Taken apart by hand: a directory may have ? or % in its name.
        URL.create("sqlite", database=path),
        pool_size=_WORKERS + 2,
        # What people store is nobody's business who reads the log.
        hide_parameters=True,
        connect_args={"timeout": BUSY_SECONDS},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    if not foreign_keys:
        event.listen(engine, "connect", _without_foreign_keys)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _create_private(path: Path) -> None:
    """Make the file first, so that it is never readable by others."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver would begin transactions by itself, late and always deferred.
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _without_foreign_keys(connection: sqlite3.Connection, _record: Any) -> None:
    connection.execute("PRAGMA foreign_keys=OFF")


def _begin_sqlite(connection: Any) -> None:
    writes = connection.get_execution_options().get("weft_write", False)
    # A deferred transaction that writes later fails at once when another one wrote meanwhile.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _storage_errors() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        # The plain class stands for a damaged file; its subclasses for mistakes of ours.
        broken = isinstance(error, OperationalError) or type(error) is DatabaseError
        if broken or error.connection_invalidated:
            raise _translated(error) from error
        raise


def _translated(error: DBAPIError) -> StorageError:
    said = str(error.orig).lower()
    if "locked" in said or "busy" in said:
        return _busy()
    if "full" in said:
        return StorageError(
            "The disk of the server is full; nothing was changed.",
            code="storage.full",
            hint="Free some space where the data directory is, then try again.",
        )
    return StorageError(
        "The database cannot be read or written.",
        hint="Look at the server's log, and run `weft doctor`.",
    )


def _busy() -> StorageError:
    return StorageError(
        "The database is held by something else; nothing was changed.",
        code="storage.busy",
        hint="Try again. If it stays, look for another program that uses the data directory.",
    )
