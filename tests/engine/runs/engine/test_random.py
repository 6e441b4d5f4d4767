"""Random graphs of calls mean what a sequential interpreter of twenty lines says.

At any interleaving: which ready unit goes next, and which answer comes first, is drawn by a seed.
"""

import random
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.compiler.flows import flow_of, info, seen
from tests.engine.runs.engine.harness import TestJournal, catalogue, chooser
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.node_type import SKIP, NodeType, Skip
from weft_engine.nodes.types import Number
from weft_engine.runs.engine.resume import Recorded
from weft_engine.runs.executors.base import UnitOutcome
from weft_engine.runs.executors.calling import Site, answered, outcome
from weft_engine.runs.files import LocalFiles
from weft_engine.runs.journal.codec import Codec
from weft_engine.runs.journal.errors import JournalError
from weft_engine.runs.journal.values import ValueStore
from weft_engine.runs.outputs import OutputStore
from weft_engine.runs.run import RunRequest
from weft_engine.runs.runner import make_run

MODES = ("sum", "fail", "skip", "flaky")


class Sum(NodeType):
    """Adds what it is given; or fails, or gives nothing, or works only the second time."""

    type: Literal["r.sum"] = "r.sum"
    name: str
    mode: str = "sum"
    info = info(multiple=("needs",))

    def process(self, needs: list[Number] | None = None, extra: Number = 0) -> Number | Skip:
        calls = seen.note(self.name, "call")
        if self.mode == "fail" or (self.mode == "flaky" and calls == 1):
            raise ValueError("bad")
        return SKIP if self.mode == "skip" else 1 + sum(needs or ()) + extra


class Strict(NodeType):
    """As above, on a thread, and all that it takes must be there."""

    type: Literal["r.strict"] = "r.strict"
    name: str
    mode: str = "sum"
    info = info(cost="io")

    def process(self, one: Number, other: Number) -> Number | Skip:
        calls = seen.note(self.name, "call")
        if self.mode == "fail" or (self.mode == "flaky" and calls == 1):
            raise ValueError("bad")
        return SKIP if self.mode == "skip" else one + other


CATALOGUE = Catalogue([Sum, Strict])


@dataclass
class Plan:
    """A random graph."""

    nodes: dict[str, Any] = field(default_factory=dict)
    edges: list[str] = field(default_factory=list)
    before: dict[str, list[tuple[str, str]]] = field(default_factory=dict)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    plan = Plan()
    for number in range(draw(st.integers(1, 12))):
        name = f"n{number}"
        mode = draw(st.sampled_from(["sum", "sum", "sum", *MODES]))
        fields: dict[str, Any] = {}
        if mode == "flaky":
            fields["retry"] = {"max_attempts": 2, "delay_s": 0}
        if mode == "fail":
            fields["on_error"] = draw(st.sampled_from(["fail", "skip", "continue"]))
        names = list(plan.nodes)
        strict = len(names) >= 2 and draw(st.booleans())
        kind = "r.strict" if strict else "r.sum"
        count = 2 if strict else draw(st.integers(0, min(3, len(names))))
        sources = draw(st.permutations(names))[:count] if names else []
        if strict:
            ports = ["one", "other"]
        else:
            ports = ["extra" if at == 0 and draw(st.booleans()) else "needs" for at in range(count)]
        plan.before[name] = list(zip(sources, ports, strict=True))
        plan.edges += [f"{source}.out>{name}.{port}" for source, port in plan.before[name]]
        plan.nodes[name] = (kind, {"name": name, "mode": mode}, fields)
    return plan


def expected(plan: Plan, policy: str) -> dict[str, Any]:
    """What every node comes to: a value, `skipped`, `failed`; the sequential interpreter."""
    found: dict[str, Any] = {}
    poisoned: set[str] = set()
    for name, (kind, config, fields) in plan.nodes.items():
        before = plan.before[name]
        if any(source in poisoned for source, _ in before):
            poisoned.add(name)
            found[name] = "skipped"
            continue
        live = {
            p: [found[s] for s, q in before if q == p and found[s] not in _GONE] for _, p in before
        }
        needs = ["one", "other"] if kind == "r.strict" else []
        if any(not live.get(port) for port in needs):
            found[name] = "skipped"
        elif config["mode"] == "skip":
            found[name] = "nothing"
        elif config["mode"] == "fail":
            found[name] = {"fail": "failed", "skip": "skipped", "continue": None}[
                fields["on_error"]
            ]
            if found[name] == "failed" and policy == "continue_independent":
                poisoned.add(name)
        elif any(value is None for values in live.values() for value in values):
            found[name] = "failed"
            if policy == "continue_independent":
                poisoned.add(name)
        elif kind == "r.strict":
            found[name] = live["one"][0] + live["other"][0]
        else:
            found[name] = 1 + sum(live.get("needs", [])) + sum(live.get("extra", [])[:1])
    return found


_GONE = ("skipped", "nothing", "failed")


class Stepped:
    """Does what executors do, one thing at a time, in an order drawn by a seed."""

    name = "stepped"

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.works: deque[Callable[[], None]] = deque()

    def submit(self, task: Any, sink: Any, done: Callable[[UnitOutcome], None]) -> Any:
        def work() -> None:
            name = task.unit.nodes[0]
            site = Site(
                task.plan.compiled.nodes[name], task.plan.compiled.works[name], routed=False
            )
            try:
                call = site.call(None)  # type: ignore[arg-type]
                done(outcome(name, call, answered(call, task.arguments), task.attempt))
            except Exception as error:  # noqa: BLE001 - whatever a node raises is its failure
                done(UnitOutcome(failure=error, attempt=task.attempt))

        self.works.append(work)
        return self

    def cancel(self) -> None:
        return

    def leave(self, scope: str, unit: int) -> None:
        return

    def close(self) -> None:
        return

    def step(self) -> bool:
        if not self.works:
            return False
        self.works.rotate(self.chance.randrange(len(self.works)))
        self.works.popleft()()
        return True


def perform(
    plan: Plan,
    folder: Path,
    policy: str,
    seed: int | None,
    journal: TestJournal | None = None,
    *,
    resume: bool = False,
) -> tuple[Any, list[Any]]:
    events: list[Any] = []
    more: dict[str, Any] = {}
    if seed is not None:
        stepped = Stepped(seed)
        more = {"choose": chooser(seed), "executor": stepped, "step": stepped.step}
    values = ValueStore(folder, Codec.of(CATALOGUE))
    run = make_run(
        RunRequest(run_id="run_test", flow={}, failure_policy=policy),
        flow_of(plan.nodes, plan.edges, outputs=list(plan.nodes)),
        CATALOGUE,
        emit=events.append,
        store=OutputStore(folder),
        files=LocalFiles(folder, confined=True),
        journal=journal,
        values=values if journal is not None else None,
        recorded=Recorded(values, journal.steps) if resume and journal is not None else None,
        **more,
    )
    result = run.go()
    return (result, run.outputs()), events


def came_to(found: Any) -> dict[str, Any]:
    result, outputs = found
    states: dict[str, Any] = {}
    for name, node in result.nodes.items():
        state = str(node.state)
        if state == "completed":
            kept = outputs.get(name, {}).get("out")
            state = kept["value"] if kept is not None else "nothing"
        states[name] = state
    return states


QUICK = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@pytest.mark.parametrize("policy", ["continue_independent", "best_effort"])
@QUICK
@given(plan=plans(), seed=st.integers(0, 2**16))
def test_any_graph_at_any_interleaving(policy: str, plan: Plan, seed: int, tmp_path: Path) -> None:
    seen.calls.clear()
    found, events = perform(plan, tmp_path, policy, seed)
    assert came_to(found) == expected(plan, policy)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    calls = {name: len(made) for name, made in seen.calls.items()}
    for name, (_, config, _) in plan.nodes.items():
        most = 2 if config["mode"] == "flaky" else 1
        assert calls.get(name, 0) <= most


@QUICK
@given(plan=plans())
def test_any_graph_on_threads(plan: Plan, tmp_path: Path) -> None:
    seen.calls.clear()
    found, _ = perform(plan, tmp_path, "continue_independent", None)
    assert came_to(found) == expected(plan, "continue_independent")


@QUICK
@given(plan=plans(), seed=st.integers(0, 2**16), cut=st.integers(0, 30))
def test_any_graph_killed_and_gone_on(plan: Plan, seed: int, cut: int, tmp_path: Path) -> None:
    seen.calls.clear()
    journal = TestJournal(cut)
    with suppress(JournalError):
        perform(plan, tmp_path, "continue_independent", seed, journal)
    ended = {row.node for row in journal.steps if row.state != "started"}
    before = {name: len(made) for name, made in seen.calls.items()}
    journal._most, journal._dead = None, False
    found, _ = perform(plan, tmp_path, "continue_independent", seed + 1, journal, resume=True)
    assert came_to(found) == expected(plan, "continue_independent")
    for name in ended:
        assert len(seen.calls.get(name, [])) == before.get(name, 0), name


def test_the_catalogue_is_whole() -> None:
    assert not CATALOGUE.problems
    assert not [problem for problem in catalogue().problems if "e." in problem.source]
