"""Nodes and activations of a run that is under way."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import msgspec

from weft_engine.runs.events import RunEvent

Row = dict[str, Any]

_encoder: Final = msgspec.json.Encoder()

NODE_STATES: Final = {
    "node_started": "running",
    "node_waiting": "paused",
    "node_completed": "completed",
    "node_failed": "failed",
    "node_skipped": "skipped",
    "node_cancelled": "cancelled",
}
ENDED: Final = frozenset({"completed", "failed", "skipped", "cancelled"})
_TOTALS: Final = ("done", "total", "failed")


@dataclass(slots=True)
class LiveActivation:
    """A node in one scope."""

    seq: int
    state: str = "running"
    attempts: int = 1
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration_ms: float | None = None
    inputs: Mapping[str, Any] | None = None
    outputs: dict[str, Any] | None = None
    failure: dict[str, Any] | None = None
    worker: str | None = None
    edited: dict[str, list[str]] | None = None
    """Ports whose values somebody replaced, before it started and after it ended."""

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in ENDED

    def apply(self, event: RunEvent) -> None:
        """Take in an event of it."""
        data = event.data
        self.state = NODE_STATES.get(event.type, self.state)
        self.attempts = _attempts(data, self.attempts)
        self.worker = data.get("worker", self.worker)
        if event.type in ("node_started", "node_waiting"):
            self.started_at = self.started_at or datetime.fromisoformat(event.at)
        elif event.type in NODE_STATES:
            self.ended_at = datetime.fromisoformat(event.at)
            self.duration_ms = data.get("duration_ms", self.duration_ms)
            self.inputs = data.get("inputs") or self.inputs
            self.failure = data.get("failure")
        elif event.type == "node_output":
            self.outputs = {**(self.outputs or {}), data["port"]: kept_output(data)}

    def forget_data(self) -> None:
        """It is on disk, and will not change."""
        self.inputs = self.outputs = self.failure = None

    def row(self, run_id: str, node: str, scope: str) -> Row:
        """The activation as a row of `run_activation`."""
        return {
            "run_id": run_id,
            "node": node,
            "scope": scope,
            "seq": self.seq,
            "state": self.state,
            "attempts": self.attempts,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "duration_ms": self.duration_ms,
            "inputs": optional(self.inputs),
            "outputs": optional(self.outputs if scope else None),
            "failure": optional(self.failure),
            "worker": self.worker,
            "edited": optional(self.edited),
        }


@dataclass(slots=True)
class LiveNode:
    """One node of a run under way, over all its activations."""

    state: str = "queued"
    attempts: int = 1
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration_ms: float | None = None
    counts: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    failure: dict[str, Any] | None = None
    stored: bool = False
    open: set[str] = field(default_factory=set)
    """Scopes in which it is under way."""
    now: Mapping[str, Any] | None = None
    """In a live run: what it told of itself last."""

    def apply(self, event: RunEvent) -> None:
        """Take in an event of a node that is activated once."""
        data = event.data
        if event.type in NODE_STATES:
            self.state = NODE_STATES[event.type]
            self._stamp(event)
        elif event.type == "node_output":
            self.outputs[data["port"]] = kept_output(data)
        elif event.type == "node_progress" and data.get("live"):
            self.now = data
        if data.get("counts"):
            self.counts = {**_totals(self.counts), **data["counts"]}
        self.counts.update(_totals(data))
        if event.type == "node_skipped" and data.get("reason"):
            self.counts["reason"] = data["reason"]

    def apply_scoped(self, event: RunEvent, scope: str) -> None:
        """Take in an event of one of many activations."""
        data = event.data
        if event.type not in NODE_STATES:
            return
        self.attempts = max(self.attempts, _attempts(data, 1))
        if NODE_STATES[event.type] in ENDED:
            self.open.discard(scope)
            self._count(data.get("counts") or {})
            self.ended_at = datetime.fromisoformat(event.at)
            self.failure = data.get("failure") or self.failure
            if not self.open:
                self.state = "failed" if self.failure else NODE_STATES[event.type]
        else:
            self.open.add(scope)
            self.started_at = self.started_at or datetime.fromisoformat(event.at)
            self.state = NODE_STATES[event.type]

    def _count(self, counts: Mapping[str, Any]) -> None:
        out = dict(self.counts.get("out") or {})
        for port, number in (counts.get("out") or {}).items():
            out[port] = out.get(port, 0) + number
        self.counts |= {"in": (self.counts.get("in") or 0) + (counts.get("in") or 0), "out": out}

    def _stamp(self, event: RunEvent) -> None:
        at = datetime.fromisoformat(event.at)
        self.attempts = _attempts(event.data, self.attempts)
        if event.type in ("node_started", "node_waiting"):
            self.started_at = self.started_at or at
            return
        self.ended_at = at
        self.duration_ms = event.data.get("duration_ms", self.duration_ms)
        self.failure = event.data.get("failure", self.failure)

    def row(self, run_id: str, node: str) -> Row:
        """The node as a row of `run_node`."""
        return {
            "run_id": run_id,
            "node": node,
            "state": self.state,
            "attempts": self.attempts,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "duration_ms": self.duration_ms,
            "counts": optional(self.counts),
            "outputs": optional(self.outputs),
            "failure": optional(self.failure),
        }


def kept_output(data: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a `node_output` event."""
    return {key: data.get(key) for key in ("type", "count", "ref")}


def json_text(value: Any) -> str:
    """A value as the text that is stored."""
    return _encoder.encode(value).decode()


def optional(value: Any) -> str | None:
    """A value as the text that is stored, nothing as nothing."""
    return None if value is None else json_text(value)


def _attempts(data: Mapping[str, Any], known: int) -> int:
    failure = data.get("failure") or {}
    return int(data.get("attempt") or failure.get("attempt") or known)


def _totals(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: data[key] for key in _TOTALS if data.get(key) is not None}
