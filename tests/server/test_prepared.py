"""Statements that are compiled once."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import bindparam, insert, select, update
from sqlmodel import SQLModel

from weft_server.accounts.tables import Workspace
from weft_server.database import Database
from weft_server.prepared import Prepared

TABLE = SQLModel.metadata.tables["workspace"]
AT = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
INSERT = Prepared(insert(TABLE), ["id", "name", "created_at"])
RENAME = Prepared(
    update(TABLE).where(TABLE.c.id == bindparam("of")).values(name=bindparam("called"))
)
COUNTED = Prepared(
    select(TABLE.c.name, TABLE.c.id + "!").where(TABLE.c.name == bindparam("called"))
)


@pytest.fixture
def database(data: Path) -> Database:
    return Database(f"sqlite:///{data / 'weft.db'}")


def test_values_are_stored_as_their_types_say(database: Database) -> None:
    rows = [{"id": f"wsp_{n}", "name": "It's; -- ?", "created_at": AT} for n in range(3)]
    with database.transaction() as session:
        INSERT.many(session, rows)
        assert RENAME.one(session, {"of": "wsp_1", "called": ":x %s"}).rowcount == 1
    with database.read() as session:
        found = [session.get_one(Workspace, f"wsp_{n}") for n in range(3)]
        named = COUNTED.one(session, {"called": ":x %s"}).all()
    assert [one.name for one in found] == ["It's; -- ?", ":x %s", "It's; -- ?"]
    assert {one.created_at for one in found} == {AT}
    assert named == [(":x %s", "wsp_1!")]
    database.close()


def test_nothing_may_be_left_out(database: Database) -> None:
    with pytest.raises(KeyError), database.transaction() as session:
        INSERT.many(session, [{"id": "wsp_x", "name": "x"}])
    with database.read() as session:
        assert session.get(Workspace, "wsp_x") is None
    database.close()
