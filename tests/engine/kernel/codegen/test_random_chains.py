"""Random chains give what a record-at-a-time reference gives, in every variant and any cut."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.kernel.codegen.stages import Running, Variant, spec
from weft_engine.kernel.inline import Inline
from weft_engine.kernel.physical import OperatorSpec
from weft_engine.kernel.policy import PLAIN, Policy
from weft_engine.kernel.state.api import StateSpec

Timed = tuple[Any, int]


class BoomError(Exception):
    """What functions fail with."""


def no_threes(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The function, failing where its last argument is divisible by 3."""

    def failing(*values: Any) -> Any:
        if (values[-1] or 0) % 3 == 0:
            raise BoomError(values[-1])
        return fn(*values)

    return failing


MAPS: list[Any] = [
    Inline("(item or 0) + 1"),
    Inline("-(item or 0) * by", by=2),
    lambda x: (x or 0) - 3,
]
FILTERS: list[Any] = [Inline("(item or 0) % 2 == 0"), lambda x: (x or 0) > -4]
FLATS: list[Any] = [
    Inline("range(abs(item or 0) % 4)"),
    lambda x: None if x is None else (x + n for n in range(abs(x) % 3)),
]
ROUTES: list[Any] = [Inline("abs(item or 0) % 3"), lambda x: None if x is None else abs(x) % 2]
KEYS: list[Any] = [Inline("(item or 0) % 5"), lambda x: (x or 0) % 3]
REDUCES: list[Any] = [
    Inline("(held or 0) + (item or 0)", "held", "item"),
    lambda a, b: max(a or 0, b or 0),
]
BATCHES: list[Any] = [lambda xs: [*xs], lambda xs: [(x or 0) * 2 for x in xs]]
FUNCTIONS = {
    "map": MAPS,
    "filter": FILTERS,
    "flat_map": FLATS,
    "route": ROUTES,
    "reduce_running": REDUCES,
    "aggregate_running": REDUCES,
    "map_batch": BATCHES,
    "identity": [None],
    "drop_times": [None],
}


@dataclass(frozen=True)
class Op:
    kind: str
    fn: Any
    key: Any = None
    policy: Policy = PLAIN

    def spec(self, at: int, *, timed: bool) -> OperatorSpec:
        name, outputs = f"{self.kind}{at}", 3 if self.kind == "route" else 1
        more = {"uid": name, "key": self.key, "outputs": outputs, "timed": timed}
        if self.kind == "aggregate_running":
            params = {"create": lambda: 0, "add": self.fn}
            return spec(self.kind, policy=self.policy, **more, **params)
        return spec(self.kind, self.fn, policy=self.policy, **more)


@st.composite
def chains(draw: st.DrawFn) -> list[Op]:
    chain = []
    for _ in range(draw(st.integers(1, 7))):
        kind = draw(st.sampled_from(sorted(FUNCTIONS)))
        fn = draw(st.sampled_from(FUNCTIONS[kind]))
        key = draw(st.sampled_from(KEYS)) if kind.endswith("running") else None
        policy = PLAIN
        if kind not in ("map_batch", "identity", "drop_times") and draw(st.booleans()):
            fn = no_threes(fn)
            then = draw(st.sampled_from(["skip", "continue", "route"]))
            policy = Policy(max_attempts=draw(st.integers(1, 2)), on_error=then)
        chain.append(Op(kind, fn, key, policy))
    return chain


class Reference:
    """Each operator by itself, one record after the other."""

    def __init__(self, chain: list[Op]) -> None:
        self.sides: dict[tuple[int, int], list[Timed]] = {}
        self.states: list[dict[Any, Any]] = [{} for _ in chain]
        self.chain = chain

    def run(self, records: list[Timed]) -> list[Timed]:
        for at, op in enumerate(self.chain):
            records = [new for value, time in records for new in self.apply(at, op, value, time)]
        return records

    def apply(self, at: int, op: Op, value: Any, time: int) -> list[Timed]:
        try:
            return self.results(at, op, value, time)
        except BoomError:
            if op.policy.on_error == "route":
                outputs = 3 if op.kind == "route" else 1
                self.sides.setdefault((at, outputs), []).append((value, time))
            nothing = op.policy.on_error != "continue" or op.kind in ("filter", "flat_map", "route")
            return [] if nothing else [(None, time)]

    def results(self, at: int, op: Op, value: Any, time: int) -> list[Timed]:
        state = self.states[at]
        if op.kind == "map":
            return [(op.fn(value), time)]
        if op.kind == "filter":
            return [(value, time)] if op.fn(value) else []
        if op.kind == "flat_map":
            return [(new, time) for new in op.fn(value) or ()]
        if op.kind == "route":
            output = op.fn(value)
            if output:
                self.sides.setdefault((at, output), []).append((value, time))
            return [(value, time)] if output == 0 else []
        if op.kind == "map_batch":
            return [(new, time) for new in op.fn([value])]
        if op.kind == "reduce_running":
            key = op.key(value)
            now = op.fn(state[key], value) if key in state else value
            state[key] = now
            return [(now, time)]
        if op.kind == "aggregate_running":
            key = op.key(value)
            state[key] = op.fn(state.get(key, 0), value)
            return [((key, state[key]), time)]
        return [(value, time)]


def first_of_pairs(chain: list[Op]) -> list[Op]:
    """Aggregates give pairs; what follows works on numbers."""
    out: list[Op] = []
    for op in chain:
        out.append(op)
        if op.kind == "aggregate_running":
            out.append(Op("map", Inline("None if item is None else item[1]")))
    return out


def cut(records: list[Any], sizes: list[int]) -> list[list[Any]]:
    batches, start = [], 0
    for size in sizes:
        batches.append(records[start : start + size])
        start += size
    return [batch for batch in [*batches, records[start:]] if batch]


@pytest.mark.parametrize("variant", ["fast", "instrumented", "stepping"])
@pytest.mark.parametrize("timed", [False, True])
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    chain=chains(),
    values=st.lists(st.integers(-9, 9), max_size=40),
    sizes=st.lists(st.integers(1, 9), max_size=5),
    batch_size=st.sampled_from([1, 3, 1024]),
)
def test_every_variant_gives_the_results_of_the_reference(
    variant: Variant,
    timed: bool,
    chain: list[Op],
    values: list[int],
    sizes: list[int],
    batch_size: int,
) -> None:
    chain = first_of_pairs(chain)
    records = list(zip(values, range(100, 100 + len(values)), strict=True))
    reference = Reference(chain)
    expected = reference.run(records)

    still = [
        timed and all(op.kind != "drop_times" for op in chain[: at + 1]) for at in range(len(chain))
    ]
    specs = [op.spec(at, timed=still[at]) for at, op in enumerate(chain)]
    running = Running(*specs, variant=variant, batch_size=batch_size)
    for batch in cut(records, sizes):
        running.push([value for value, _ in batch], [t for _, t in batch] if timed else None)
    running.end()

    assert running.out() == [value for value, _ in expected]
    if timed:
        assert running.times() == ([time for _, time in expected] if still[-1] else [])
    for at, op in enumerate(chain):
        for output in range(1, specs[at].outputs + 1):
            wanted = reference.sides.get((at, output), [])
            found = running.out(at, output)
            if output == specs[at].outputs:
                found = [failure["item"] for failure in found]
            assert found == [value for value, _ in wanted]
            if timed and (still[at]):
                assert running.times(at, output) == [time for _, time in wanted]
        if op.key is not None:
            table = running.contexts[at].state.table(StateSpec("running"))
            assert dict(table.items()) == reference.states[at]
