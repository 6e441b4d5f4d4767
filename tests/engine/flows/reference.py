"""What a flow means, as plainly as it can be said: the reference that runs are held against.

It knows nothing of operators, units, threads or journals. A port carries a value, or the records of
a stream as a list in which `SKIP` stands where a record was skipped; `GONE` stands for a port that
was not taken. Nodes are gone through one after the other, scopes are run one after the other. What
an edge does on its way is asked of `infer`, which has tests of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.engine.flows.reference_flow import Called, FailedError, Pick, Run, inputs_of
from tests.engine.flows.reference_region import Region
from tests.engine.flows.reference_scope import Scope
from weft_engine.flow.model import Flow
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.region import BODY, Signal


@dataclass
class Outcome:
    """What became of a flow."""

    state: str
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Node → port → value, or the records of a stream; ports that were not taken are missing."""
    failure: dict[str, Any] | None = None
    handled: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What the nodes behind `control.on_error` gave."""
    calls: list[str] = field(default_factory=list)
    """Every call of a node with `process`, as `node@scope`, in the order of this interpreter."""
    variables: dict[str, Any] = field(default_factory=dict)


def interpret(
    flow: Flow,
    catalogue: Catalogue,
    *,
    inputs: Mapping[str, Any] | None = None,
    flows: Mapping[str, Flow] | None = None,
    signals: Mapping[str, Signal | None] | None = None,
    pick: Pick = lambda waiting: 0,
) -> Outcome:
    """Say what a flow gives.

    Args:
        flow: A flow without problems.
        catalogue: Its node types.
        inputs: Values for the flow's inputs.
        flows: Flows that it calls.
        signals: What nodes that wait are sent, by node; the others wait until their time comes.
        pick: Chooses which of several scopes under way is run next.
    """
    run = Run(catalogue, flows or {}, signals or {}, pick, [], lambda *at: Region(*at).drive())
    called = Called(run, flow, inputs_of(flow, inputs or {}))
    top = Scope(called, "", None, BODY, dict(flow.variables))
    handlers = called.handlers()
    outcome = Outcome("completed", calls=run.calls)
    try:
        top.go([name for name in called.members(None, BODY) if name not in handlers])
    except FailedError as failed:
        outcome.state, outcome.failure = "failed", failed.failure
        after = Scope(called, "", None, BODY, dict(flow.variables))
        after.failure = failed.failure
        after.go([name for name in called.members(None, BODY) if name in handlers])
        outcome.handled = after.given(handlers)
    outcome.outputs = top.given(top.order)
    outcome.variables = top.after(top.set)
    return outcome
