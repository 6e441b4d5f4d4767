"""What holds for the check of any flow."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.compiler.sample_nodes import CATALOGUE
from tests.engine.flow.strategies import flows
from weft_engine.compiler.check import check, has_errors
from weft_engine.compiler.wiring import infer
from weft_engine.flow.model import Flow
from weft_engine.flow.patch import apply

TYPES = st.sampled_from([spec.type for spec in CATALOGUE.specs()] + ["no.such.type"])
PORTS = st.sampled_from(
    ["rows", "text", "item", "row", "true", "false", "inputs", "out", "error", "a", "documents"]
)
FLOWS = flows(TYPES, PORTS)


@given(FLOWS)
@settings(max_examples=300)
def test_a_check_of_any_flow_ends_with_problems(flow: Flow) -> None:
    found = check(flow, CATALOGUE)

    assert all(problem.code.startswith("check.") for problem in found)
    assert bool(flow.nodes) or has_errors(found)


@given(FLOWS, st.integers())
def test_the_order_of_nodes_and_edges_does_not_matter(flow: Flow, seed: int) -> None:
    nodes, edges = list(flow.nodes.items()), list(flow.edges)
    random.Random(seed).shuffle(nodes)
    random.Random(seed).shuffle(edges)
    turned = flow.replace(nodes=dict(nodes), edges=edges)

    assert check(turned, CATALOGUE) == check(flow, CATALOGUE)
    assert infer(turned, CATALOGUE) == infer(flow, CATALOGUE)


@given(FLOWS)
@settings(max_examples=150)
def test_every_fix_applies(flow: Flow) -> None:
    for problem in check(flow, CATALOGUE):
        for fix in problem.fixes:
            assert apply(flow, fix.patch).applied > 0


@given(FLOWS)
def test_wiring_covers_the_flow(flow: Flow) -> None:
    wiring = infer(flow, CATALOGUE)

    assert sorted(wiring.order) == sorted(wiring.nodes) == sorted(flow.nodes)
    assert sorted(wiring.edges) == sorted({edge.id for edge in flow.edges})
    for node in wiring.nodes.values():
        assert node.lifted == (node.over is not None)


@given(FLOWS)
def test_a_flow_without_errors_has_only_edges_that_fit(flow: Flow) -> None:
    wiring = infer(flow, CATALOGUE)
    if not has_errors(check(flow, CATALOGUE, wiring=wiring)):
        by_id = {edge.id: edge for edge in flow.edges}
        for key, edge in wiring.edges.items():
            ends = [flow.nodes[by_id[key].source], flow.nodes[by_id[key].target]]
            assert edge.fit.ok or any(node.disabled for node in ends)
