"""What a run tells while it happens.

| type | beside seq, at, run |
|---|---|
| run_queued | position |
| run_started | nodes: the nodes that are part of it |
| node_started | node |
| node_progress | node, counts {in, out: {port: n}}, done?, total?; at most 20 times a second |
| node_output | node, port, type (`port_type` where flat), count, ref: for `OutputStore.read` |
| node_completed | node, duration_ms, counts, inputs, pinned?, failures? |
| node_failed | node, failure, duration_ms, counts, inputs |
| node_skipped | node, reason, failure? |
| node_cancelled | node |
| log | node?, level, message |
| run_completed, run_cancelled | duration_ms |
| run_failed | duration_ms, failure, never_ran: nodes |

`inputs` say what the ports were wired to, {port: [{source, source_port}]}; `failures` are those a
node lived with, {count, first}. Reasons for skipping: disabled, input_skipped, not_taken,
not_selected, reused, error_skipped.
"""

from datetime import UTC, datetime
from typing import Any

import msgspec

_HEAD = frozenset({"seq", "at", "type", "run", "node"})
_FLAT = {"type": "port_type"}
_DEEP = {"port_type": "type"}

RUN_ENDS = frozenset({"run_completed", "run_failed", "run_cancelled"})


class RunEvent(msgspec.Struct, frozen=True, kw_only=True):
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
