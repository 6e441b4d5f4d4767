"""Called runs in the engine: they wait, stand and go on with the run that called them."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.runs.engine.debugged import GO
from weft_engine.runs.debug import Breakpoint, Command
from weft_engine.runs.dispatcher import Dispatcher
from weft_engine.runs.engine import run_loop
from weft_engine.runs.engine.children import child_id
from weft_engine.runs.events import RunEvent
from weft_engine.runs.executor import Executor
from weft_engine.runs.journal.sqlite import SqliteJournal
from weft_engine.runs.queue import Job
from weft_engine.runs.run import RunRequest

RUN = "run_a"
OUTER = child_id(RUN, "call", "call:0")
INNER = child_id(OUTER, "inner", "inner:0")


def flow(name: str, nodes: dict[str, Any], edges: list[str]) -> dict[str, Any]:
    def edge(text: str) -> dict[str, str]:
        (source, source_port), (target, target_port) = (part.split(".") for part in text.split(">"))
        return {"source": source, "source_port": source_port,
                "target": target, "target_port": target_port}  # fmt: skip

    start = {"type": "flow.input", "settings": {"name": "n"}}
    return {
        "format": "weft/1",
        "name": name,
        "inputs": {"n": {"type": "Json", "default": 1}},
        "nodes": {"in": start, **nodes},
        "edges": [edge(text) for text in edges],
    }


def call(name: str) -> dict[str, Any]:
    arguments = [{"name": "n", "value": "item"}]
    return {"type": "flow.call",
            "settings": {"flow": name, "arguments": arguments, "isolated": True}}  # fmt: skip


def show(text: str) -> dict[str, Any]:
    return {"type": "text.template", "settings": {"template": text}}


TOP = flow(
    "Top",
    {"call": call("outer"), "end": show("<{{ item }}>")},
    ["in.value>call.item", "call.result>end.item"],
)
MIDDLE = flow(
    "Outer",
    {"inner": call("inner"), "text": show("({{ item }})")},
    ["in.value>inner.item", "inner.result>text.item"],
)


def asking(**settings: Any) -> dict[str, Any]:
    ask = {"type": "control.approval", "settings": {"message": "Go on?", **settings}}
    return flow(
        "Inner",
        {"ask": ask, "yes": show("yes {{ item }}")},
        ["in.value>ask.item", "ask.approved>yes.item"],
    )


PLAIN = flow("Inner", {"x": show("x{{ item }}")}, ["in.value>x.item"])


class Engine:
    """A dispatcher with room for one run at a time; another one may follow on its journal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events: list[RunEvent] = []
        self.changed = threading.Condition()
        self.begin()

    def begin(self) -> None:
        self.store = SqliteJournal(self.folder / "journal.db")
        executor = Executor(self.folder, self.hear, self.store, "test")
        self.dispatcher = Dispatcher(
            executor, self.store, lambda event: self.hear([event]), owner="test", workers=1
        )

    def hear(self, events: list[RunEvent]) -> None:
        with self.changed:
            self.events += events
            self.changed.notify_all()

    def start(self, inner: dict[str, Any], *points: Breakpoint) -> None:
        request = RunRequest(
            run_id=RUN,
            flow=TOP,
            flows={"outer": MIDDLE, "inner": inner},
            flow_ids={"outer": "flw_outer", "inner": "flw_inner"},
            breakpoints=list(points),
        )
        self.dispatcher.submit(Job(request))

    def restart(self) -> None:
        """As after a crash of the engine: the server asks the next one to go on."""
        self.dispatcher.leave()
        last = max(event.seq for event in self.events if event.run == RUN)
        with self.changed:
            self.events.clear()
        self.begin()
        self.dispatcher.resume(RUN, last)

    def tell(self, command: Command) -> None:
        self.dispatcher.tell(RUN, command)

    def of(self, run: str, kind: str) -> list[RunEvent]:
        return [event for event in list(self.events) if event.run == run and event.type == kind]

    def wait(self, run: str, kind: str, times: int = 1) -> RunEvent:
        self.until(lambda: len(self.of(run, kind)) >= times)
        return self.of(run, kind)[times - 1]

    def until(self, there: Callable[[], Any]) -> None:
        with self.changed:
            assert self.changed.wait_for(there, 30), self.events

    def parked(self) -> None:
        """Wait until nothing of the run is in memory."""
        for _ in range(3_000):
            if self.dispatcher.parked == 1 and self.dispatcher.running == 0:
                return
            threading.Event().wait(0.01)
        raise AssertionError(self.events)

    def statuses(self) -> list[str]:
        entries = [self.store.entry(name) for name in (RUN, OUTER, INNER)]
        return [entry.status for entry in entries if entry is not None]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = Engine(tmp_path)
    yield made
    made.dispatcher.leave()


def approved(name: str) -> Command:
    said = {"id": f"sig {name}", "name": name, "payload": {"approved": True}, "by": "ada"}
    return Command(kind="signal", signal=said)


AT = "call/inner/ask@call:0/inner:0"


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("name", [AT, "call/inner/ask"])
def test_what_waits_in_them_is_held_by_the_journal_alone(
    name: str, restart: bool, engine: Engine
) -> None:
    engine.start(asking())
    paused = engine.wait(RUN, "run_paused")
    engine.parked()
    assert paused.data["reason"] == "waiting"
    (wait,) = paused.data["waits"]
    assert (f"{wait['node']}@{wait['scope']}", wait["kind"]) == (AT, "approval")
    assert engine.statuses() == ["parked"] * 3
    if restart:
        engine.restart()
        engine.parked()
    engine.tell(approved(name))
    engine.wait(RUN, "run_completed")
    assert engine.statuses() == ["completed"] * 3
    assert engine.store.wakes(RUN) == []
    (end,) = (event for event in engine.of(RUN, "node_output") if event.node == "end")
    assert end.data["ref"]["inline"] == "<(yes 1)>"


def test_a_moment_comes_that_they_wait_for(engine: Engine) -> None:
    engine.start(asking(timeout_s=2.5))
    engine.wait(RUN, "run_paused")
    engine.parked()
    engine.wait(RUN, "run_completed")
    assert engine.statuses() == ["completed"] * 3


def test_a_run_whose_calls_wait_takes_nobodys_place(engine: Engine) -> None:
    engine.start(asking())
    engine.parked()
    engine.dispatcher.submit(Job(RunRequest(run_id="run_b", flow=PLAIN)))
    engine.wait("run_b", "run_completed")
    engine.dispatcher.cancel(RUN)
    engine.wait(RUN, "run_cancelled")


def test_each_is_told_as_a_run_of_its_own(engine: Engine) -> None:
    engine.start(PLAIN)
    engine.wait(RUN, "run_completed")
    for run, node, around, place in (
        (OUTER, "call", RUN, "call:0"),
        (INNER, "inner", OUTER, "inner:0"),
    ):
        own = [event for event in engine.events if event.run == run]
        assert [event.seq for event in own] == list(range(1, len(own) + 1))
        first = own[0].data["called_by"]
        assert (first["run"], first["node"], first["scope"]) == (around, node, place)
        assert first["inputs"] == {"n": 1}
        assert own[-1].type == "run_completed"
    assert {event.data["called_by"]["flow_id"] for event in engine.of(INNER, "run_started")} == {
        "flw_inner"
    }


@pytest.mark.parametrize("restart", [False, True])
def test_what_stands_in_them_is_left_to_the_journal_in_time(
    restart: bool, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_loop, "STAND_S", 0.2)
    engine.start(PLAIN, Breakpoint(node="call/inner/x"))
    engine.wait(RUN, "breakpoint_hit")
    engine.parked()
    assert engine.statuses() == ["paused"] * 3
    if restart:
        engine.restart()
        hits = 1
    else:
        hits = 2
        engine.tell(Command(kind="breakpoints", breakpoints=[Breakpoint(node="call/inner/x")]))
    hit = engine.wait(RUN, "breakpoint_hit", hits)
    assert hit.data["at"] == "call/inner/x@call:0/inner:0"
    engine.tell(GO)
    engine.wait(RUN, "run_completed")
    assert len(engine.of(RUN, "breakpoint_hit")) == hits


@pytest.mark.parametrize("kind", ["step_over", "step_into"])
def test_after_a_crash_it_stands_there_again(kind: Any, engine: Engine) -> None:
    engine.start(PLAIN, Breakpoint(node="call/inner/x"))
    engine.wait(RUN, "run_paused")
    engine.restart()
    hit = engine.wait(RUN, "breakpoint_hit")
    engine.wait(RUN, "run_paused")
    assert (hit.node, hit.data["at"]) == ("call/inner/x", "call/inner/x@call:0/inner:0")
    engine.tell(Command(kind=kind))
    assert engine.wait(RUN, "breakpoint_hit", 2).data["at"] == "call/text@call:0"
    engine.tell(GO)
    engine.wait(RUN, "run_completed")


def test_one_that_had_ended_is_told_again(engine: Engine) -> None:
    engine.start(PLAIN, Breakpoint(node="call/text"))
    engine.wait(RUN, "run_paused")
    assert engine.statuses() == ["running", "running", "completed"]
    engine.restart()
    engine.wait(RUN, "run_paused")
    engine.tell(GO)
    engine.wait(RUN, "run_completed")
    assert engine.of(INNER, "run_completed") == [] or engine.of(INNER, "run_started")


def test_cancelling_reaches_those_that_wait_and_those_that_stand(engine: Engine) -> None:
    engine.start(PLAIN, Breakpoint(node="call/inner/x"))
    engine.wait(RUN, "run_paused")
    engine.dispatcher.cancel(RUN)
    engine.wait(RUN, "run_cancelled")
    for name in (INNER, OUTER):
        engine.wait(name, "run_cancelled")
    assert engine.statuses() == ["cancelled"] * 3


@pytest.mark.parametrize("restart", [False, True])
def test_cancelling_what_only_the_journal_holds_ends_all_of_it(
    restart: bool, engine: Engine
) -> None:
    engine.start(asking())
    engine.wait(RUN, "run_paused")
    engine.parked()
    if restart:
        engine.restart()
        engine.parked()
    engine.dispatcher.cancel(RUN)
    engine.wait(RUN, "run_cancelled")
    assert engine.statuses() == ["cancelled"] * 3
    assert engine.store.unfinished() == []
    assert engine.store.signalled() == []


def test_cancelling_ends_those_that_only_the_journal_holds(engine: Engine) -> None:
    engine.start(asking())
    engine.parked()
    assert engine.statuses() == ["parked"] * 3
    engine.dispatcher.cancel(RUN)
    engine.wait(RUN, "run_cancelled")
    assert engine.statuses() == ["cancelled"] * 3
    assert engine.store.unfinished() == []


def test_they_run_where_the_run_does_that_called_them(tmp_path: Path) -> None:
    """Their streams come back from the worker processes as from threads."""
    rows = {"count": 4, "fields": [{"name": "a", "expression": "item"}]}
    keep = {"keep": False, "fields": [{"name": "b", "expression": "item.a * 2"}]}
    inner = flow(
        "Inner",
        {
            "rows": {"type": "data.generate", "settings": rows},
            "some": {"type": "data.filter", "settings": {"where": "item.a > 1"}},
            "out": {"type": "data.map", "settings": keep},
        },
        ["rows.rows>some.rows", "some.rows>out.rows"],
    ) | {"outputs": ["out"]}
    found = []
    for env in ("local", "processes"):
        executor = Executor(
            tmp_path, lambda _: None, SqliteJournal(tmp_path / f"{env}.db"), "test",
            read_outputs=True,
        )  # fmt: skip
        request = RunRequest(
            run_id=f"run_{env}", flow=TOP, flows={"outer": MIDDLE, "inner": inner}, env=env
        )
        result = executor.run(Job(request))
        assert result is not None
        assert result.failure is None
        found.append(result.outputs["end"]["text"]["value"])
    assert found[0] == found[1]
    assert '"b": 4' in found[0]
