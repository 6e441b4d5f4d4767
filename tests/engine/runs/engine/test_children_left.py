"""Called runs whose calling run breaks off: they are let go, and gone on with by whoever has it."""

import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest

from tests.engine.compiler.flows import flow_of, info, seen
from tests.engine.runs.engine.harness import OWN, Held
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.node_type import NodeContext, NodeType
from weft_engine.nodes.types import Any as AnyValue
from weft_engine.runs.engine.children import child_id
from weft_engine.runs.events import RunEvent
from weft_engine.runs.executor import Executor
from weft_engine.runs.journal.base import PackedRow
from weft_engine.runs.journal.rows import unpack_steps
from weft_engine.runs.journal.sqlite import SqliteJournal
from weft_engine.runs.journal.sqlite_file import told
from weft_engine.runs.programs import Programs
from weft_engine.runs.queue import Job
from weft_engine.runs.run import RunRequest, RunResult

RUN = "run_a"
OUTER = child_id(RUN, "call", "call:0")
INNER = child_id(OUTER, "call", "call:0")
WAIT_S = 20.0


class Once(NodeType):
    """Works until it is stopped; in a later life it is done at once."""

    type: Literal["l.once"] = "l.once"
    info = info(cost="io")
    began: ClassVar[threading.Event] = threading.Event()
    stopped: ClassVar[threading.Event] = threading.Event()

    def process(self, item: AnyValue, ctx: NodeContext) -> AnyValue:
        if Once.began.is_set():
            return item
        Once.began.set()
        pause = threading.Event()
        while not ctx.cancelled():
            pause.wait(0.002)
        Once.stopped.set()
        return item


KNOWN = Catalogue([*Catalogue.installed(), *OWN, Once])
START = ("flow.input", {"name": "n"})
ARGUMENTS = [{"name": "n", "value": "item"}]
INPUTS = {"n": {"type": "Json", "default": 1}}


def call(name: str) -> Any:
    return ("flow.call", {"flow": name, "arguments": ARGUMENTS, "isolated": True})


LAST = flow_of(
    {"in": START, "s": ("e.effect", {"name": "inside"}), "x": "l.once", "t": "e.times"},
    ["in.value>s.item", "s.out>x.item", "x.out>t.item"],
    inputs=INPUTS,
    outputs=["t"],
)
MIDDLE = flow_of({"in": START, "call": call("last")}, ["in.value>call.item"], inputs=INPUTS)
TOP = flow_of(
    {"in": START, "call": call("middle"), "held": "e.held", "next": ("e.effect", {"name": "top"})},
    ["in.value>call.item", "in.value>held.item", "held.out>next.item"],
    inputs=INPUTS,
    outputs=["call", "next"],
)
FLOWS = {"middle": MIDDLE.model_dump(mode="json"), "last": LAST.model_dump(mode="json")}


class Filling(SqliteJournal):
    """A journal whose disk is full when the run comes to some node."""

    error: BaseException | None = None

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.inside = threading.Event()
        """Set once all that the inner run has done is on disk."""

    def write(self, batch: Any) -> list[str]:
        rows = [row for _, row, _ in batch if isinstance(row, PackedRow)]
        steps = [step for row in rows for step in unpack_steps(row.data, self.codec)]
        if self.error is not None and any(step.node == "held" for step in steps):
            with told(self._path):
                raise self.error
        lost = super().write(batch)
        if any(step.node == "s" and step.state == "completed" for step in steps):
            self.inside.set()
        return lost


def full() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    return error


class Life:
    """One engine's life with the run."""

    def __init__(self, folder: Path, owner: str, *, resume: bool = False) -> None:
        self.events: list[RunEvent] = []
        self.changed = threading.Condition()
        self.store = Filling(folder / "journal.db")
        self.found: list[RunResult | None] = []
        executor = Executor(
            folder / "data",
            self.hear,
            self.store,
            owner=owner,
            read_outputs=True,
            _catalogue=KNOWN,
            _programs=Programs(),
        )
        request = RunRequest(
            run_id=RUN, flow=TOP.model_dump(mode="json"), flows=FLOWS, resume=resume
        )
        self._thread = threading.Thread(
            target=lambda: self.found.append(executor.run(Job(request))), daemon=True
        )
        self._thread.start()

    def hear(self, events: list[RunEvent]) -> None:
        with self.changed:
            self.events += events
            self.changed.notify_all()

    def end(self) -> RunResult | None:
        self._thread.join(WAIT_S)
        assert self.found, "the run does not end"
        return self.found[0]

    def given_back(self) -> set[str]:
        """Runs that nobody holds, and that have not ended."""
        return {entry.id for entry in self.store.unfinished() if entry.status == "running"}

    def ends(self) -> Counter[tuple[str, str]]:
        kinds = ("run_completed", "run_failed", "run_cancelled")
        return Counter((event.run, event.type) for event in self.events if event.type in kinds)


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    seen.calls.clear()
    for event in (Once.began, Once.stopped, Held.let_go):
        event.clear()
    yield
    Held.let_go.set()


def goes_on(folder: Path, owner: str) -> None:
    """Another life ends the run; nothing that was done is done again."""
    life = Life(folder, owner, resume=True)
    result = life.end()
    assert result is not None
    assert result.state == "completed", result.failure
    assert result.outputs["call"]["result"]["value"] == 2
    assert len(seen.calls["inside.keys"]) == 1
    assert len(set(seen.calls["top.keys"])) == len(seen.calls["top.keys"]) == 1
    assert life.ends() == {(run, "run_completed"): 1 for run in (RUN, OUTER, INNER)}
    for run in (OUTER, INNER):
        entry = life.store.entry(run)
        assert entry is not None
        assert entry.status == "completed"


def test_another_engine_takes_the_run(tmp_path: Path) -> None:
    life = Life(tmp_path, "one")
    assert Once.began.wait(WAIT_S)
    assert life.store.inside.wait(WAIT_S)
    lease = life.store.acquire(RUN, "one", 600)  # its own is of no worth any more
    assert lease is not None
    Held.let_go.set()
    assert life.end() is None
    assert Once.stopped.wait(WAIT_S)
    assert life.given_back() == {OUTER, INNER}
    assert not life.ends()
    life.store.release(lease, "running")
    goes_on(tmp_path, "another")


def test_the_journal_is_lost(tmp_path: Path) -> None:
    life = Life(tmp_path, "one")
    assert Once.began.wait(WAIT_S)
    assert life.store.inside.wait(WAIT_S)
    life.store.error = full()
    Held.let_go.set()
    result = life.end()
    assert result is not None
    assert (result.state, (result.failure or {}).get("code")) == ("failed", "journal.full")
    assert Once.stopped.wait(WAIT_S)
    assert {OUTER, INNER} <= life.given_back()
    assert life.ends() == {(RUN, "run_failed"): 1}
    life.store.error = None
    goes_on(tmp_path, "one")


def test_a_mistake_of_the_engine_ends_them_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run has failed for good: so it must not leave anything behind that goes on."""
    from weft_engine.runs.engine.core import Core  # noqa: PLC0415 - patched here only

    real = Core.settle

    def settle(self: Core, scope: Any, unit: Any, *more: Any) -> None:
        if unit.path == "held":
            raise ZeroDivisionError("nobody foresaw this")
        real(self, scope, unit, *more)

    monkeypatch.setattr(Core, "settle", settle)
    life = Life(tmp_path, "one")
    assert Once.began.wait(WAIT_S)
    assert life.store.inside.wait(WAIT_S)
    Held.let_go.set()
    result = life.end()
    assert result is not None
    assert (result.state, (result.failure or {}).get("code")) == ("failed", "kernel.internal")
    with life.changed:
        assert life.changed.wait_for(lambda: len(life.ends()) == 3, WAIT_S)
    assert life.ends() == {
        (RUN, "run_failed"): 1,
        (OUTER, "run_cancelled"): 1,
        (INNER, "run_cancelled"): 1,
    }
    assert life.store.unfinished() == []
