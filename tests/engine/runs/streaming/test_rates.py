"""The rates that a live run tells of its nodes, by a clock that is given."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft_engine.compiler.streaming_lowered import Live, LiveNode
from weft_engine.flow.model import Edge
from weft_engine.kernel.graph import Graph
from weft_engine.nodes.port_type import parse
from weft_engine.runs.engine.telling import Voice
from weft_engine.runs.events import RunEvent
from weft_engine.runs.streaming.board import PROGRESS_S, Board
from weft_engine.runs.streaming.rates import LEAST_S, WINDOW_S, Rates
from weft_engine.runs.streaming.watch import EVERY_S

ROWS = parse("Stream[Any]")


def node(*before: str, source: bool = False, out: bool = True) -> LiveNode:
    """One that reads what these give."""
    edges = [Edge(source=b, source_port="rows", target="_", target_port="rows") for b in before]
    return LiveNode({"rows": edges}, {"rows": ROWS} if out else {}, source=source)


@dataclass
class Sensors:
    """A clock, a map that counts what it takes, a filter, a window, and tables behind both."""

    now: float = 1000.0
    counts: dict[str, list[int]] = field(default_factory=dict)
    """Of every node, what it took and what it gave."""
    attempt: int = 0
    events: list[RunEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.voice = Voice("run_1", self.events.extend)
        nodes = {
            "clock": node(source=True),
            "reading": node("clock"),
            "warm": node("reading"),
            "alarms": node("warm", out=False),
            "window": node("reading"),
            "means": node("window", out=False),
        }
        live = Live(Graph(), nodes)
        self.board = Board(self.voice, live, clock=lambda: self.now)
        self.board.begin()

    def told(self, name: str, before: dict[str, Any] | None = None) -> None:
        """The watch of a node tells what it counted."""
        took, gave = self.counts.get(name, [0, 0])
        counts = {"in": took, "failed": 0, "out": {"rows": gave} if gave else {}}
        self.board.take(
            {"node": name, "place": "0", "attempt": self.attempt, "counts": counts,
             "before": before or {"in": 0, "failed": 0, "out": {}}, "samples": {}}
        )  # fmt: skip

    def passed(self, name: str, took: int, gave: int) -> None:
        """It counts on, and tells it."""
        known = self.counts.setdefault(name, [0, 0])
        known[0] += took
        known[1] += gave
        self.told(name)

    def turn(self, seconds: float = PROGRESS_S) -> None:
        """Time passes, and the board tells what is to be told."""
        self.now += seconds
        self.board.tell(None)
        self.voice.flush()

    def rates(self, name: str) -> dict[str, float]:
        """What was told last."""
        told = [e.data for e in self.events if e.type == "node_progress" and e.node == name]
        found: dict[str, float] = told[-1]["rates"]
        return found

    def live(self, turns: int, *, first: int = 0) -> None:
        """Five readings a second; every fourth too warm; means of three every five seconds."""
        for turn in range(first, first + turns):
            self.turn()
            ticks = (turn + 1) * 5 // 4 - turn * 5 // 4
            self.passed("clock", 0, ticks)
            self.passed("reading", ticks, ticks)
            self.passed("warm", 0, 1 if turn % 4 == 3 else 0)
            self.passed("window", 0, 3 if turn % 20 == 19 else 0)


@pytest.mark.parametrize(
    ("name", "came_in", "went_out", "within"),
    [
        ("clock", 0.0, 5.0, 0.2),
        ("reading", 5.0, 5.0, 0.2),
        ("warm", 5.0, 1.0, 0.1),
        ("alarms", 1.0, 0.0, 0.1),
        ("window", 5.0, 0.6, 0.0),
        ("means", 0.6, 0.0, 0.0),
    ],
)
def test_every_node_has_its_pace(name: str, came_in: float, went_out: float, within: float) -> None:
    sensors = Sensors()
    sensors.live(80)
    for turn in range(80, 120):  # at every moment, not only now and then
        sensors.live(1, first=turn)
        rates = sensors.rates(name)
        assert rates["in"] == pytest.approx(came_in, abs=within + 0.2)
        assert rates["out"] == pytest.approx(went_out, abs=within + 0.01)


def test_they_fall_to_nothing_while_the_run_is_paused() -> None:
    sensors = Sensors()
    sensors.live(80)
    fell = []
    for _ in range(round(WINDOW_S / PROGRESS_S) + 2):
        sensors.turn()
        fell.append(sensors.rates("reading")["in"])
    assert fell == sorted(fell, reverse=True)
    nodes = ["clock", "reading", "warm", "alarms", "window", "means"]
    assert [sensors.rates(name) for name in nodes] == [{"in": 0.0, "out": 0.0}] * len(nodes)
    quiet = len(sensors.events)
    sensors.turn(60.0)
    assert len(sensors.events) == quiet


@pytest.mark.parametrize(
    ("seconds", "rate"), [(0.25, 5.0), (0.75, 5.0), (1.75, 2.5), (9.75, 0.5), (10.25, 0.0)]
)
def test_a_short_run_is_measured_over_its_own_time(seconds: float, rate: float) -> None:
    sensors = Sensors()
    sensors.now += EVERY_S
    sensors.passed("clock", 0, 5)
    for _ in range(round(seconds / PROGRESS_S)):
        sensors.turn()
    assert sensors.rates("clock")["out"] == rate


def test_the_time_that_a_job_takes_to_start_does_not_count() -> None:
    sensors = Sensors()
    sensors.turn(30.0)
    sensors.live(20)
    assert sensors.rates("clock")["out"] == pytest.approx(5.0, abs=0.5)


def test_what_a_checkpoint_holds_has_not_passed_now() -> None:
    sensors = Sensors(counts={"clock": [0, 9_004]})
    sensors.now += 2.0
    sensors.told("clock", {"in": 0, "failed": 0, "out": {"rows": 9_000}})
    sensors.turn()
    assert sensors.rates("clock")["out"] == 4.0


def test_a_job_that_starts_again_goes_on_with_its_pace() -> None:
    sensors = Sensors()
    sensors.live(40)
    sensors.attempt = 1
    sensors.board.again(1)
    kept = sensors.counts["clock"][1] - 10  # at the last checkpoint
    sensors.counts["clock"][1] = kept
    sensors.told("clock", {"in": 0, "failed": 0, "out": {"rows": kept}})
    sensors.turn()
    assert sensors.rates("clock")["out"] == pytest.approx(5.0, abs=0.3)


def test_counting_less_than_before_is_no_rate_below_nothing() -> None:
    sensors = Sensors()
    sensors.passed("clock", 0, 10)
    sensors.turn(WINDOW_S + 1.0)
    sensors.attempt = 1  # told before the board has heard that the job starts again
    sensors.passed("clock", 0, -8)
    sensors.turn(WINDOW_S)
    assert sensors.rates("clock")["out"] == 0.0


STEPS = st.lists(st.tuples(st.floats(0.001, 30.0), st.integers(0, 50)), min_size=1, max_size=60)


@given(STEPS)
def test_a_rate_is_what_passed_in_the_time_it_is_taken_over(steps: list[tuple[float, int]]) -> None:
    rates, now, total = Rates(), 0.0, 0
    rates.begin(now)
    marks = [(now, total)]
    for seconds, count in steps:
        now += seconds
        gone = {"in": 0, "out": {"rows": total}}
        total += count
        rates.count("a", gone, {"in": 0, "out": {"rows": total}})
        rates.mark(now)
        marks.append((now, total))
        since, then = [mark for mark in marks if mark[0] <= max(now - WINDOW_S, 0.0)][-1]
        assert rates.of([("a", "rows")]) == round((total - then) / max(now - since, LEAST_S), 1)


@given(st.lists(st.tuples(st.floats(0.25, 3.0), st.integers(0, 9)), min_size=1, max_size=40))
def test_what_leaves_a_node_is_what_the_next_takes(steps: list[tuple[float, int]]) -> None:
    sensors = Sensors()
    for seconds, count in steps:
        sensors.passed("warm", 0, count)
        sensors.turn(seconds)
        assert sensors.rates("alarms")["in"] == sensors.rates("warm")["out"]
