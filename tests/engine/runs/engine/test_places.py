"""What is under way at a time in a run and all that it calls: never more, and never stuck."""

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest

from tests.engine.compiler.flows import info
from tests.engine.runs.engine import harness
from tests.engine.runs.engine.harness import Ran, execute, flow_of
from weft_engine.flow.model import Flow
from weft_engine.nodes.node_type import NodeContext, NodeType
from weft_engine.nodes.types import Number
from weft_engine.runs.engine.control import RunControl
from weft_engine.runs.engine.places import Places, Share
from weft_engine.runs.events import RunEvent


class Gauge(NodeType):
    """Counts how many of its kind are at work, and may fail, hang, or take its time."""

    type: Literal["e.gauge"] = "e.gauge"
    info = info(cost="io")
    lock: ClassVar[threading.Lock] = threading.Lock()
    working: ClassVar[int] = 0
    most: ClassVar[int] = 0
    called: ClassVar[int] = 0
    fate: ClassVar[dict[int, str]] = {}
    """What becomes of so manyth call."""

    def process(self, item: Number, ctx: NodeContext) -> Number:
        with Gauge.lock:
            Gauge.working += 1
            Gauge.most = max(Gauge.most, Gauge.working)
            Gauge.called += 1
            fate = Gauge.fate.get(Gauge.called, "")
        try:
            if fate == "fails":
                raise ValueError("broken")
            stop = threading.Event()
            while fate == "hangs" and not ctx.cancelled():
                stop.wait(0.002)
            return item
        finally:
            with Gauge.lock:
                Gauge.working -= 1

    @classmethod
    def begin(cls, fate: dict[int, str]) -> None:
        cls.working = cls.most = cls.called = 0
        cls.fate = fate


@pytest.fixture(autouse=True)
def _nodes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(harness, "OWN", (*harness.OWN, Gauge, Slow))
    harness.catalogue.cache_clear()
    yield
    harness.catalogue.cache_clear()


class Slow(NodeType):
    """A call in the run's own thread that takes until something else is asked for."""

    type: Literal["e.slow"] = "e.slow"
    info = info()
    asked: ClassVar[threading.Event] = threading.Event()

    def process(self, item: Number) -> Number:
        assert Slow.asked.wait(30)
        return item


def call(flow: str, **more: Any) -> Any:
    settings = {"flow": flow, "arguments": [{"name": "n", "value": "item"}], "isolated": True}
    return ("flow.call", settings, more)


def callee(inner: Any) -> dict[str, Any]:
    port = "out" if isinstance(inner, str) else "result"
    return flow_of(
        {"in": ("flow.input", {"name": "n"}), "a": "e.gauge", "inner": inner, "b": "e.gauge"},
        ["in.value>a.item", "a.out>inner.item", f"inner.{port}>b.item"],
        inputs={"n": {"type": "Number"}},
        outputs=["b"],
    ).model_dump(mode="json")


def nested(depth: int, items: int, concurrency: int, **more: Any) -> tuple[Flow, dict[str, Any]]:
    """A loop of calls, so many calls deep."""
    flows = {"c1": callee("e.gauge")}
    for level in range(2, depth + 1):
        flows[f"c{level}"] = callee(call(f"c{level - 1}"))
    flow = flow_of(
        {
            "n": ("e.numbers", {"numbers": list(range(items))}),
            "loop": ("control.for_each", {"concurrency": concurrency}),
            "call": call(f"c{depth}", parent="loop", **more),
        },
        ["n.out>loop.items", "loop.item>call.item", "call.result>loop.result"],
        outputs=["loop"],
    )
    return flow, flows


@dataclass
class Case:
    """A tree of runs, and what happens to it."""

    limit: int
    depth: int
    items: int
    concurrency: int
    fate: dict[int, str]
    cancel_at: int
    """At the start of which node, counted over all of them, it is cancelled; 0: never."""
    policy: dict[str, Any]

    @staticmethod
    def of(seed: int) -> "Case":
        chance = random.Random(seed)
        items, depth = chance.randint(1, 9), chance.randint(1, 3)
        calls = items * (2 * depth + 1)
        fate: dict[int, str] = {}
        cancel_at = 0
        kind = chance.choice(["well", "well", "fails", "skips", "cancelled", "hangs"])
        if kind in ("fails", "skips"):
            fate = {chance.randint(1, calls): "fails" for _ in range(2)}
        if kind in ("cancelled", "hangs"):
            cancel_at = chance.randint(1, calls)
        if kind == "hangs":
            fate = {cancel_at: "hangs"}
        return Case(
            limit=chance.randint(1, 4),
            depth=depth,
            items=items,
            concurrency=chance.randint(1, 9),
            fate=fate,
            cancel_at=cancel_at,
            policy={"on_error": "skip"} if kind == "skips" else {},
        )


def go(case: Case, folder: Path) -> tuple[Ran, Places]:
    flow, flows = nested(case.depth, case.items, case.concurrency, **case.policy)
    Gauge.begin(case.fate)
    control, places, started = RunControl(), Places(case.limit), 0

    def heard(event: RunEvent) -> None:
        nonlocal started
        if event.type == "node_started" and event.data.get("child_run"):
            started += 1
            if started == case.cancel_at:
                control.cancel()

    ran = execute(
        flow,
        folder,
        flows=flows,
        parallelism=case.limit,
        places=places,
        control=control,
        heard=heard,
    )
    return ran, places


@pytest.mark.parametrize("seed", range(24))
def test_trees_of_runs_take_no_more_than_there_is_and_leave_nothing(
    seed: int, tmp_path: Path
) -> None:
    case = Case.of(seed)
    ran, places = go(case, tmp_path)
    assert Gauge.most <= case.limit, case
    assert places.idle, case
    if not case.fate and not case.cancel_at:
        assert ran.result.failure is None
        assert ran.gave("loop", "results") == list(range(case.items))
    elif "hangs" in case.fate.values() and Gauge.called >= case.cancel_at:
        assert ran.state == "cancelled", case
    else:
        assert ran.state in ("completed", "failed", "cancelled")


def test_three_calls_deep_one_place_is_enough(tmp_path: Path) -> None:
    case = Case(1, depth=3, items=4, concurrency=4, fate={}, cancel_at=0, policy={})
    ran, places = go(case, tmp_path)
    assert ran.gave("loop", "results") == [0, 1, 2, 3]
    assert Gauge.most == 1
    assert places.idle


def test_a_call_that_another_thread_took_over_for_takes_a_place(tmp_path: Path) -> None:
    Slow.asked.clear()
    flow = flow_of(
        {"v": ("t.value", {"value": 1}), "a": "e.slow", "b": "e.io"},
        ["v.out>a.item", "v.out>b.item"],
        outputs=["a", "b"],
    )

    control, places, waiting = RunControl(), Places(1), []

    def look() -> None:
        waiting.append(places.waiting)
        Slow.asked.set()

    def heard(event: RunEvent) -> None:
        if event.type == "node_started" and event.node == "b":
            control.box.put((look,))  # the run does this once it has tried to begin the node

    ran = execute(flow, tmp_path, parallelism=1, places=places, control=control, heard=heard)
    assert (ran.gave("a"), ran.gave("b")) == (1, 1)
    assert waiting == [1]
    assert places.idle


class Runs:
    """Some runs that take places and give them back, as a list of what they do."""

    def __init__(self, most: int, shares: list[int]) -> None:
        self.most = most
        self.places = Places(most)
        self.shares = [Share(self.places, limit) for limit in shares]
        self.limits = shares
        self.held = [0] * len(shares)
        self.told: list[int] = []
        self.waiting: list[int] = []
        self.closed: set[int] = set()

    def take(self, at: int) -> None:
        if self.shares[at].take(self._then(at)):
            self.held[at] += 1
        else:
            self.waiting.append(at)

    def _then(self, at: int) -> Callable[[], None]:
        def then() -> None:
            self.waiting.remove(at)
            self.held[at] += 1
            self.told.append(at)

        return then

    def give(self, at: int) -> None:
        self.held[at] -= 1
        self.shares[at].give()

    def close(self, at: int) -> None:
        self.closed.add(at)
        self.held[at] = 0
        self.waiting = [one for one in self.waiting if one != at]
        self.shares[at].close()

    def check(self) -> None:
        """Nobody has too much, and nobody waits without need."""
        assert sum(self.held) <= self.most
        assert all(held <= limit for held, limit in zip(self.held, self.limits, strict=True))
        could = [at for at in self.waiting if self.held[at] < self.limits[at]]
        assert not could or sum(self.held) == self.most


@pytest.mark.parametrize("seed", range(40))
def test_nobody_waits_for_a_place_that_is_free(seed: int) -> None:
    chance = random.Random(seed)
    most = chance.randint(1, 4)
    runs = Runs(most, [chance.randint(1, most) for _ in range(chance.randint(1, 6))])
    for _ in range(300):
        at = chance.randrange(len(runs.shares))
        what = chance.choice(["take", "take", "give", "give", "give"])
        if chance.random() < 0.01:
            runs.close(at)
        elif at in runs.closed:
            continue
        elif what == "take":
            runs.take(at)
        elif runs.held[at]:
            runs.give(at)
        runs.check()
    for at in range(len(runs.shares)):
        runs.close(at)
        runs.check()
    assert runs.places.idle


def test_those_that_wait_take_turns() -> None:
    runs = Runs(1, [1, 1, 1])
    for at in (0, 1, 1, 2, 2, 0):
        runs.take(at)
    for _ in range(5):
        runs.give(next(at for at, held in enumerate(runs.held) if held))
    assert runs.told == [1, 2, 0, 1, 2]


def test_one_taken_for_what_is_at_work_already_lets_others_wait_longer() -> None:
    runs = Runs(1, [1, 1])
    runs.take(0)
    runs.shares[1].occupy()
    runs.take(1)
    runs.give(0)
    assert runs.told == []
    runs.shares[1].give()
    assert runs.told == [1]


def test_what_a_run_has_or_waits_for_is_gone_with_it() -> None:
    runs = Runs(2, [2, 2])
    for at in (0, 0, 0, 1):
        runs.take(at)
    runs.close(0)
    assert runs.told == [1]
    runs.shares[0].give()
    runs.give(1)
    assert runs.places.idle
    assert not runs.shares[0].take(lambda: runs.told.append(0))
    assert runs.told == [1]
    assert runs.places.idle


def test_many_threads_at_a_time_lose_nothing() -> None:
    """Each takes a place, works, gives it back, again and again; more threads than places."""
    places, lock, working, most = Places(3), threading.Lock(), 0, 0

    def work(share: Share) -> None:
        nonlocal working, most
        for _ in range(200):
            there = threading.Event()
            if not share.take(there.set):
                assert there.wait(30)
            with lock:
                working += 1
                most = max(most, working)
            with lock:
                working -= 1
            share.give()
        share.close()

    shares = [Share(places, 2) for _ in range(4)]
    threads = [threading.Thread(target=work, args=(share,)) for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert most <= 3
    assert places.idle
