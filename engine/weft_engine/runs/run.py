"""The states of a run and of its nodes, and what a run is asked for and answers."""

from enum import StrEnum
from typing import Any, Final

import msgspec

from weft_engine.runs.debug import Breakpoint
from weft_engine.runs.identities import Identity


class RunState(StrEnum):
    """Where a run is in its life."""

    DRAFT = "draft"
    VALIDATING = "validating"
    READY = "ready"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self in _ENDED

    def may_become(self, state: "RunState") -> bool:
        """Whether a run in this state may go over into another."""
        return state in _NEXT[self]


_ENDED: Final = frozenset({RunState.COMPLETED, RunState.FAILED, RunState.CANCELLED})
_NEXT: Final[dict[RunState, frozenset[RunState]]] = {
    RunState.DRAFT: frozenset({RunState.VALIDATING, RunState.CANCELLED}),
    RunState.VALIDATING: frozenset({RunState.READY, RunState.FAILED, RunState.CANCELLED}),
    RunState.READY: frozenset({RunState.RUNNING, RunState.FAILED, RunState.CANCELLED}),
    RunState.RUNNING: frozenset({RunState.PAUSED, *_ENDED}),
    RunState.PAUSED: frozenset({RunState.RUNNING, RunState.FAILED, RunState.CANCELLED}),
    RunState.COMPLETED: frozenset(),
    RunState.FAILED: frozenset(),
    RunState.CANCELLED: frozenset(),
}


class NodeState(StrEnum):
    """Where a node is within a run."""

    IDLE = "idle"
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class RunRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything the engine needs to run a flow once."""

    run_id: str
    flow: dict[str, Any]
    """A flow as in a flow file (weft/1)."""
    inputs: dict[str, Any] = {}
    env: str = "local"
    from_node: str | None = None
    """Run this node and what follows it, on what `reuse` holds of the nodes before."""
    to_node: str | None = None
    """Run only what this node needs, and the node itself."""
    reuse: dict[str, dict[str, Any]] = {}
    """Outputs of an earlier run, node → port → reference, for nodes that need not run again."""
    pins: dict[str, dict[str, Any]] = {}
    """Outputs that were given for this run alone, node → port → value; `flow` has them, too."""
    files_root: str = "."
    """The folder that relative paths start from."""
    confined: bool = True
    """Whether files outside the folder are refused."""
    allow_hosts: tuple[str, ...] = ()
    """Addresses that HTTP requests may reach although they are not public: `host`, `host:port`
    or a network such as `10.1.0.0/16`; `*` allows all."""
    tenant: str = ""
    """Whose run it is; waiting runs of different tenants take turns."""
    priority: int = 0
    """Of waiting runs of one tenant, those with more go first."""
    durability: str = "sync"
    """When the run's journal is written: sync, async, exit or none."""
    breakpoints: list[Breakpoint] = []
    only_changed: bool = False
    """Use earlier outputs (`reuse`, by signature) for nodes that have not changed."""
    flows: dict[str, dict[str, Any]] = {}
    """Called flows, by the name that `flow.call` gives."""
    flow_ids: dict[str, str] = {}
    """What the server knows these by; told when one of them begins as a run of its own."""
    parent: str | None = None
    """The run that called this one."""
    called_by: dict[str, Any] | None = None
    """Where that run did: `{run, node, scope, flow}`; see `run_started` in `events`."""
    identity: str = ""
    """Of what is tried again: the id of its first attempt, of which the idempotency keys of its
    effects are made."""
    identities: dict[str, list[Identity]] = {}
    """Nodes whose keys are those of other runs; see `identities`. The engine finds them."""
    children: dict[str, list[str]] = {}
    """Paths of calls that go on from what the runs did that the earlier run called there; each with
    the containers in whose first round alone they do. The engine finds them."""
    forked_from: str | None = None
    """Begin with what the journal holds of another run, up to `from_node`."""
    retry: bool = False
    """Another attempt of the run it is forked from, maybe of a flow that was changed since: what
    completed there and is the same now is not done again."""
    apart: list[str] = []
    """Paths of nodes that are worked on by themselves, so that what they did need not be done once
    more with what they would be worked on together with."""
    overrides: dict[str, dict[str, Any]] = {}
    """Values in the place of what arrives at input ports: node → port → value; of a fork."""
    trigger: dict[str, Any] | None = None
    """The event that started it: `{node, event_id, payload, at}`. Of a run that was started by hand
    the node is None, and `recent` has the newest event of each trigger node that had one."""
    failure_policy: str = "fail_fast"
    """What a failure does to the rest of the run: fail_fast, continue_independent, best_effort."""
    max_seconds: float | None = None
    """How long the run may take in all; then it fails with `run.timeout`."""
    parallelism: int | None = None
    stream: str = ""
    """Of a flow in streaming mode: what its runs have in common, such as the id of the flow. They
    share a log of events, and one may take the place of another."""
    continues: str | None = None
    """The live run whose place this one takes, with its state; it ends."""
    allow_dropped_state: bool = False
    """Whether state of nodes that the flow no longer has may be let go of."""
    resume: bool = False
    """Go on from what the journal holds."""
    last_seq: int = 0
    """The number of the last event of the run that the server has stored."""


class NodeResult(msgspec.Struct, kw_only=True):
    """What became of one node."""

    state: NodeState = NodeState.QUEUED
    reason: str = ""
    """Why it was skipped, or never ran."""
    started_at: str | None = None
    ended_at: str | None = None
    duration_ms: float | None = None
    count_in: int = 0
    count_out: dict[str, int] = {}
    attempts: int = 1
    failure: dict[str, Any] | None = None
    outputs: dict[str, dict[str, Any]] = {}
    """References to what its ports gave, for `OutputStore.read`."""
    inputs: dict[str, list[dict[str, str]]] = {}
    """What its input ports were wired to: `{source, source_port}`; look there for the data."""


class RunResult(msgspec.Struct, kw_only=True):
    """What became of a run."""

    run_id: str
    state: RunState
    nodes: dict[str, NodeResult] = {}
    outputs: dict[str, dict[str, Any]] = {}
    """What the flow's output nodes gave: node → port → `OutputStore.read` of it."""
    failure: dict[str, Any] | None = None
    duration_ms: float = 0.0
    stands: bool = False
    """Of a paused run: somebody has to let it go on; it does not wait by itself."""

    @property
    def counts(self) -> dict[str, dict[str, Any]]:
        """Records in and out of every node."""
        return {
            node: {"in": result.count_in, "out": result.count_out}
            for node, result in self.nodes.items()
        }
