"""The migrations make the tables that the code describes, and can be taken back."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect
from sqlmodel import SQLModel

from weft_server import database as database_module
from weft_server.database import HEAD, Database
from weft_server.errors import StorageError
from weft_server.migration import configuration, downgrade, scripts, upgrade


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'weft.db'}")
    yield opened
    opened.close()


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    made = database.engine_for_migrations()
    yield made
    made.dispose()


def shape(engine: Engine) -> dict[str, list[str]]:
    looked = inspect(engine)
    return {
        table: sorted(column["name"] for column in looked.get_columns(table))
        for table in looked.get_table_names()
        if table != "alembic_version"
    }


def test_the_constant_names_the_newest_migration(engine: Engine) -> None:
    with engine.connect() as connection:
        heads = ScriptDirectory.from_config(configuration(connection)).get_heads()
    assert heads == [HEAD]


def test_the_tables_are_those_of_the_code(database: Database) -> None:
    assert database.migrate()
    with database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "render_as_batch": True}
        )
        assert compare_metadata(context, SQLModel.metadata) == []


def test_every_table_of_the_contract_is_there(database: Database) -> None:
    database.migrate()
    assert set(shape(database.engine)) == {
        *("user", "session", "api_key", "workspace", "member", "invitation"),
        *("flow", "flow_share", "doc", "doc_log", "doc_snapshot"),
        *("run", "run_node", "run_event", "run_activation"),
        *("armed_flow", "flow_trigger", "trigger_secret", "trigger_event", "trigger_file"),
        *("queued_message", "trigger_lease"),
    }


def test_up_down_up(database: Database, engine: Engine) -> None:
    upgrade(engine)
    first = shape(engine)
    downgrade(engine, "base")
    assert shape(engine) == {}
    upgrade(engine)
    assert shape(engine) == first


def test_runs_are_kept_when_they_learn_of_runs_that_they_call(
    database: Database, engine: Engine
) -> None:
    upgrade(engine, "0003")
    with engine.begin() as connection:
        for statement in (
            "INSERT INTO user (id, email, name, color, password_hash, created_at)"
            " VALUES ('u', 'u@example.org', 'U', '#000', '', '2026-01-01')",
            "INSERT INTO workspace (id, name, created_at) VALUES ('w', 'W', '2026-01-01')",
            "INSERT INTO flow (id, workspace_id, name, description, mode, thumbnail, created_by,"
            " created_at, updated_at)"
            " VALUES ('f', 'w', 'F', '', 'batch', '{}', 'u', '2026-01-01', '2026-01-01')",
            "INSERT INTO run (id, number, flow_id, workspace_id, state, inputs, env, created_at,"
            " definition) VALUES"
            " ('r', 1, 'f', 'w', 'completed', '{}', 'local', '2026-01-01', '{}')",
            "INSERT INTO run_event (run_id, seq, at, type, data)"
            " VALUES ('r', 1, '2026-01-01', 'run_completed', '{}')",
        ):
            connection.exec_driver_sql(statement)
    upgrade(engine)
    child = (
        "INSERT INTO run SELECT 'r.1', number, flow_id, workspace_id, state, inputs, env,"
        " from_node, to_node, started_by, created_at, started_at, ended_at, duration_ms,"
        " failure, counts,"
        ' last_seq, definition, mode, priority, "trigger", trigger_node, forked_from, options,'
        " flows, given, breakpoints, paused, stopped, 'r', 'call', 'call:0' FROM run"
    )
    with engine.begin() as connection:
        connection.exec_driver_sql(child)
    downgrade(engine, "0003")
    with engine.connect() as connection:
        runs = connection.exec_driver_sql("SELECT id, number FROM run").fetchall()
        events = connection.exec_driver_sql("SELECT run_id FROM run_event").fetchall()
    assert [tuple(row) for row in (*runs, *events)] == [("r", 1), ("r",)]


def test_nothing_is_done_twice(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    assert database.migrate()
    monkeypatch.setattr(database_module, "HEAD", HEAD)
    assert not database.migrate()


def test_a_failing_migration_leaves_no_trace(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.close()
    connection = sqlite3.connect(database.url.removeprefix("sqlite:///"))
    # The first migration makes this table, too, and so fails half-way.
    connection.execute("CREATE TABLE workspace (id TEXT)")
    connection.commit()
    connection.close()
    again = Database(database.url)
    with pytest.raises(StorageError):
        again.migrate()
    assert set(shape(again.engine)) == {"workspace"}
    again.close()


def test_a_database_of_another_version_is_told_clearly(database: Database) -> None:
    database.migrate()
    with database.transaction() as session:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StorageError) as caught:
        database.migrate()
    assert caught.value.code == "storage.other_version"


def test_migrations_need_no_code_of_ours() -> None:
    for path in (scripts() / "versions").glob("*.py"):
        assert "weft_" not in path.read_text()
