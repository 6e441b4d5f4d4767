"""Stretches are as long as they can be: neighbours are one unless something stands between."""

from collections.abc import Iterator

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.flows.strategies import CATALOGUE, flows
from weft_engine.compiler.building import compile_program
from weft_engine.compiler.program import ProgramOptions, ScopePlan
from weft_engine.flow.model import Flow


def scopes(plan: ScopePlan) -> Iterator[ScopePlan]:
    yield plan
    for sections in plan.inner.values():
        for inner in sections.values():
            yield from scopes(inner)


def leads_around(plan: ScopePlan, one: int, other: int) -> bool:
    """Whether a way from one unit to another goes through a third."""
    after = {unit.id: {u.id for u in plan.units if unit.id in u.before} for unit in plan.units}
    todo = [at for at in after[one] if at != other]
    seen = set(todo)
    while todo:
        for at in after[todo.pop()]:
            if at == other:
                return True
            if at not in seen:
                seen.add(at)
                todo.append(at)
    return False


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(flow=flows(), data=st.data())
def test_neighbours_are_one_stretch(flow: Flow, data: st.DataObject) -> None:
    alone = data.draw(st.frozensets(st.sampled_from(sorted(flow.nodes))))
    program = compile_program(flow, CATALOGUE, ProgramOptions(isolate=alone))
    for plan in scopes(program.top):
        units = {unit.id: unit for unit in plan.units}
        for unit in plan.units:
            for before in map(units.__getitem__, unit.before):
                if unit.kind == before.kind == "stream" and "breakpoint" not in (
                    unit.why, before.why,
                ):  # fmt: skip
                    assert leads_around(plan, before.id, unit.id), (before.nodes, unit.nodes)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(flow=flows(), data=st.data())
def test_no_unit_waits_for_itself(flow: Flow, data: st.DataObject) -> None:
    alone = data.draw(st.frozensets(st.sampled_from(sorted(flow.nodes))))
    program = compile_program(flow, CATALOGUE, ProgramOptions(isolate=alone))
    for plan in scopes(program.top):
        assert all(before < unit.id for unit in plan.units for before in unit.before)
        assert sorted(name for unit in plan.units for name in unit.nodes) == sorted(plan.unit_of)
