"""Runs of small flows, with a journal that can break off, and with seeded interleavings."""

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from tests.engine.compiler import flows as sample
from tests.engine.compiler.flows import flow_of, info, seen
from weft_engine.flow.model import Flow
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.node_type import NodeContext, NodeType
from weft_engine.nodes.types import Any as AnyValue
from weft_engine.nodes.types import Json, Number, Row
from weft_engine.runs.debug import Command
from weft_engine.runs.engine.control import RunControl
from weft_engine.runs.engine.resume import Recorded
from weft_engine.runs.events import RunEvent
from weft_engine.runs.files import LocalFiles
from weft_engine.runs.journal.base import SignalRow, StepRow, WakeRow
from weft_engine.runs.journal.codec import Codec
from weft_engine.runs.journal.errors import JournalError
from weft_engine.runs.journal.values import ValueStore
from weft_engine.runs.outputs import OutputStore
from weft_engine.runs.run import RunRequest, RunResult
from weft_engine.runs.runner import make_run


class Effect(NodeType):
    """Does something outside, once for each idempotency key."""

    type: Literal["e.effect"] = "e.effect"
    name: str = "effect"
    fail: int = 0
    """How often it fails at first."""
    info = info(effects=True, pure=False)

    def process(self, item: Json, ctx: NodeContext) -> Json:
        seen.note(f"{self.name}.keys", ctx.idempotency_key)
        seen.note(f"{self.name}.scopes", ctx.scope)
        if len(seen.calls[f"{self.name}.keys"]) <= self.fail:
            raise OSError(11, "busy")
        return item


class Times(NodeType):
    """A number, times another; notes that it was called."""

    type: Literal["e.times"] = "e.times"
    by: float = 2
    note: str = ""
    info = info()

    def process(self, item: Number, ctx: NodeContext) -> Number:
        seen.note(self.note or "times", (ctx.node_id, ctx.scope))
        return item * self.by


class Bad(NodeType):
    """Fails on one value."""

    type: Literal["e.bad"] = "e.bad"
    value: Json = 2
    info = info()

    def process(self, item: Json) -> Json:
        if item == self.value:
            raise ValueError(f"{item} is bad")
        return item


class BadCall(Bad):
    """The same, each record an activation of its own."""

    type: Literal["e.bad_io"] = "e.bad_io"  # type: ignore[assignment]
    info = info(cost="io")


class Hang(NodeType):
    """Works until it is stopped."""

    type: Literal["e.hang"] = "e.hang"
    note: str = "hang"
    info = info(cost="io")

    def process(self, item: AnyValue, ctx: NodeContext) -> AnyValue:
        seen.note(f"{self.note}.began", ctx.scope)
        stop = threading.Event()
        while not ctx.cancelled():
            stop.wait(0.002)
        seen.note(f"{self.note}.stopped", ctx.scope)
        return item


class Block(NodeType):
    """Calls that block, several at a time."""

    type: Literal["e.io"] = "e.io"
    info = info(cost="io")

    def process(self, item: AnyValue) -> AnyValue:
        return item


class Busy(NodeType):
    """Notes how many of its kind are at work; three at a time go on together."""

    type: Literal["e.busy"] = "e.busy"
    info = info(cost="io")
    _lock: ClassVar[threading.Lock] = threading.Lock()
    _working: ClassVar[int] = 0
    _three: ClassVar[threading.Barrier] = threading.Barrier(3)

    def process(self, item: AnyValue) -> AnyValue:
        with Busy._lock:
            Busy._working += 1
            seen.note("busy", Busy._working)
        Busy._three.wait(60)
        with Busy._lock:
            Busy._working -= 1
        return item


class Fields(NodeType):
    """A row of a key and what it is given."""

    type: Literal["e.row"] = "e.row"
    name: str
    info = info()

    def process(self, item: Json) -> Row:
        return {"k": 1, self.name: item}


class Numbers(NodeType):
    """Some numbers, as a stream."""

    type: Literal["e.numbers"] = "e.numbers"
    numbers: list[float] = Field([1, 2, 3])
    info = info()

    def process(self) -> Iterator[Number]:
        yield from self.numbers


class Held(NodeType):
    """Works until the test lets it go."""

    type: Literal["e.held"] = "e.held"
    let_go: ClassVar[threading.Event] = threading.Event()
    info = info(cost="io")

    def process(self, item: AnyValue) -> AnyValue:
        assert Held.let_go.wait(20)
        return item


OWN = (Held, Numbers, Fields, Effect, Times, Bad, BadCall, Hang, Block, Busy)


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """Everything that is installed, the sample nodes, and those above."""
    return Catalogue([*Catalogue.installed(), *sample.CATALOGUE, *OWN])


class Broken(Exception):  # noqa: N818 - stands for the end of the process
    """The process ends here."""


class TestJournal:
    """Keeps rows in a list; from some row on, nothing reaches it any more, as after a kill."""

    __test__ = False

    def __init__(self, most: int | None = None, durability: Any = "sync") -> None:
        self.durability = durability
        self.steps: list[StepRow] = []
        self.wakes: dict[tuple[str, str], WakeRow] = {}
        self.taken: set[str] = set()
        self.status = ""
        self._most = most
        self._dead = False

    def record(self, row: StepRow, then: Callable[[], None] | None = None) -> None:
        if self._most is not None and len(self.steps) >= self._most:
            self._dead = True
            return
        self.steps.append(row)
        if then is not None:
            then()

    def record_all(
        self, rows: Sequence[StepRow], then: Callable[[], None] | None = None, when: str = "soon"
    ) -> None:
        for row in rows[:-1]:
            self.record(row)
        if rows:
            self.record(rows[-1], then)
        elif then is not None and not self._dead:
            then()

    def park(self, wake: WakeRow) -> None:
        self.wakes[wake.node, wake.scope] = wake

    def unpark(self, node: str, scope: str) -> None:
        self.wakes.pop((node, scope), None)

    def take(self, signal_id: str) -> None:
        self.taken.add(signal_id)

    def lost(self) -> bool:
        return self._dead

    @property
    def failure(self) -> JournalError | None:
        if not self._dead:
            return None
        return JournalError("killed", code="journal.fenced")

    def flush(self) -> None:
        return

    def heal(self) -> None:
        """What is written from now on stays, as after a restart."""
        self._most, self._dead = None, False

    def ended(self, since: int = 0) -> set[tuple[str, str]]:
        """The activations of which there is the end."""
        return {
            (row.node, row.scope)
            for row in self.steps[since:]
            if row.kind == "node" and row.state == "completed"
        }

    def end(self, status: str) -> None:
        if self._dead:
            raise JournalError("killed", code="journal.fenced")
        self.status = status


@dataclass
class Ran:
    """A run and what was heard of it."""

    result: RunResult
    events: list[RunEvent]
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def state(self) -> str:
        return str(self.result.state)

    def states(self) -> dict[str, str]:
        return {name: str(node.state) for name, node in self.result.nodes.items()}

    def of(self, kind: str, node: str | None = None) -> list[RunEvent]:
        return [e for e in self.events if e.type == kind and (node is None or e.node == node)]

    def types(self, node: str | None = None) -> list[str]:
        return [event.type for event in self.events if node is None or event.node == node]

    def gave(self, node: str, port: str = "out") -> Any:
        kept = self.outputs.get(node, {}).get(port)
        if kept is None:
            return None
        return kept["value"] if kept["kind"] == "value" else kept["records"]


def execute(
    flow: Flow,
    folder: Path,
    *,
    journal: TestJournal | None = None,
    resume: bool = False,
    signals: list[SignalRow] | None = None,
    control: RunControl | None = None,
    heard: Callable[[RunEvent], None] | None = None,
    **asked: Any,
) -> Ran:
    """Run a flow here; with `resume` from the rows of the journal."""
    events: list[RunEvent] = []

    def hear(event: RunEvent) -> None:
        events.append(event)
        if heard is not None:
            heard(event)

    own = {name: asked.pop(name) for name in list(asked) if name in _RUN}
    values = ValueStore(folder, Codec.of(catalogue()))
    recorded = None
    if resume and journal is not None:
        recorded = Recorded(values, journal.steps, journal.wakes.values(), signals or [])
    request = RunRequest(run_id="run_test", flow={}, **asked)
    run = make_run(
        request,
        flow,
        catalogue(),
        emit=hear,
        store=OutputStore(folder),
        files=LocalFiles(folder, confined=True),
        journal=journal,
        values=values if journal is not None else None,
        recorded=recorded,
        control=control,
        **own,
    )
    result = run.go()
    outputs = run.outputs() if result.state.ended else {}
    return Ran(result, events, outputs)


_RUN = frozenset({"cancel", "gate", "clock", "batch_size", "choose", "step", "executor", "places"})


def signal(name: str, payload: Any = None, **more: Any) -> Command:
    """A signal, as a run is sent it."""
    return Command(kind="signal", signal={"id": name, "name": name, "payload": payload, **more})


def chooser(seed: int) -> Callable[[int], int]:
    """Which of so many ready units goes next, by chance."""
    chance = random.Random(seed)
    return chance.randrange


__all__ = ["OWN", "Broken", "Ran", "TestJournal", "chooser", "execute", "flow_of", "seen", "signal"]
