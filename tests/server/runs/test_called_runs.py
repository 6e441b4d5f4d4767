"""Runs that other runs call, as they are stored, listed and deleted."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from tests.server.runs.desk import Desk, events_of, furnish, stored
from weft_engine.runs.events import RunEvent
from weft_server.accounts.tables import Member
from weft_server.database import Database
from weft_server.errors import StorageError
from weft_server.flows.tables import Flow
from weft_server.runs import recorder, repository, unfinished
from weft_server.runs.called_runs import ancestors, counts, descendants
from weft_server.runs.live import LiveRun
from weft_server.runs.retention import too_many, too_old
from weft_server.runs.tables import RunRow
from weft_server.runs.wanted import Wanted

CALLEE = {"format": "weft/1", "name": "Called", "nodes": {}}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    database.migrate()
    with database.transaction() as session:
        furnish(session)
        session.add(Flow(id="other", workspace_id="wsp", name="Called", created_by="usr"))
    yield database
    database.close()


async def calling(desk: Desk) -> LiveRun:
    """A run that may call the flow `c`."""
    run = await desk.open()
    with desk.database.transaction() as session:
        session.get_one(RunRow, run.id).flows = json.dumps({"c": CALLEE})
    desk.recorder.take(events_of(run.id, ("run_started", None, {"nodes": ["call"]})))
    return run


def began(parent: str, name: str, *more: tuple[str, str | None, dict[str, Any]]) -> list[RunEvent]:
    """The events of a run that `parent` calls, from its first one on."""
    by = {
        "run": parent, "node": "loop/call", "scope": f"loop:{name}/call:0", "flow": "c",
        "flow_id": "other", "inputs": {"n": 5},
    }  # fmt: skip
    first = ("run_started", None, {"nodes": ["x"], "called_by": by})
    return events_of(f"{parent}.{name}", first, *more)


DONE = ("run_completed", None, {"duration_ms": 1.0})


def listed(database: Database, **wanted: Any) -> list[tuple[str, int]]:
    with database.read() as session:
        rows = repository.page(session, "usr", Wanted(**wanted), 50)
        return [(stored.row.id, stored.row.number) for stored in rows]


@pytest.fixture
def shared(database: Database) -> Database:
    """Where both flows may be seen."""
    with database.transaction() as session:
        session.add(Member(workspace_id="wsp", user_id="usr", role="owner"))
    return database


def test_they_are_listed_below_the_run_that_called_them(shared: Database) -> None:
    async def work() -> str:
        desk = Desk(shared)
        run = await calling(desk)
        for name in ("b", "a"):
            desk.recorder.take(began(run.id, name, DONE))
        desk.recorder.take(began(f"{run.id}.a", "deep"))
        await desk.journal.close()
        return run.id

    run = asyncio.run(work())
    assert listed(shared) == [(run, 1)]
    assert listed(shared, flow_id="other") == []
    assert listed(shared, parent=run) == [(f"{run}.b", 1), (f"{run}.a", 2)]
    assert listed(shared, parent=run, after=1) == [(f"{run}.a", 2)]
    with shared.read() as session:
        assert counts(session, [run]) == {run: 2}
        row = repository.frozen(session, f"{run}.a")
        assert (json.loads(row.definition), json.loads(row.inputs)) == (CALLEE, {"n": 5})
    info = stored(shared, f"{run}.a")
    assert (info.state, info.flow_id, info.parent.model_dump()) == (
        "completed",
        "other",
        {"run": run, "node": "loop/call", "scope": "loop:a"},
    )


def test_one_within_the_other_is_known_by_its_way(shared: Database) -> None:
    async def work() -> str:
        desk = Desk(shared)
        run = await calling(desk)
        desk.recorder.take(began(run.id, "a"))
        desk.recorder.take(began(f"{run.id}.a", "b"))
        await desk.journal.close()
        return run.id

    run = asyncio.run(work())
    deep = f"{run}.a.b"
    with shared.read() as session:
        assert ancestors(session, deep) == [(f"{run}.a", "other"), (run, "flw")]
        assert descendants(session, [run]) == [f"{run}.a", deep]
        assert json.loads(repository.frozen(session, deep).definition) == CALLEE


def test_one_is_not_lost_where_the_one_around_it_is_stored_late(
    shared: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "RETRY_S", 0.0)
    busy, real = iter(range(2)), repository.add_called

    def add_called(session: Session, row: Any, *more: Any) -> int:
        if row["id"].endswith(".a") and next(busy, None) is not None:
            raise StorageError("The database is held.", code="storage.busy")
        return real(session, row, *more)

    monkeypatch.setattr(repository, "add_called", add_called)

    async def work() -> str:
        desk = Desk(shared)
        run = await calling(desk)
        desk.recorder.take(began(run.id, "a") + began(f"{run.id}.a", "b", DONE))
        deep = desk.recorder.get(f"{run.id}.a.b")
        assert deep is not None
        await asyncio.wait_for(deep.ended, 30)
        await desk.journal.close()
        return run.id

    run = asyncio.run(work())
    assert listed(shared, parent=f"{run}.a") == [(f"{run}.a.b", 1)]
    assert stored(shared, f"{run}.a.b").state == "completed"


def test_its_events_are_numbered_on_whenever_it_goes_on(shared: Database) -> None:
    async def work() -> str:
        desk = Desk(shared)
        run = await calling(desk)
        desk.recorder.take(began(run.id, "a", ("node_started", "x", {}), ("log", "x", {})))
        desk.recorder.take(began(run.id, "a", ("node_started", "x", {})))
        desk.recorder.take(began(run.id, "a", DONE))
        await desk.journal.close()
        return run.id

    child = f"{asyncio.run(work())}.a"
    with shared.read() as session:
        events = repository.events(session, child, after=0, limit=50)
    started = ["run_started", "node_started"]
    kinds = [event.type for event in events]
    assert kinds == [*started, "log", *started, "run_started", "run_completed"]
    assert [event.seq for event in events] == list(range(1, 8))
    by = json.loads(events[0].data)["called_by"]
    assert by.keys() == {"run", "node", "scope"}, "what it was called with is not told twice"


def test_one_that_has_ended_is_not_stored_again(shared: Database) -> None:
    async def work(again: bool) -> str:
        desk = Desk(shared)
        run = await calling(desk)
        desk.recorder.take(began(run.id, "a", DONE))
        await desk.journal.close()
        if again:  # by another server
            desk = Desk(shared)
            with shared.read() as session:
                lefts, below = unfinished.load(session)
            for left in lefts:
                desk.recorder.follow(left.live())
            for pair in below:
                desk.recorder.know_called(*pair)
        else:
            desk = Desk(shared)
            desk.recorder.follow(run)
            desk.recorder.know_called(run.id, f"{run.id}.a")
        desk.recorder.take(began(run.id, "a", ("node_started", "x", {}), DONE))
        await desk.journal.close()
        return run.id

    for again in (False, True):
        run = asyncio.run(work(again))
        info = stored(shared, f"{run}.a")
        assert (info.state, info.last_seq, info.nodes.keys()) == ("completed", 2, {"x"})


def test_it_ends_with_the_run_that_called_it(shared: Database) -> None:
    async def work() -> str:
        desk = Desk(shared)
        run = await calling(desk)
        desk.recorder.take(began(run.id, "a", ("node_started", "x", {})))
        desk.recorder.take(began(f"{run.id}.a", "b"))
        end = RunEvent(
            seq=2, at="2026-01-01T00:00:09.000Z", type="run_cancelled", run=run.id, data={}
        )
        desk.recorder.take([end])
        await desk.journal.close()
        assert desk.recorder.running == []
        return run.id

    run = asyncio.run(work())
    for name in (f"{run}.a", f"{run}.a.b"):
        assert stored(shared, name).state == "cancelled"
    assert stored(shared, f"{run}.a").nodes["x"].state == "cancelled"


def test_it_ends_where_the_one_that_called_it_ended_while_no_server_was_there(
    shared: Database,
) -> None:
    async def work() -> str:
        desk = Desk(shared)
        run = await calling(desk)
        desk.recorder.take(began(run.id, "a"))
        await desk.journal.close()
        with shared.transaction() as session:
            session.get_one(RunRow, run.id).state = "failed"
        desk = Desk(shared)
        with shared.read() as session:
            lefts, _ = unfinished.load(session)
        for left in lefts:
            desk.recorder.follow(left.live())
        desk.recorder.cut_off()
        await desk.journal.close()
        return run.id

    assert stored(shared, f"{asyncio.run(work())}.a").state == "cancelled"


def test_nobody_follows_a_run_whose_caller_is_not_known(shared: Database) -> None:
    async def work() -> None:
        desk = Desk(shared)
        desk.recorder.take(began("run_nowhere", "a", DONE))
        await desk.journal.close()
        assert desk.recorder.running == []

    asyncio.run(work())
    assert listed(shared, parent="run_nowhere") == []


def test_they_go_with_the_run_that_called_them_and_not_before(shared: Database) -> None:
    async def work() -> tuple[list[str], list[str]]:
        desk = Desk(shared)
        made, gone = [], []
        for _ in range(3):
            run = await calling(desk)
            for name in "abcd":
                desk.recorder.take(began(run.id, name, DONE))
            desk.recorder.take(events_of(run.id, *[("log", None, {})] * 1, DONE)[1:])
            await run.ended
            made.append(run.id)
        gone += await desk.journal.write(lambda session: too_many(session, "other", keep=1))
        assert gone == [], "they are no runs of their own flow"
        gone += await desk.journal.write(lambda session: too_many(session, "flw", keep=1))
        await desk.journal.close()
        return made, gone

    made, gone = asyncio.run(work())
    assert sorted(gone) == sorted(
        name for run in made[:2] for name in (run, *(f"{run}.{end}" for end in "abcd"))
    )
    assert [number for _, number in listed(shared, parent=made[2])] == [1, 2, 3, 4]
    with shared.read() as session:
        assert all(repository.find(session, name) is None for name in gone)
        assert not repository.events(session, f"{made[0]}.a", after=0, limit=9)
    with shared.transaction() as session:
        session.get_one(RunRow, made[2]).ended_at = None
    with shared.transaction() as session:
        assert too_old(session, days=-1) == [], "kept as long as the run that called them"
