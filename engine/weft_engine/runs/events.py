"""What a run tells while it happens.

| type | beside seq, at, run |
|---|---|
| run_queued | position |
| run_started | nodes: the nodes that are part of it |
| run_paused | reason: asked, breakpoint, step; waiting with waits [{node, scope, kind, due, …}] |
| run_resumed | nodes? where it goes on from the journal |
| node_started | node, attempt? |
| node_progress | node, counts {in, out: {port: n}}, done?, total?, failed?; see below |
| node_output | node, port, type (`port_type` where flat), count, ref: for `OutputStore.read` |
| node_completed | node, duration_ms, counts, inputs, pinned?, failures?, restored?, attempt? |
| node_failed | node, failure, duration_ms, counts, inputs |
| node_skipped | node, reason, failure?, restored? |
| node_cancelled | node |
| node_retrying | node, attempt (the one that failed), delay_s, failure |
| node_waiting | node, kind, due, signal, message, data |
| variable_set | node, name |
| breakpoint_hit | the fields of `debug.Stopped`; `at` is `stop` where flat |
| breakpoint_left | at |
| run_restarting | failure, attempt, delay_s: a live run begins again at its last checkpoint |
| checkpoint_completed | id, kind, bytes, duration_ms, pause_ms: of a live run |
| checkpoint_failed | code, message: of a live run |
| node_sample | node, port, records: what a sampling breakpoint of a live run has seen |
| log | node?, level, message |
| run_completed, run_cancelled | duration_ms |
| run_failed | duration_ms, failure, never_ran: nodes |

Inside containers `node` is a path (`loop/fetch`), and `scope` says where it was activated
(`loop:3`); outside it is left out. Of a node in loops the first 1,000 activations are told one by
one, then failures, and now and then `node_progress` with how many `activations` there were.
`node_progress` comes 20 times a second at most, and once where it has gone on for minutes; what was
said last is always told.
`inputs` say what the ports were wired to, {port: [{source, source_port}]}; `failures` are those a
node lived with, {count, first}; `restored` is what a run that goes on had done before. `attempt`
and `attempts` are there when a node may be tried, or was tried, more than once; `child_run` when
it happened in a run that this one called. Reasons for skipping: disabled, input_skipped, not_taken,
not_selected, unused (nothing comes of it, and nobody looks), reused, error_skipped, input_failed
(something before it failed, in a run whose independent branches go on).

Events of live runs with `live` (progress, samples, the last records of ports) are told but not
stored: there is no end of them.
"""

from datetime import UTC, datetime
from typing import Any

import msgspec

_HEAD = frozenset({"seq", "at", "type", "run", "node"})
_FLAT = {"type": "port_type", "at": "stop"}
_DEEP = {"port_type": "type", "stop": "at"}

RUN_ENDS = frozenset({"run_completed", "run_failed", "run_cancelled"})


class RunEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One thing that happened in a run."""

    seq: int
    """Counts from 1 within the run, without gaps."""
    at: str
    """When, in UTC, as ISO 8601 with milliseconds."""
    type: str
    run: str
    node: str | None = None
    data: dict[str, Any] = {}

    def as_dict(self) -> dict[str, Any]:
        """The event as readers get it: flat."""
        head: dict[str, Any] = {
            "seq": self.seq,
            "at": self.at,
            "type": self.type,
            "run": self.run,
        }
        if self.node is not None:
            head["node"] = self.node
        return head | {_FLAT.get(key, key): value for key, value in self.data.items()}

    @classmethod
    def from_dict(cls, flat: dict[str, Any]) -> "RunEvent":
        """Read an event that `as_dict` wrote."""
        data = {_DEEP.get(key, key): value for key, value in flat.items() if key not in _HEAD}
        return cls(
            seq=flat["seq"],
            at=flat["at"],
            type=flat["type"],
            run=flat["run"],
            node=flat.get("node"),
            data=data,
        )


def now_text() -> str:
    """The time now, as events carry it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
