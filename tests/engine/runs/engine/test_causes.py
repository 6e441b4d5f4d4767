"""Nothing has effects, and nothing is told, before all that led to it is on disk.

Nodes that are pure start at once and give something else each time. The journal writes a group now
and then, drawn by a seed, and at one of them the process ends. What had no row then happens anew
and gives other values; so an effect that had begun too early would be seen twice, with two causes.
"""

import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import pytest

from tests.engine.compiler.flows import flow_of, info
from tests.engine.runs.engine.harness import TestJournal, chooser
from weft_engine.flow.model import Flow
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.node_type import NodeContext, NodeType
from weft_engine.nodes.types import Json
from weft_engine.runs.engine.resume import Recorded
from weft_engine.runs.events import RunEvent
from weft_engine.runs.executors.base import UnitOutcome
from weft_engine.runs.executors.calling import Site, answered, outcome
from weft_engine.runs.files import LocalFiles
from weft_engine.runs.journal.base import StepRow, WakeRow
from weft_engine.runs.journal.codec import Codec
from weft_engine.runs.journal.errors import JournalError
from weft_engine.runs.journal.values import ValueStore
from weft_engine.runs.outputs import OutputStore
from weft_engine.runs.run import RunRequest, RunState
from weft_engine.runs.runner import make_run

SEEDS = 60


class World:
    """What is outside: it has seen effects, each under its key, with all that led to them."""

    def __init__(self) -> None:
        self.serial = 0
        self.orders: dict[str, list[Any]] = {}
        self.early: list[str] = []
        self.durable: Callable[[], set[int]] = set

    def fresh(self, *causes: Any) -> dict[str, Any]:
        """A value that no other equals, with what it was made of."""
        self.serial += 1
        return {"serial": self.serial, "of": list(causes)}

    def look(self, where: str, value: Any) -> None:
        """Something is seen outside: is everything that led to it on disk?"""
        missing = set(serials(value)) - self.durable()
        if missing:
            self.early.append(f"{where}: {sorted(missing)}")


world = World()


def serials(value: Any) -> Iterator[int]:
    """The serial numbers of everything that a value was made of."""
    if isinstance(value, list):
        for one in value:
            yield from serials(one)
    elif isinstance(value, dict):
        if "serial" in value:
            yield value["serial"]
        for one in value.values():
            yield from serials(one)


class Fresh(NodeType):
    """Gives something else each time, in the run's own thread."""

    type: Literal["c.fresh"] = "c.fresh"
    info = info(multiple=("needs",))

    def process(self, needs: list[Json] | None = None) -> Json:
        return world.fresh(*(needs or ()))


class Slow(Fresh):
    """The same, on a thread."""

    type: Literal["c.slow"] = "c.slow"  # type: ignore[assignment]
    info = info(multiple=("needs",), cost="io")


class Effect(NodeType):
    """Does something outside."""

    type: Literal["c.effect"] = "c.effect"
    info = info(multiple=("needs",), effects=True, pure=False)

    def process(self, ctx: NodeContext, needs: list[Json] | None = None) -> Json:
        world.look(ctx.idempotency_key, needs)
        world.orders.setdefault(ctx.idempotency_key, []).append(needs)
        return world.fresh(*(needs or ()))


class Three(NodeType):
    """Three values, each with the same cause."""

    type: Literal["c.three"] = "c.three"
    info = info()

    def process(self, item: Json) -> list[Json]:
        return [world.fresh(item) for _ in range(3)]


class All(NodeType):
    """Takes all that a stream has."""

    type: Literal["c.all"] = "c.all"
    info = info()

    def process(self, items: list[Json]) -> Json:
        return world.fresh(*items)


KINDS = ("c.fresh", "c.slow", "c.effect")


def flow(seed: int) -> Flow:
    """Branches, a loop with a try in it, and what follows; what nodes are is drawn."""
    chance = random.Random(seed)
    inside = {"parent": "loop"}

    def kind(**fields: Any) -> Any:
        return (chance.choice(KINDS), {}, fields)

    return flow_of(
        {
            "a": kind(), "b": kind(), "c": kind(), "d": kind(), "three": "c.three",
            "loop": ("control.for_each", {"concurrency": chance.choice([1, 2])}),
            "x": kind(**inside), "y": kind(**inside), "z": kind(**inside),
            "try": ("control.try", {}, inside), "t": kind(parent="try"),
            "e": "c.all", "f": kind(), "last": "c.effect",
        },
        [
            "a.out>b.needs", "a.out>c.needs", "b.out>d.needs", "c.out>d.needs",
            "d.out>three.item", "three.out>loop.items",
            "loop.item>x.needs", "x.out>y.needs", "x.out>try.item", "try.item>t.needs",
            "t.out>try.result", "y.out>z.needs", "try.result>z.needs", "z.out>loop.result",
            "loop.results>e.items", "e.out>f.needs", "d.out>f.needs", "f.out>last.needs",
        ],
        outputs=["last"],
    )  # fmt: skip


CATALOGUE = Catalogue([*Catalogue.installed(), Fresh, Slow, Effect, Three, All])


class LateJournal(TestJournal):
    """Writes a group when it is let; from some group on nothing reaches the disk any more."""

    def __init__(self, values: ValueStore, groups: int | None) -> None:
        super().__init__()
        self._values = values
        self._left = groups
        self._queue: deque[tuple[Sequence[StepRow], Callable[[], None] | None]] = deque()

    def record_all(
        self, rows: Sequence[StepRow], then: Callable[[], None] | None = None, when: str = "soon"
    ) -> None:
        self._queue.append((list(rows), then))

    def write(self) -> bool:
        """Write the oldest group; False when there is none."""
        if not self._queue or self._dead:
            return False
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                self._dead = True
                return True
        rows, then = self._queue.popleft()
        self.steps += rows
        if then is not None:
            then()
        return True

    def durable(self) -> set[int]:
        """The serial numbers of all values on disk."""
        stored = [value for row in self.steps for value in row.outputs.values()]
        return set(serials([self._values.get(value) for value in stored]))

    def end(self, status: str) -> None:
        while self._queue and not self._dead:
            self.write()
        super().end(status)

    def heal(self) -> None:
        super().heal()
        self._queue.clear()
        self._left = None

    def park(self, wake: WakeRow) -> None:
        raise AssertionError("nothing waits here")


class Stepped:
    """Does what threads do, one thing at a time: calls nodes, writes groups; drawn by a seed."""

    name = "stepped"

    def __init__(self, seed: int, journal: LateJournal) -> None:
        self._chance = random.Random(seed)
        self._journal = journal
        self._works: list[Callable[[], None]] = []

    def submit(self, task: Any, sink: Any, done: Callable[[UnitOutcome], None]) -> Any:
        def work() -> None:
            name = task.unit.nodes[0]
            compiled = task.plan.compiled
            site = Site(compiled.nodes[name], compiled.works[name], routed=False)
            ctx: Any = SimpleNamespace(idempotency_key=task.idempotency_key, node_id=name)
            call = site.call(ctx)
            done(outcome(name, call, answered(call, task.arguments), task.attempt))

        self._works.append(work)
        return self

    def cancel(self) -> None:
        return

    def leave(self, scope: str, unit: int) -> None:
        return

    def close(self) -> None:
        return

    def step(self) -> bool:
        if self._works and self._chance.random() < 0.6:
            self._works.pop(self._chance.randrange(len(self._works)))()
            return True
        if self._journal.write():
            return True
        if self._works:
            self._works.pop()()
            return True
        return False


def hear(events: Sequence[RunEvent]) -> None:
    for event in events:
        if event.type == "node_output":
            world.look(f"{event.type} of {event.node}", event.data["ref"].get("inline"))


def live(number: int, seed: int, folder: Path, journal: LateJournal, *, resume: bool) -> RunState:
    """Let the run live, to its end or the end of its process."""
    stepped = Stepped(seed, journal)
    values = ValueStore(folder, Codec.of(CATALOGUE))
    world.durable = journal.durable
    run = make_run(
        RunRequest(run_id="run_test", flow={}),
        flow(number),
        CATALOGUE,
        emit=lambda event: hear([event]),
        store=OutputStore(folder),
        files=LocalFiles(folder, confined=True),
        journal=journal,
        values=values,
        recorded=Recorded(values, journal.steps) if resume else None,
        executor=stepped,
        step=stepped.step,
        choose=chooser(seed),
    )
    return run.go().state


@pytest.fixture
def fresh_world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr(f"{__name__}.world", made)
    return made


@pytest.mark.parametrize("number", range(SEEDS))
def test_no_effect_before_its_causes(number: int, tmp_path: Path, fresh_world: World) -> None:
    chance = random.Random(number)
    journal = LateJournal(ValueStore(tmp_path, Codec.of(CATALOGUE)), chance.randrange(0, 25))
    state = None
    with suppress(JournalError):
        state = live(number, number, tmp_path, journal, resume=False)
    if state is None:
        journal.heal()
        state = live(number, number + 1000, tmp_path, journal, resume=True)
    assert state == "completed"
    assert not fresh_world.early
    effects = sum(node.type == "c.effect" for node in flow(number).nodes.values())
    assert len(fresh_world.orders) >= effects
    for orders in fresh_world.orders.values():
        assert all(order == orders[0] for order in orders[1:])  # the same causes every time


def test_pure_rounds_do_not_wait_for_the_disk(tmp_path: Path, fresh_world: World) -> None:
    journal = LateJournal(ValueStore(tmp_path, Codec.of(CATALOGUE)), None)
    number = next(
        number
        for number in range(10_000)
        if all(node.type != "c.effect" for name, node in flow(number).nodes.items()
               if name != "last")
    )  # fmt: skip
    written: list[int] = []
    write = journal.write

    def counted() -> bool:
        wrote = write()
        if wrote:
            written.append(fresh_world.serial)
        return wrote

    journal.write = counted  # type: ignore[method-assign]
    stepped = Stepped(0, journal)
    stepped._chance = SimpleNamespace(random=lambda: 0.0, randrange=lambda _: 0)  # type: ignore[assignment]
    values = ValueStore(tmp_path, Codec.of(CATALOGUE))
    world.durable = journal.durable
    run = make_run(
        RunRequest(run_id="run_test", flow={}),
        flow(number),
        CATALOGUE,
        emit=lambda event: hear([event]),
        store=OutputStore(tmp_path),
        files=LocalFiles(tmp_path, confined=True),
        journal=journal,
        values=values,
        executor=stepped,
        step=stepped.step,
    )
    assert run.go().state == "completed"
    # Everything but the effect was done when the first group was written.
    assert written[0] == fresh_world.serial - 1
    assert not fresh_world.early
