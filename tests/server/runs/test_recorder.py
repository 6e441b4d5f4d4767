"""What becomes of the events of runs, with a real database and a real bus."""

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.runs.desk import LIFE, Desk, events_of, furnish, stored
from weft_server.database import Database
from weft_server.runs import repository, unfinished
from weft_server.runs.retention import too_many
from weft_server.runs.tables import RunRow
from weft_server.runs.views import of_live
from weft_server.runs.wanted import Wanted


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    database.migrate()
    with database.transaction() as session:
        furnish(session)
    yield database
    database.close()


@given(cuts=st.lists(st.integers(1, len(LIFE) - 1), max_size=5))
@settings(max_examples=20, deadline=None)
def test_however_the_events_arrive_the_rows_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('runs') / 'test.db'}")
    database.migrate()
    with database.transaction() as session:
        furnish(session)

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
        assert (info.nodes["c"].state, info.nodes["c"].reason) == ("skipped", "input_skipped")
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
        gone = await desk.journal.write(lambda session: too_many(session, "flw", keep=3))
        assert gone == [made[0], made[2]]
        await desk.journal.close()
        return made

    made = asyncio.run(work())
    with database.read() as session:
        left = repository.page(session, "usr", Wanted(), 10)
        kept = [run_id for run_id in made if repository.find(session, run_id)]
        gone = [run_id for run_id in made if run_id not in kept]
        assert kept == [made[1], *made[3:]], "one that has not ended stays"
        assert all(not repository.events(session, one, after=0, limit=9) for one in gone)
        assert all(not repository.nodes(session, one) for one in gone)
        assert left == [], "nobody's flows are listed"


def test_a_run_that_was_left_behind_is_known_as_it_was(database: Database) -> None:
    async def work() -> None:
        desk = Desk(database)
        run = await desk.open()
        desk.recorder.take(events_of(run.id, *LIFE[:8]))
        await desk.journal.close()
        with database.read() as session:
            (left,), _ = unfinished.load(session)
        again = left.live()
        assert of_live(again) == of_live(run)
        assert (again.seq, left.request(), left.commands()) == (8, None, [])
        desk = Desk(database)
        desk.recorder.follow(again)
        restored = [("node_completed", "a", {"restored": True, "duration_ms": 1.5}), *LIFE[8:]]
        events = events_of(run.id, *LIFE[:8], *restored)
        desk.recorder.take(events[8:])
        await again.ended
        info = stored(database, run.id)
        assert (info.state, info.last_seq) == ("failed", len(events))
        states = {name: node.state for name, node in info.nodes.items()}
        assert states == {"a": "completed", "b": "failed", "c": "skipped"}
        assert info.nodes["a"].count_out == {"rows": 9}
        with database.read() as session:
            assert unfinished.load(session) == ([], [])
        await desk.journal.close()

    asyncio.run(work())


LOOP: list[tuple[str, str | None, dict[str, Any]]] = [
    ("run_started", None, {"nodes": ["loop"]}),
    ("node_started", "loop", {}),
    *(
        event
        for n in range(3)
        for event in [
            ("node_started", "loop/fetch", {"scope": f"loop:{n}", "attempt": 1, "worker": "w1"}),
            (
                "node_output",
                "loop/fetch",
                {"scope": f"loop:{n}", "port": "out", "type": "Json", "count": 1, "ref": {"n": n}},
            ),
        ]
    ),
    ("node_completed", "loop/fetch", {"scope": "loop:1", "counts": {"in": 1, "out": {"out": 1}}}),
    (
        "node_failed",
        "loop/fetch",
        {"scope": "loop:2", "failure": {"code": "x.y", "message": "m", "attempt": 2}},
    ),
    ("node_completed", "loop/fetch", {"scope": "loop:0", "counts": {"in": 1, "out": {"out": 1}}}),
    ("node_progress", "loop", {"done": 3, "total": 3, "failed": 1}),
    ("node_completed", "loop", {"duration_ms": 3.0}),
    ("run_completed", None, {"duration_ms": 4.0}),
]


@pytest.mark.parametrize("cut", [0, 3, 7, 8, 10])
def test_every_time_a_node_runs_is_a_row(database: Database, cut: int) -> None:
    async def work() -> None:
        desk = Desk(database)
        run = await desk.open()
        events = events_of(run.id, *LOOP)
        for part in (events[:cut], events[cut:]):
            desk.recorder.take(part)
            await desk.journal.write(lambda session: None)
        await run.ended
        info = stored(database, run.id)
        assert info == of_live(run)
        node = info.nodes["loop/fetch"]
        assert (node.state, node.attempts) == ("failed", 2)
        assert (node.count_in, node.count_out) == (2, {"out": 2})
        loop = info.nodes["loop"]
        assert (loop.state, loop.done, loop.total, loop.failed) == ("completed", 3, 3, 1)
        with database.read() as session:
            rows = repository.activations(
                session, run.id, node=None, state=None, after=0, limit=100
            )
            failed = repository.activations(
                session, run.id, node="loop/fetch", state="failed", after=0, limit=100
            )
        assert [(row.node, row.scope, row.state) for row in rows] == [
            ("loop", "", "completed"),
            ("loop/fetch", "loop:0", "completed"),
            ("loop/fetch", "loop:1", "completed"),
            ("loop/fetch", "loop:2", "failed"),
        ]
        assert [(row.scope, row.attempts, row.worker) for row in failed] == [("loop:2", 2, "w1")]
        assert '"n":1' in (rows[2].outputs or "")
        await desk.journal.close()

    asyncio.run(work())


STOP = {
    "at": "a@",
    "node": "a",
    "scope": "",
    "when": "before",
    "reason": "breakpoint",
    "hit": 1,
    "values": {
        "text": {"kind": "value", "count": 1, "kept": 1, "size": 9_000, "inline": "x" * 9_000}
    },
}


def test_where_a_run_stands_is_kept_and_large_values_are_not_told(database: Database) -> None:
    async def work() -> None:
        desk = Desk(database)
        run = await desk.open()
        life: list[tuple[str, str | None, dict[str, Any]]] = [
            ("run_started", None, {"nodes": ["a"]}),
            ("breakpoint_hit", "a", {key: STOP[key] for key in STOP if key != "node"}),
            ("run_paused", None, {"reason": "breakpoint"}),
            ("breakpoint_left", "a", {"at": "a@"}),
            ("run_resumed", None, {}),
            ("run_completed", None, {"duration_ms": 1.0}),
        ]
        events = events_of(run.id, *life)
        desk.recorder.take(events[:3])
        await desk.journal.write(lambda session: None)
        info = stored(database, run.id)
        assert info == of_live(run)
        assert (info.state, info.pause_reason) == ("paused", "breakpoint")
        assert [(stop.at, stop.ports) for stop in info.stopped] == [("a@", ["text"])]
        assert info.nodes["a"].state == "paused"
        with database.read() as session:
            told = repository.events(session, run.id, after=1, limit=1)[0].data
        assert len(told) < 1_000
        desk.recorder.take(events[3:])
        await run.ended
        info = stored(database, run.id)
        assert (info.state, info.pause_reason, info.stopped) == ("completed", None, [])
        await desk.journal.close()

    asyncio.run(work())
