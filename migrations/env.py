"""What Alembic runs: migrations on the connection that weft_server.migration gives it."""

from importlib import import_module
from importlib.util import find_spec

from alembic import context
from sqlalchemy import Connection, MetaData
from sqlmodel import AutoString, SQLModel

from weft_server.database import UtcDateTime

MODULES = ("accounts", "flows", "rooms", "runs", "triggers")


def tables() -> MetaData:
    """The tables of every module of the server."""
    for name in MODULES:
        if find_spec(f"weft_server.{name}.tables"):
            import_module(f"weft_server.{name}.tables")
    return SQLModel.metadata


def _plain(kind: str, item: object, _context: object) -> str | bool:
    """Write our column types as those of the database, so that old migrations need no new code."""
    if kind == "type" and isinstance(item, AutoString):
        return f"sa.String(length={item.length})" if item.length else "sa.String()"
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime()"
    return False


def run(connection: Connection) -> None:
    """Carry out what the command asks for."""
    context.configure(
        connection=connection,
        target_metadata=tables(),
        # SQLite cannot change a column; Alembic copies the table instead.
        render_as_batch=True,
        compare_type=True,
        render_item=_plain,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is None:
    raise SystemExit(
        "Migrations run by themselves when `weft serve` starts. To write one, type:\n"
        '    .venv/bin/python -m weft_server.migration "what changes"'
    )
run(given)
