"""Checks a flow and says how it is wired; for flows sent along and for live ones alike."""

from weft_engine.compiler.check import check
from weft_engine.compiler.wiring import infer
from weft_engine.flow.model import Flow
from weft_engine.nodes.catalogue import Catalogue
from weft_server.flows.schemas import CheckedEdge, CheckedNode, CheckedWiring, CheckReport


def check_report(flow: Flow, catalogue: Catalogue) -> CheckReport:
    """The problems of a flow, and how its edges and nodes work."""
    wiring = infer(flow, catalogue)
    return CheckReport(
        problems=[problem.model_dump(mode="json") for problem in check(flow, catalogue)],
        wiring=CheckedWiring(
            edges={edge_id: CheckedEdge(how=edge.how) for edge_id, edge in wiring.edges.items()},
            nodes={
                node_id: CheckedNode(lifted=node.lifted) for node_id, node in wiring.nodes.items()
            },
        ),
    )
