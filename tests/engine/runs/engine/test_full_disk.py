"""A disk that is full fails the run with a reason, and what was stored is gone on from later."""

import sqlite3
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.engine.compiler.flows import flow_of
from tests.engine.runs.engine.killed_child import REQUEST as KILLED
from tests.engine.runs.engine.killed_child import RUN, Fate, Waiting, catalogue, outside
from weft_engine.runs.events import RunEvent
from weft_engine.runs.executor import Executor
from weft_engine.runs.journal.base import PackedRow
from weft_engine.runs.journal.blobs import Blobs
from weft_engine.runs.journal.rows import unpack_steps
from weft_engine.runs.journal.sqlite import SqliteJournal
from weft_engine.runs.journal.sqlite_file import told
from weft_engine.runs.journal.writer import GroupWriter
from weft_engine.runs.programs import Programs
from weft_engine.runs.queue import Job
from weft_engine.runs.run import RunResult

KNOWN = catalogue()
REQUEST = KILLED
PROGRAMS = Programs()
WAIT_S = 20


LARGE = {
    "format": "weft/1",
    "name": "Large",
    "nodes": {"v": {"type": "t.value", "settings": {"value": "x" * 200_000}}},
}


class Filling(SqliteJournal):
    """A journal whose disk is full from some write on, until there is room again."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.left: int | None = None
        self.written = 0

    def write(self, batch: Any) -> list[str]:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                with told(self._path):
                    error = sqlite3.OperationalError("database or disk is full")
                    error.sqlite_errorcode = sqlite3.SQLITE_FULL
                    raise error
        self.written += 1
        return super().write(batch)


class Life:
    """A run in this process, and what was heard of it."""

    def __init__(self, folder: Path, store: SqliteJournal) -> None:
        self.folder = folder
        self.store = store
        self.events: list[RunEvent] = []

    def hear(self, events: list[RunEvent]) -> None:
        self.events += [event for event in events if event.run == REQUEST.run_id]

    def go(self, *, resume: bool = False) -> RunResult:
        """Run it, or go on with it; on a thread, so that a run that never ends fails the test."""
        executor = Executor(
            self.folder / "data",
            self.hear,
            self.store,
            owner="test",
            read_outputs=True,
            _catalogue=KNOWN,
            _programs=PROGRAMS,
        )
        last = self.events[-1].seq if self.events else 0
        request = msgspec.structs.replace(
            REQUEST, resume=resume, files_root=str(self.folder), last_seq=last
        )
        found: list[RunResult | None] = []
        thread = threading.Thread(
            target=lambda: found.append(executor.run(Job(request, last))), daemon=True
        )
        thread.start()
        thread.join(WAIT_S)
        assert found, "the run does not end"
        assert found[0] is not None
        return found[0]

    def orders(self) -> Counter[str]:
        with outside(self.folder) as link:
            return Counter(place for (place,) in link.execute("SELECT place FROM done"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Fate.folder, Fate.at = tmp_path, 0
    return tmp_path


def plain(result: RunResult) -> dict[str, Any]:
    return {
        node: {port: kept.get("value", kept.get("records")) for port, kept in ports.items()}
        for node, ports in result.outputs.items()
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, RunResult, Counter[str]]:
    """How many groups are written when nothing is in the way, and what comes of the run."""
    folder = tmp_path_factory.mktemp("whole")
    Fate.folder, Fate.at = folder, 0
    store = Filling(folder / "journal.sqlite3")
    life = Life(folder, store)
    result = life.go()
    assert result.state == "completed"
    return store.written, result, life.orders()


@pytest.mark.parametrize("part", range(12))
def test_full_at_some_write(
    part: int, folder: Path, whole: tuple[int, RunResult, Counter[str]]
) -> None:
    groups, unhindered, orders = whole
    store = Filling(folder / "journal.sqlite3")
    life = Life(folder, store)
    store.left = groups * part // 16  # how many there are varies a little
    result = life.go()
    assert result.state == "failed"
    assert result.failure is not None
    assert result.failure["code"] == "journal.full"
    assert "room" in result.failure["hint"]
    assert life.events[-1].type == "run_failed"
    assert [event.seq for event in life.events] == list(range(1, len(life.events) + 1))
    # Nothing was told that is not on disk.
    stored = {(row.node, row.scope) for row in store.steps(RUN) if row.state == "completed"}
    ended = {
        (event.node, event.data.get("scope", ""))
        for event in life.events
        if event.type == "node_completed" and not event.data.get("child_run")
    }
    by_record = {"n", "m1", "m2", "sum", "e1"}
    assert {place for place in ended if place[0] not in by_record} <= stored
    store.left = None
    again = life.go(resume=True)
    assert again.state == "completed", again.failure
    assert plain(again) == plain(unhindered)
    assert life.orders() == orders


class Slow(Filling):
    """Its disk turns out to be full late: when the run has nothing left to do but to wait."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.begun = threading.Event()
        self.put = threading.Event()

    def write(self, batch: Any) -> list[str]:
        rows = [row for _, row, _ in batch if isinstance(row, PackedRow)]
        steps = [step for row in rows for step in unpack_steps(row.data, self.codec)]
        if any(step.node == "e" for step in steps):
            self.begun.set()
            assert self.put.wait(WAIT_S)
            self.left = 0
        return super().write(batch)


def test_a_run_that_only_waits_for_its_rows(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Slow(folder / "journal.sqlite3")
    flow = flow_of(
        {"v": ("t.value", {"value": 1}), "w": ("k.io", {"path": "w"}),
         "e": ("k.effect", {"path": "e"})},
        ["v.out>w.item", "v.out>e.item"],
    )  # fmt: skip
    real = GroupWriter.put

    def waits(self: Any, item: Any, ctx: Any) -> Any:
        assert store.begun.wait(WAIT_S)
        return item

    def put(self: GroupWriter, items: Any) -> None:
        real(self, items)
        if store.begun.is_set():
            store.put.set()

    monkeypatch.setattr(Waiting, "process", waits)
    monkeypatch.setattr(GroupWriter, "put", put)
    life = Life(folder, store)
    monkeypatch.setattr(
        sys.modules[__name__], "REQUEST", _asked(flow.model_dump(mode="json"), "run_waits")
    )
    result = life.go()
    assert (result.state, (result.failure or {}).get("code")) == ("failed", "journal.full")
    assert not life.orders()


def test_no_room_for_a_large_value(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, full = Blobs._write, threading.Event()
    full.set()

    def write(self: Blobs, path: Path, data: memoryview) -> None:
        if full.is_set():
            raise OSError(28, "No space left on device")
        real(self, path, data)

    monkeypatch.setattr(Blobs, "_write", write)
    store = SqliteJournal(folder / "journal.sqlite3")
    life = Life(folder, store)
    monkeypatch.setattr(sys.modules[__name__], "REQUEST", _asked(LARGE, "run_large"))
    result = life.go()
    assert result.state == "failed"
    assert result.failure is not None
    assert result.failure["code"] in ("journal.full", "run.output_unsaved")
    assert "room" in result.failure["hint"].lower()


def _asked(flow: dict[str, Any], run_id: str) -> Any:
    return msgspec.structs.replace(REQUEST, flow=flow, flows={}, run_id=run_id)
