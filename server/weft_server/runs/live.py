"""A run that is under way, as its events describe it."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import msgspec

from weft_engine.runs.events import RunEvent

Row = dict[str, Any]

log = logging.getLogger(__name__)

_encoder: Final = msgspec.json.Encoder()

ENDED: Final = frozenset({"completed", "failed", "cancelled"})
UNENDED: Final = ("ready", "running", "paused")

_RUN_STATES: Final = {
    "run_started": "running",
    "run_paused": "paused",
    "run_resumed": "running",
    "run_completed": "completed",
    "run_failed": "failed",
    "run_cancelled": "cancelled",
}
_NODE_STATES: Final = {
    "node_started": "running",
    "node_completed": "completed",
    "node_failed": "failed",
    "node_skipped": "skipped",
    "node_cancelled": "cancelled",
}


@dataclass(slots=True)
class LiveNode:
    """One node of a run under way."""

    state: str = "queued"
    attempts: int = 1
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration_ms: float | None = None
    counts: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    failure: dict[str, Any] | None = None
    stored: bool = False

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
            "counts": _optional(self.counts),
            "outputs": _optional(self.outputs),
            "failure": _optional(self.failure),
        }


@dataclass(slots=True)
class Changes:
    """What happened to a run since it was last stored."""

    events: list[RunEvent]
    new_nodes: list[Row]
    nodes: list[Row]
    run: Row | None

    @property
    def event_rows(self) -> list[Row]:
        """The events as rows of `run_event`."""
        return [
            {
                "run_id": event.run,
                "seq": event.seq,
                "at": event.at,
                "type": event.type,
                "node": event.node,
                "data": json_text(event.data),
            }
            for event in self.events
        ]


class LiveRun:
    """State of one run, moved by its events; knows what is not stored yet."""

    def __init__(self, row: Mapping[str, Any], starter: str) -> None:
        self.id: str = row["id"]
        self.starter = starter
        self.cancel_asked = False
        self.row: Row = dict(row)
        self.nodes: dict[str, LiveNode] = {}
        self.seq = 0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the end of the run is on disk."""
        self._pending: list[RunEvent] = []
        self._touched: set[str] = set()
        self._moved = False

    @property
    def state(self) -> str:
        """Where the run is in its life."""
        return str(self.row["state"])

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ENDED

    def apply(self, event: RunEvent) -> bool:
        """Take in the next event; False when it is not the next one, or the run has ended."""
        if event.seq <= self.seq or self.over:
            return False
        self.seq = event.seq
        self._pending.append(_for_readers(event))
        try:
            if event.type in _RUN_STATES:
                self._move_run(event)
            elif event.node is not None:
                self._move_node(event.node, event)
        except (KeyError, TypeError, ValueError):
            log.exception("an event of run %s makes no sense: %r", self.id, event)
        return True

    def take(self) -> Changes:
        """Hand over what is not stored yet."""
        fresh = sorted(node for node in self._touched if not self.nodes[node].stored)
        known = sorted(node for node in self._touched if self.nodes[node].stored)
        changes = Changes(
            events=self._pending,
            new_nodes=[self.nodes[node].row(self.id, node) for node in fresh],
            nodes=[self.nodes[node].row(self.id, node) for node in known],
            run=self._run_changes() if self._moved else None,
        )
        for node in fresh:
            self.nodes[node].stored = True
        self._pending, self._touched, self._moved = [], set(), False
        return changes

    def give_back(self, changes: Changes) -> None:
        """Take back what could not be stored, to be handed over again."""
        self._pending = changes.events + self._pending
        for row in changes.new_nodes:
            self.nodes[row["node"]].stored = False
        self._touched.update(row["node"] for row in (*changes.new_nodes, *changes.nodes))
        self._moved |= changes.run is not None

    @property
    def pending(self) -> bool:
        """Whether something is not stored yet."""
        return bool(self._pending)

    def _run_changes(self) -> Row:
        keys = ("state", "started_at", "ended_at", "duration_ms", "failure")
        counts = {node: live.counts for node, live in self.nodes.items()} if self.over else None
        return {key: self.row[key] for key in keys} | {
            "of_run": self.id,
            "failure": _optional(self.row["failure"]),
            "counts": _optional(counts),
            "last_seq": self.seq,
        }

    def _move_run(self, event: RunEvent) -> None:
        self._moved = True
        self.row["state"] = _RUN_STATES[event.type]
        at = datetime.fromisoformat(event.at)
        if event.type == "run_started":
            self.row["started_at"] = at
            self._queue(event.data.get("nodes") or ())
        elif self.over:
            self.row["ended_at"] = at
            self.row["duration_ms"] = event.data.get("duration_ms")
            self.row["failure"] = event.data.get("failure")
            self._settle(at)

    def _queue(self, nodes: Iterable[str]) -> None:
        for node in nodes:
            if node not in self.nodes:
                self.nodes[node] = LiveNode()
                self._touched.add(node)

    def _settle(self, at: datetime) -> None:
        """What had not ended when the run did, never will."""
        for name, node in self.nodes.items():
            if node.state == "running":
                node.state, node.ended_at = "cancelled", at
                self._touched.add(name)
            elif node.state == "queued":
                node.state = "idle"
                self._touched.add(name)

    def _move_node(self, name: str, event: RunEvent) -> None:
        node = self.nodes.setdefault(name, LiveNode())
        data = event.data
        if event.type in _NODE_STATES:
            node.state = _NODE_STATES[event.type]
            self._touched.add(name)
            self._stamp(node, event)
        if event.type == "node_output":
            node.outputs[data["port"]] = {key: data.get(key) for key in ("type", "count", "ref")}
            self._touched.add(name)
        if data.get("counts"):
            node.counts = data["counts"]
            self._touched.add(name)

    def _stamp(self, node: LiveNode, event: RunEvent) -> None:
        at = datetime.fromisoformat(event.at)
        if event.type == "node_started":
            node.started_at = node.started_at or at
            node.attempts = int(event.data.get("attempt") or node.attempts)
            return
        node.ended_at = at
        node.duration_ms = event.data.get("duration_ms", node.duration_ms)
        failure = event.data.get("failure")
        if failure is not None:
            node.failure = failure
            node.attempts = int(failure.get("attempt") or node.attempts)


def _for_readers(event: RunEvent) -> RunEvent:
    """The event as others see it.

    A reference may hold an output of 64 KB, and the type of a port must not hide that of the event.
    """
    if event.type != "node_output":
        return event
    data = {"port_type" if key == "type" else key: event.data[key] for key in event.data}
    data.pop("ref", None)
    return msgspec.structs.replace(event, data=data)


def json_text(value: Any) -> str:
    """A value as the text that is stored."""
    return _encoder.encode(value).decode()


def _optional(value: Any) -> str | None:
    return None if value is None else json_text(value)
