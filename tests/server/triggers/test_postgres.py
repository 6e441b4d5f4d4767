"""Several servers on one PostgreSQL: what must happen once happens once."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from tests.engine.runs.journal.postgres_server import PostgresServer, binaries
from weft_server.accounts import people, workspaces
from weft_server.database import Database, utc_now
from weft_server.flows.tables import Flow
from weft_server.triggers import intake, lease, repository
from weft_server.triggers.tables import TriggerRow

SERVERS = 4


@pytest.fixture(scope="module")
def databases() -> Iterator[list[Database]]:
    found = binaries()
    if found is None:
        pytest.skip("there is no PostgreSQL here")
    server = PostgresServer(found)
    address = server.address().replace("postgresql://", "postgresql+psycopg://")
    opened = [Database(address) for _ in range(SERVERS)]
    opened[0].migrate()
    with opened[0].transaction() as session:
        user = people.create_user(session, email="a@b.c", name="A", password_hash="x")
        session.flush()
        workspace = workspaces.create_workspace(session, "W", user.id)
        session.flush()
        flow = Flow(id="flw_1", workspace_id=workspace.id, name="F", created_by=user.id)
        session.add(flow)
        session.flush()
        row = TriggerRow(id="trg_1", flow_id=flow.id, workspace_id=workspace.id, node="event",
                         type="trigger.webhook", settings={}, active=True)  # fmt: skip
        session.add(row)
    yield opened
    for database in opened:
        database.close()
    server.remove()


def test_a_delivery_that_reaches_all_servers_is_one_event(databases: list[Database]) -> None:
    together = Barrier(SERVERS)

    def take(database: Database, key: str) -> tuple[str, bool]:
        together.wait(30)
        with database.transaction() as session:
            trigger = session.get(TriggerRow, "trg_1")
            assert trigger is not None
            taken = intake.take(session, trigger, {"n": 1}, utc_now(), once_key=key)
            return taken.event.id, taken.duplicate

    with ThreadPoolExecutor(SERVERS) as pool:
        for turn in range(10):
            told = list(pool.map(take, databases, [f"k{turn}"] * SERVERS))
            assert len({event_id for event_id, _ in told}) == 1
            assert Counter(duplicate for _, duplicate in told) == {False: 1, True: SERVERS - 1}


def test_an_event_is_started_by_one_server(databases: list[Database]) -> None:
    with databases[0].transaction() as session:
        trigger = session.get(TriggerRow, "trg_1")
        assert trigger is not None
        events = [intake.take(session, trigger, {}, utc_now()).event.id for _ in range(10)]
    together = Barrier(SERVERS)

    def settle(database: Database, event_id: str) -> bool:
        together.wait(30)
        with database.transaction() as session:
            return repository.settle(session, event_id, "started", utc_now(), run_id="run_1")

    with ThreadPoolExecutor(SERVERS) as pool:
        for event_id in events:
            assert sum(pool.map(settle, databases, [event_id] * SERVERS)) == 1


def test_one_server_leads(databases: list[Database]) -> None:
    now = utc_now()
    with databases[0].transaction() as session:
        assert lease.acquire(session, "x", "first", now - timedelta(hours=1)) == 1
    together = Barrier(SERVERS)

    def lead(database: Database, holder: str) -> int | None:
        together.wait(30)
        with database.transaction() as session:
            return lease.acquire(session, "x", holder, now)

    with ThreadPoolExecutor(SERVERS) as pool:
        fences = list(pool.map(lead, databases, "abcd"))
    assert sorted(fence or 0 for fence in fences) == [0, 0, 0, 2]


def test_queries_are_understood(databases: list[Database]) -> None:
    with databases[0].transaction() as session:
        assert [row.id for row in repository.active(session)] == ["trg_1"]
        assert repository.next_due(session) is None
        assert repository.due(session, utc_now()) == []
        assert repository.flows_waiting(session) == ["flw_1"]
        assert repository.waiting_counts(session, "flw_1")["trg_1"] == 10
        page = repository.page(session, "flw_1", node=None, state=None, before=None, limit=5)
        assert len(page) == 5
        assert len(repository.newest(session, "flw_1")) == 1
        repository.note_files(session, "trg_1", {"a": (1, 2)}, ())
        assert repository.files(session, "trg_1") == {"a": (1, 2)}
        repository.prune(session, "flw_1", utc_now())
        found = repository.deliverable(session, page[0].row.id)
        assert found is not None
        assert found.armed is None
