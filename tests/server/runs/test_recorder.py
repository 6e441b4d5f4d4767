"""What becomes of the events of runs, with a real database and a real bus."""

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import Session

from weft_engine.runs.events import RunEvent
from weft_server.accounts.tables import User, Workspace
from weft_server.database import Database, utc_now
from weft_server.events import Bus
from weft_server.flows.tables import Flow
from weft_server.ids import new_id
from weft_server.runs import interrupted, repository
from weft_server.runs.journal import Journal
from weft_server.runs.live import LiveRun
from weft_server.runs.recorder import Recorder
from weft_server.runs.tables import RunRow
from weft_server.runs.views import of_live, of_row


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    database.migrate()
    with database.transaction() as session:
        session.add(User(id="usr", email="a@b.c", name="Ada", color="#fff", password_hash="x"))
        session.add(Workspace(id="wsp", name="W"))
        session.flush()
        session.add(Flow(id="flw", workspace_id="wsp", name="F", created_by="usr"))
    yield database
    database.close()


def new_row() -> dict[str, Any]:
    return {
        "id": new_id("run"),
        "flow_id": "flw",
        "workspace_id": "wsp",
        "state": "ready",
        "inputs": "{}",
        "env": "local",
        "from_node": None,
        "to_node": None,
        "started_by": "usr",
        "created_at": utc_now(),
        "started_at": None,
        "ended_at": None,
        "duration_ms": None,
        "failure": None,
        "counts": None,
        "last_seq": 0,
        "definition": "{}",
    }


class Desk:
    """A recorder with everything it needs."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.bus = Bus()
        self.journal = Journal(database)
        self.abandoned: list[str] = []
        self.recorder = Recorder(self.journal, self.bus, abandon=self.abandoned.append)

    async def open(self) -> LiveRun:
        run = LiveRun(new_row(), "Ada")
        await self.recorder.open(run, lambda session: repository.add(session, run.row))
        return run


def events_of(run_id: str, *kinds: tuple[str, str | None, dict[str, Any]]) -> list[RunEvent]:
    return [
        RunEvent(
            seq=seq,
            at=f"2026-01-01T00:00:{seq % 60:02}.000Z",
            type=kind,
            run=run_id,
            node=node,
            data=data,
        )
        for seq, (kind, node, data) in enumerate(kinds, 1)
    ]


LIFE: list[tuple[str, str | None, dict[str, Any]]] = [
    ("run_queued", None, {"position": 1}),
    ("run_started", None, {"nodes": ["a", "b", "c"]}),
    ("node_started", "a", {}),
    ("node_progress", "a", {"counts": {"in": 0, "out": {"rows": 5}}}),
    ("log", "a", {"level": "info", "message": "hello"}),
    ("node_output", "a", {"port": "rows", "type": "Stream[Row]", "count": 9, "ref": {"x": 1}}),
    ("node_completed", "a", {"duration_ms": 1.5, "counts": {"in": 0, "out": {"rows": 9}}}),
    ("node_started", "b", {}),
    ("node_failed", "b", {"failure": {"code": "x.y", "message": "m", "attempt": 3}}),
    ("node_skipped", "c", {"reason": "input_skipped"}),
    ("run_failed", None, {"duration_ms": 7.0, "failure": {"code": "x.y", "message": "m"}}),
]


def stored(database: Database, run_id: str) -> Any:
    with database.read() as session:
        found = repository.find(session, run_id)
        assert found is not None
        return of_row(found, repository.nodes(session, run_id))


@given(cuts=st.lists(st.integers(1, len(LIFE) - 1), max_size=5))
@settings(max_examples=20, deadline=None)
def test_however_the_events_arrive_the_rows_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('runs') / 'test.db'}")
    database.migrate()
    with database.transaction() as session:
        session.add(User(id="usr", email="a@b.c", name="Ada", color="#fff", password_hash="x"))
        session.add(Workspace(id="wsp", name="W"))
        session.flush()
        session.add(Flow(id="flw", workspace_id="wsp", name="F", created_by="usr"))

    async def work() -> None:
        desk = Desk(database)
        run = await desk.open()
        events = events_of(run.id, *LIFE)
        places = [0, *sorted(set(cuts)), len(events)]
        for begin, end in pairwise(places):
            desk.recorder.take(events[begin:end])
            await desk.journal.write(lambda session: None)
        await run.ended
        info = stored(database, run.id)
        assert info == of_live(run)
        assert info.state == "failed"
        assert info.failure == {"code": "x.y", "message": "m"}
        assert info.last_seq == len(LIFE)
        assert info.nodes["a"].state == "completed"
        assert info.nodes["a"].count_out == {"rows": 9}
        assert (info.nodes["b"].state, info.nodes["b"].attempts) == ("failed", 3)
        assert info.nodes["c"].state == "skipped"
        with database.read() as session:
            rows = repository.events(session, run.id, after=0, limit=100)
            node = repository.node(session, run.id, "a")
        assert [row.seq for row in rows] == list(range(1, len(LIFE) + 1))
        assert node is not None
        assert node.outputs == '{"rows":{"type":"Stream[Row]","count":9,"ref":{"x":1}}}'
        await desk.journal.close()

    asyncio.run(work())
    database.close()


def test_nothing_is_published_before_it_is_on_disk(database: Database) -> None:
    async def work() -> None:
        desk = Desk(database)
        run = await desk.open()
        with desk.bus.subscribe(f"run:{run.id}") as heard:
            desk.recorder.take(events_of(run.id, *LIFE))
            for seq in range(1, len(LIFE) + 1):
                event = await anext(heard)
                assert event["seq"] == seq
                with database.read() as session:
                    assert repository.last_seq(session, run.id) >= seq
        await desk.journal.close()

    asyncio.run(work())


def test_events_that_come_twice_or_after_the_end_are_dropped(database: Database) -> None:
    async def work() -> None:
        desk = Desk(database)
        run = await desk.open()
        events = events_of(run.id, *LIFE, ("run_completed", None, {}))
        desk.recorder.take([*events[:3], *events[:3]])
        desk.recorder.take(events[2:])
        await run.ended
        desk.recorder.take(events)
        await desk.journal.close()
        info = stored(database, run.id)
        assert (info.state, info.last_seq) == ("failed", len(LIFE))

    asyncio.run(work())


def test_an_event_without_sense_does_not_stop_the_run(database: Database) -> None:
    async def work() -> None:
        desk = Desk(database)
        run = await desk.open()
        kinds = [LIFE[1], ("node_output", "a", {}), ("run_completed", None, {"duration_ms": 1})]
        desk.recorder.take(events_of(run.id, *kinds))
        await run.ended
        await desk.journal.close()
        assert stored(database, run.id).state == "completed"

    asyncio.run(work())


def test_events_wait_for_a_database_that_cannot_be_written(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("weft_server.database.BUSY_SECONDS", 0.02)
    monkeypatch.setattr("weft_server.runs.recorder.RETRY_S", 0.02)

    async def work() -> None:
        desk = Desk(database)
        run = await desk.open()
        events = events_of(run.id, *LIFE)
        with database.transaction():
            desk.recorder.take(events[:4])
            await asyncio.sleep(0.1)
            desk.recorder.take(events[4:])
            await asyncio.sleep(0.1)
            assert not run.ended.done()
        await asyncio.wait_for(run.ended, 10)
        await desk.journal.close()
        assert stored(database, run.id) == of_live(run)

    asyncio.run(work())


def test_a_run_whose_flow_was_erased_is_given_up(database: Database) -> None:
    async def work() -> None:
        desk = Desk(database)
        run = await desk.open()
        with database.transaction() as session:
            session.delete(session.get_one(RunRow, run.id))
        desk.recorder.take(events_of(run.id, *LIFE[:3]))
        await asyncio.wait_for(run.ended, 10)
        assert desk.abandoned == [run.id]
        assert desk.recorder.running == []
        await desk.journal.close()

    asyncio.run(work())


def test_the_oldest_runs_are_deleted_with_all_they_have(database: Database) -> None:
    async def work() -> list[str]:
        desk = Desk(database)
        made = []
        for number in range(6):
            run = await desk.open()
            made.append(run.id)
            if number != 1:
                desk.recorder.take(events_of(run.id, *LIFE))
                await run.ended
        await desk.journal.write(lambda session: repository.prune(session, "flw", keep=3))
        await desk.journal.close()
        return made

    made = asyncio.run(work())
    with database.read() as session:
        left = repository.page(session, "usr", flow_id=None, state=None, before=None, limit=10)
        kept = [run_id for run_id in made if repository.find(session, run_id)]
        gone = [run_id for run_id in made if run_id not in kept]
        assert kept == [made[1], *made[3:]], "one that has not ended stays"
        assert all(not repository.events(session, one, after=0, limit=9) for one in gone)
        assert all(not repository.nodes(session, one) for one in gone)
        assert left == [], "nobody's flows are listed"


def test_runs_left_behind_are_marked_once(database: Database) -> None:
    async def work() -> str:
        desk = Desk(database)
        run = await desk.open()
        desk.recorder.take(events_of(run.id, *LIFE[:8]))
        await desk.journal.close()
        return run.id

    run_id = asyncio.run(work())

    def mark(session: Session) -> int:
        return interrupted.mark_all(session)

    for expected in (1, 0):
        with database.transaction() as session:
            assert mark(session) == expected
    info = stored(database, run_id)
    assert info.state == "failed"
    assert info.failure is not None
    assert info.failure["code"] == "run.interrupted"
    assert info.last_seq == 9
    states = {name: node.state for name, node in info.nodes.items()}
    assert states == {"a": "completed", "b": "cancelled", "c": "idle"}
