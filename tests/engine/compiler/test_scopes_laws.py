"""What holds for the scopes and the units of any flow."""

from collections.abc import Iterator

from hypothesis import HealthCheck, given, settings

from tests.engine.compiler.nested_flows import CATALOGUE, nested_flows
from tests.engine.compiler.test_check_laws import CATALOGUE as SAMPLES
from tests.engine.compiler.test_check_laws import FLOWS
from weft_engine.compiler.building import compile_program
from weft_engine.compiler.check import check, has_errors
from weft_engine.compiler.program import ProgramOptions, ScopePlan
from weft_engine.compiler.scopes import Scope, split
from weft_engine.compiler.wiring import infer, infer_scopes
from weft_engine.flow.dump import dump
from weft_engine.flow.file import load
from weft_engine.flow.model import Flow

SLOW = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def edges_of(scope: Scope) -> list[str]:
    exits = [edge.id for edges in scope.exits.values() for edge in edges]
    return [edge.id for edge in scope.flow.edges] + exits


@given(nested_flows())
@SLOW
def test_the_scopes_make_up_the_flow(flow: Flow) -> None:
    scopes = split(flow, CATALOGUE)
    found = list(scopes.all())

    assert (scopes.leaving, scopes.mixed, scopes.too_deep) == ((), (), ())
    assert sorted(name for scope in found for name in scope.own) == sorted(flow.nodes)
    drawn = sorted(key for scope in found for key in edges_of(scope))
    assert drawn == sorted({edge.id for edge in flow.edges})
    for scope in found:
        for edge in scope.flow.edges:
            assert edge.source in scope.flow.nodes
            assert edge.target in scope.own
            if edge.source in scope.given:
                assert edge.source_port in scope.given[edge.source]
        for sections in scope.inner.values():
            for inner in sections.values():
                assert inner.given.keys() <= scope.flow.nodes.keys()


@given(nested_flows())
@SLOW
def test_the_wiring_of_the_scopes_is_that_of_the_flow(flow: Flow) -> None:
    scopes = split(flow, CATALOGUE)
    wirings = infer_scopes(flow, CATALOGUE, scopes)
    whole = wirings[""]

    assert not has_errors(check(flow, CATALOGUE))
    assert sorted(whole.nodes) == sorted(whole.order) == sorted(flow.nodes)
    assert sorted(whole.edges) == sorted({edge.id for edge in flow.edges})
    for path, scope in ((scope.path or ".", scope) for scope in scopes.all()):
        assert all(wirings[path].nodes[name] == whole.nodes[name] for name in scope.own)


def plans(plan: ScopePlan) -> Iterator[ScopePlan]:
    yield plan
    for sections in plan.inner.values():
        for inner in sections.values():
            yield from plans(inner)


def behind(plan: ScopePlan) -> dict[int, set[int]]:
    """For each unit all that come before it, near and far."""
    found: dict[int, set[int]] = {}
    for unit in plan.units:
        found[unit.id] = set(unit.before).union(*(found[one] for one in unit.before))
    return found


@given(nested_flows())
@SLOW
def test_units_cover_every_scope_and_are_convex(flow: Flow) -> None:
    program = compile_program(flow, CATALOGUE)
    for plan in plans(program.top):
        runs = [
            name
            for name in plan.compiled.flow.nodes
            if name not in plan.given and plan.compiled.wiring.nodes[name].state == "runs"
        ]
        assert sorted(name for unit in plan.units for name in unit.nodes) == sorted(runs)
        assert plan.unit_of == {name: unit.id for unit in plan.units for name in unit.nodes}
        assert [unit.id for unit in plan.units] == list(range(len(plan.units)))
        for unit in plan.units:
            assert all(one < unit.id for one in unit.before)
            assert unit.kind == "stream" or len(unit.nodes) == 1
        before = behind(plan)
        for edge in plan.compiled.flow.edges:
            one, other = plan.unit_of.get(edge.source), plan.unit_of.get(edge.target)
            if one is not None and other is not None and one != other:
                assert one in before[other]
        for container, reads in plan.captures.items():
            for name, _ in reads:
                if name in plan.unit_of and container in plan.unit_of:
                    assert plan.unit_of[name] in before[plan.unit_of[container]]


@given(nested_flows())
@SLOW
def test_programs_are_equal_when_flows_are(flow: Flow) -> None:
    again = load(dump(flow))

    assert again == flow
    assert compile_program(again, CATALOGUE).hash == compile_program(flow, CATALOGUE).hash


@given(nested_flows())
@SLOW
def test_isolated_nodes_are_units_of_their_own(flow: Flow) -> None:
    paths = frozenset(flow.nodes)
    program = compile_program(flow, CATALOGUE, ProgramOptions(isolate=paths))

    assert all(len(unit.nodes) == 1 for unit in program.top.units)
    assert program.signatures == compile_program(flow, CATALOGUE).signatures


@given(FLOWS)
def test_any_flow_can_be_split(flow: Flow) -> None:
    """Also one whose parents are frames, and lie in each other."""
    scopes = split(flow, SAMPLES)

    assert [scope.path for scope in scopes.all()] == [""]
    plain = {name: node.model_copy(update={"parent": None}) for name, node in flow.nodes.items()}
    assert infer(flow, SAMPLES) == infer(flow.replace(nodes=plain), SAMPLES)
