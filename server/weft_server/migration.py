"""Runs the migrations. Imported only when there is something to migrate.

`python -m weft_server.migration "what changes"` writes a new one from the tables as they are now.
"""

import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine

from weft_server.errors import StorageError

_PACKAGE = Path(__file__).parent
_PLACES = (_PACKAGE.parent.parent / "migrations", _PACKAGE / "migrations")


def scripts() -> Path:
    """The folder of migrations: of the checkout if this runs from one, else of the installation."""
    return next(place for place in _PLACES if (place / "env.py").is_file())


def configuration(connection: Connection) -> Config:
    """Alembic's configuration, without any file of its own."""
    config = Config()
    config.set_main_option("script_location", str(scripts()).replace("%", "%%"))
    config.set_main_option("file_template", "%%(year)d_%%(month).2d_%%(day).2d_%%(slug)s")
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the tables to a revision, all or nothing."""
    with engine.begin() as connection:
        try:
            command.upgrade(configuration(connection), revision)
        except CommandError as error:
            raise StorageError(
                f"The database was made by another version of Weft: {error}",
                code="storage.other_version",
                hint="Start the version that made it, or a newer one.",
            ) from error
        _check_references(connection)


def downgrade(engine: Engine, revision: str) -> None:
    """Go back to a revision; for tests and for emergencies."""
    with engine.begin() as connection:
        command.downgrade(configuration(connection), revision)


def write(message: str) -> None:
    """Write the migration that leads from the newest one to the tables as they are now."""
    number = len(list((scripts() / "versions").glob("*.py"))) + 1
    with create_engine("sqlite://").connect() as connection:
        config = configuration(connection)
        command.upgrade(config, "head")
        command.revision(config, message, autogenerate=True, rev_id=f"{number:04}")


def _check_references(connection: Connection) -> None:
    """Migrations run without foreign keys, because SQLite changes a table by making it anew."""
    if connection.dialect.name != "sqlite":
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise RuntimeError(f"the migration leaves references to nowhere: {broken[:5]}")


if __name__ == "__main__":
    write(sys.argv[1])
