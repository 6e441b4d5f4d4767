"""Whatever is done to a store, it answers as a plain dict would."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from weft_engine.runs.journal.base import (
    ENDED,
    JournalStore,
    Lease,
    ReleaseRow,
    RunEntry,
    SignalRow,
    StepRow,
    WakeRow,
)
from weft_engine.runs.journal.errors import JournalError
from weft_engine.runs.run import RunRequest

MOSTLY = st.sampled_from([True, True, True, False])
RUNS = st.sampled_from(["a", "b"])
OWNERS = st.sampled_from(["me", "you"])
NODES = st.sampled_from(["n", "loop/n"])
SCOPES = st.sampled_from(["", "loop:1"])
STATUS = st.sampled_from(["parked", "paused", "running", "completed", "failed"])
SIGNALS = st.sampled_from(["go", "stop"])
STEPS = st.builds(
    StepRow,
    node=NODES,
    scope=SCOPES,
    attempt=st.integers(1, 2),
    state=st.sampled_from(["started", "completed", "failed"]),
    outputs=st.dictionaries(st.sampled_from(["out"]), st.tuples(st.integers(), st.binary())),
)
WAKES = st.builds(
    WakeRow,
    node=NODES,
    scope=SCOPES,
    due=st.none() | st.floats(0, 10),
    signal=st.none() | SIGNALS,
    data=st.none() | st.lists(st.integers(), max_size=2),
)
OVER = st.tuples(NODES, SCOPES)


@dataclass
class Run:
    status: str
    owner: str = ""
    token: int = 0
    held: bool = False
    steps: list[StepRow] = field(default_factory=list)
    wakes: dict[tuple[str, str], WakeRow] = field(default_factory=dict)
    signals: dict[str, SignalRow] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)


def entry(run_id: str, status: str = "running") -> RunEntry:
    request = RunRequest(run_id=run_id, flow={})
    return RunEntry(id=run_id, plan_hash="p", status=status, request=request)  # type: ignore[arg-type]


class Machine(RuleBasedStateMachine):
    make: Callable[[], JournalStore]

    def __init__(self) -> None:
        super().__init__()
        self.store = type(self).make()
        self.runs: dict[str, Run] = {}
        self.leases: list[Lease] = []
        self.token = 0

    def holds(self, lease: Lease) -> Run | None:
        run = self.runs.get(lease.run_id)
        return run if run and run.held and run.token == lease.token else None

    def lease(self, data: Any) -> Lease | None:
        """A lease, mostly one that holds."""
        live = [lease for lease in self.leases if self.holds(lease)]
        some = live if live and data.draw(MOSTLY) else self.leases
        return data.draw(st.sampled_from(some)) if some else None

    @rule(run_id=RUNS, owner=OWNERS, live=MOSTLY, new=MOSTLY)
    def acquire(self, run_id: str, owner: str, live: bool, new: bool) -> None:
        run = self.runs.get(run_id)
        if run is None and not new:
            with pytest.raises(JournalError, match="no run"):
                self.store.acquire(run_id, owner, 60)
            return
        lease = self.store.acquire(run_id, owner, 60 if live else 0, entry(run_id) if new else None)
        if run and (run.status in ENDED or (run.held and run.owner != owner)):
            assert lease is None
            return
        assert lease is not None
        assert lease.token > self.token
        run = self.runs.setdefault(run_id, Run("running"))
        run.status, run.owner, run.held = "running", owner, live
        self.token = run.token = lease.token
        self.leases.append(lease)

    @rule(data=st.data(), live=MOSTLY)
    def renew(self, data: Any, live: bool) -> None:
        some = data.draw(st.lists(st.sampled_from(self.leases), unique=True)) if self.leases else []
        kept = self.store.renew(some, 60 if live else 0)
        assert [(x.run_id, x.token) for x in kept] == [
            (x.run_id, x.token) for x in some if self.holds(x)
        ]
        for lease in some:
            if run := self.holds(lease):
                run.held = live

    @rule(data=st.data(), status=STATUS)
    def release(self, data: Any, status: str) -> None:
        lease = self.lease(data)
        if lease is None:
            return
        run = self.holds(lease)
        if run is None:
            with pytest.raises(JournalError, match="no longer held"):
                self.store.release(lease, status)
            return
        self.store.release(lease, status)
        run.status, run.held = status, False

    @rule(
        data=st.data(),
        rows=st.lists(STEPS | WAKES | OVER, max_size=8),
        status=st.none() | st.none() | STATUS,
    )
    def write(self, data: Any, rows: list[Any], status: str | None) -> None:
        drawn = [lease for _ in range(2) if (lease := self.lease(data)) is not None]
        leases = {lease.run_id: lease for lease in drawn}
        batch: list[Any] = [
            (lease, None, row) if isinstance(row, tuple) else (lease, row, None)
            for row in rows
            for lease in leases.values()
        ]
        if status is not None:
            batch += [(lease, ReleaseRow(status), None) for lease in leases.values()]
        lost = self.store.write(batch)
        named = {lease.run_id for lease, _, _ in batch}
        assert set(lost) == {n for n in named if not self.holds(leases[n])}
        for lease, row, over in batch:
            run = self.holds(lease)
            if run is None:
                continue
            if over is not None:
                run.wakes.pop(over, None)
            elif isinstance(row, StepRow):
                key = (row.kind, row.node, row.scope, row.key, row.attempt)
                run.steps = [
                    r for r in run.steps if (r.kind, r.node, r.scope, r.key, r.attempt) != key
                ] + [row]
            elif isinstance(row, WakeRow):
                run.wakes[row.node, row.scope] = row
            else:
                run.status, run.held = row.status, False

    @rule(run_id=RUNS, signal=st.builds(SignalRow, id=st.sampled_from("12"), name=SIGNALS))
    def signal(self, run_id: str, signal: SignalRow) -> None:
        run = self.runs.get(run_id)
        if run is None:
            with pytest.raises(JournalError, match="no run"):
                self.store.signal(run_id, signal)
            return
        assert self.store.signal(run_id, signal) == (signal.id not in run.signals)
        run.signals.setdefault(signal.id, signal)

    @rule(data=st.data(), signal_id=st.sampled_from("12"))
    def take(self, data: Any, signal_id: str) -> None:
        lease = self.lease(data)
        if lease is None:
            return
        run = self.holds(lease)
        if run is None:
            with pytest.raises(JournalError, match="no longer held"):
                self.store.take(lease, signal_id)
            return
        self.store.take(lease, signal_id)
        if signal_id in run.signals:
            run.taken.add(signal_id)

    @rule(run_id=RUNS, new=RUNS, node=NODES)
    def fork(self, run_id: str, new: str, node: str) -> None:
        if run_id not in self.runs or new in self.runs:
            with pytest.raises(JournalError):
                self.store.fork(run_id, entry(new), lambda row: row.node == node)
            return
        self.store.fork(run_id, entry(new, "paused"), lambda row: row.node == node)
        rows = [row for row in self.runs[run_id].steps if row.node == node]
        self.runs[new] = Run("paused", steps=rows)

    @rule(run_ids=st.lists(RUNS, max_size=2))
    def forget(self, run_ids: list[str]) -> None:
        self.store.forget(run_ids)
        for run_id in run_ids:
            self.runs.pop(run_id, None)

    @invariant()
    def everything_is_as_it_should_be(self) -> None:
        for run_id in "ab":
            run = self.runs.get(run_id)
            found = self.store.entry(run_id)
            assert (found and found.status) == (run and run.status)
            run = run or Run("")
            # A fork copies rows as they were written, the model only those that count.
            assert self.store.steps(run_id) == run.steps
            assert self.store.wakes(run_id) == [run.wakes[key] for key in sorted(run.wakes)]
            assert {(s.id, s.name, s.taken) for s in self.store.signals(run_id)} == {
                (s.id, s.name, s.id in run.taken) for s in run.signals.values()
            }
        parked = {k: r for k, r in self.runs.items() if r.status == "parked" and not r.held}
        due = {k: [w.due for w in r.wakes.values() if w.due is not None] for k, r in parked.items()}
        assert self.store.due(5.0) == sorted(
            ((k, min(d)) for k, d in due.items() if d and min(d) <= 5.0), key=lambda x: (x[1], x[0])
        )
        assert self.store.signalled() == sorted(
            k
            for k, r in parked.items()
            if {w.signal for w in r.wakes.values()}
            & {s.name for s in r.signals.values() if s.id not in r.taken}
        )
        assert {run.id for run in self.store.unfinished()} == {
            k for k, r in self.runs.items() if r.status not in ENDED and not r.held
        }
        assert {run_id for run_id, _ in self.store.ended()} == {
            k for k, r in self.runs.items() if r.status in ENDED
        }

    def teardown(self) -> None:
        self.store.close()


def test_any_order_of_calls(
    make: Callable[[], JournalStore], request: pytest.FixtureRequest
) -> None:
    machine = type("Machine", (Machine,), {"make": staticmethod(make)})
    examples = {"memory": 60, "sqlite": 25, "postgres": 15}[request.node.callspec.params["make"]]
    run_state_machine_as_test(
        machine, settings=settings(max_examples=examples, stateful_step_count=30)
    )
