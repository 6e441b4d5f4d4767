"""A run that is under way, as its events describe it."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from weft_engine.runs.events import RunEvent
from weft_server.runs.called_runs import Call
from weft_server.runs.live_nodes import (
    NODE_STATES,
    LiveActivation,
    LiveNode,
    Row,
    json_text,
    optional,
)
from weft_server.runs.live_rows import EVERY, THINNED

log = logging.getLogger(__name__)

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
BLANK: Final[Row] = {
    "mode": "batch",
    "priority": 0,
    "trigger": None,
    "trigger_node": None,
    "forked_from": None,
    "options": None,
    "flows": None,
    "given": None,
    "breakpoints": None,
    "paused": None,
    "stopped": None,
    "parent_id": None,
    "parent_node": None,
    "parent_scope": None,
}
"""What a run's row has where nothing else is said."""

_LARGEST_VALUE: Final = 4_096
"""Values at a breakpoint that are larger are left out of its event; they are read from the node."""


@dataclass(slots=True)
class Changes:
    """What happened to a run since it was last stored."""

    events: list[RunEvent]
    new_nodes: list[Row]
    nodes: list[Row]
    activations: list[Row]
    run: Row | None
    opening: tuple[Row, Call] | None = None
    """Of a run that another one called, and that is not stored yet: its row."""
    thin: str | None = None
    """The run of which older checkpoints are to be forgotten."""

    @property
    def event_rows(self) -> list[Row]:
        """The events as rows of `run_event`; without those that a live run tells without end."""
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
            if not event.data.get("live")
        ]


class LiveRun:
    """State of one run, moved by its events; knows what is not stored yet."""

    def __init__(self, row: Mapping[str, Any], starter: str, call: Call | None = None) -> None:
        self.id: str = row["id"]
        self.starter = starter
        self.called = 0
        """How many runs it called."""
        self.cancel_asked = False
        self.pauser: dict[str, str] | None = None
        """Who asked last that it pauses; told with the pause."""
        self.row: Row = BLANK | dict(row)
        self.nodes: dict[str, LiveNode] = {}
        self.activations: dict[tuple[str, str], LiveActivation] = {}
        """By node and scope."""
        self.stopped: dict[str, dict[str, Any]] = {}
        """Activations at breakpoints, by `at`."""
        self.seq = int(self.row["last_seq"])
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the end of the run is on disk."""
        self._edited: dict[tuple[str, str], dict[str, list[str]]] = {}
        """Values that were replaced at breakpoints, by activation; it may not have begun."""
        self._pending: list[RunEvent] = []
        self._touched: set[str] = set()
        self._active: set[tuple[str, str]] = set()
        self._moved = False
        self._endless = 0
        """How many events came that are thinned."""
        self._opening = call
        """Of a run that another one called: that call, until its row is handed over."""
        self._shift = 0
        """What is added to the numbers of its events: whenever a called run goes on, the engine
        counts them from 1 again."""

    @property
    def parent(self) -> str | None:
        """The run that called it."""
        parent: str | None = self.row["parent_id"]
        return parent

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
        if self.parent is not None:
            if event.seq == 1:
                self._shift = self.seq
            event = msgspec.structs.replace(event, seq=event.seq + self._shift)
        if event.seq <= self.seq or self.over:
            return False
        self.seq = event.seq
        if event.type == "run_paused" and event.data.get("reason") == "asked" and self.pauser:
            event = msgspec.structs.replace(event, data={**event.data, "by": self.pauser})
        self._pending.append(_for_readers(event))
        self._endless += event.type in THINNED
        try:
            if event.type in _RUN_STATES:
                self._move_run(event)
            elif event.type in ("breakpoint_hit", "breakpoint_left"):
                self._move_stop(event)
            elif event.node is not None:
                self._move_node(event.node, event)
        except (KeyError, TypeError, ValueError):
            log.exception("an event of run %s makes no sense: %r", self.id, event)
        return True

    def cut_off(self, at: str) -> None:
        """The run that called it has ended: so has it, if nobody told."""
        seq = self.seq + 1 - self._shift
        self.apply(RunEvent(seq=seq, at=at, type="run_cancelled", run=self.id, data={}))

    def take(self) -> Changes:
        """Hand over what is not stored yet."""
        fresh = sorted(node for node in self._touched if not self.nodes[node].stored)
        known = sorted(node for node in self._touched if self.nodes[node].stored)
        changes = Changes(
            events=self._pending,
            new_nodes=[self.nodes[node].row(self.id, node) for node in fresh],
            nodes=[self.nodes[node].row(self.id, node) for node in known],
            activations=[self.activations[key].row(self.id, *key) for key in sorted(self._active)],
            run=self._run_changes() if self._moved else None,
            opening=(self._stored_row(), self._opening) if self._opening is not None else None,
            thin=self.id if self._endless >= EVERY else None,
        )
        self._endless %= EVERY
        self._opening = None
        for node in fresh:
            self.nodes[node].stored = True
        self._pending, self._touched, self._active, self._moved = [], set(), set(), False
        return changes

    def stored(self, changes: Changes) -> None:
        """What was handed over is on disk; nobody reads it from here any more."""
        for row in changes.activations:
            key = row["node"], row["scope"]
            if key not in self._active and self.activations[key].over:
                self.activations[key].forget_data()

    def give_back(self, changes: Changes) -> None:
        """Take back what could not be stored, to be handed over again."""
        self._pending = changes.events + self._pending
        for row in changes.new_nodes:
            self.nodes[row["node"]].stored = False
        self._touched.update(row["node"] for row in (*changes.new_nodes, *changes.nodes))
        self._active.update((row["node"], row["scope"]) for row in changes.activations)
        self._moved |= changes.run is not None
        self._endless += EVERY if changes.thin else 0
        if changes.opening is not None:
            self._opening = changes.opening[1]

    @property
    def pending(self) -> bool:
        """Whether something is not stored yet."""
        return bool(self._pending)

    @property
    def unstored(self) -> bool:
        """Whether it is one that another run called, and its row is not handed over."""
        return self._opening is not None

    def _stored_row(self) -> Row:
        """As it was when it began; what has happened since is among the changes."""
        return self.row | {"state": "ready", "started_at": None, "ended_at": None, "failure": None,
                           "duration_ms": None, "paused": None}  # fmt: skip

    def _run_changes(self) -> Row:
        keys = ("state", "started_at", "ended_at", "duration_ms", "failure")
        counts = {node: live.counts for node, live in self.nodes.items()} if self.over else None
        return {key: self.row[key] for key in keys} | {
            "of_run": self.id,
            "failure": optional(self.row["failure"]),
            "paused": optional(self.row["paused"]),
            "stopped": optional(list(self.stopped.values()) or None),
            "given": None if self.over else self.row["given"],
            "counts": optional(counts),
            "last_seq": self.seq,
        }

    def _move_run(self, event: RunEvent) -> None:
        self._moved = True
        self.row["state"] = _RUN_STATES[event.type]
        at = datetime.fromisoformat(event.at)
        self.row["paused"] = None
        if event.type == "run_started":
            self.row["started_at"] = self.row["started_at"] or at
            self.stopped.clear()
            self._queue(event.data.get("nodes") or ())
        elif event.type == "run_resumed" and "nodes" in event.data:
            self.stopped.clear()  # by another engine, which stops anew
            self._queue(event.data["nodes"] or ())
        elif event.type == "run_paused":
            self.row["paused"] = {key: event.data.get(key) for key in ("reason", "waits")}
        elif self.over:
            self.row["ended_at"] = at
            self.row["duration_ms"] = self._lasted(at, event.data.get("duration_ms"))
            self.row["failure"] = event.data.get("failure")
            self.stopped.clear()
            self._settle(at)

    def _lasted(self, at: datetime, told: float | None) -> float | None:
        """From its start to its end by the clock, in ms: with waits, which engines leave out."""
        began: datetime | None = self.row["started_at"]
        if began is None:
            return told
        by_clock = (at - began).total_seconds() * 1000
        return round(max(by_clock, told or 0.0), 3)

    def _queue(self, nodes: Iterable[str]) -> None:
        for node in nodes:
            if node not in self.nodes:
                self.nodes[node] = LiveNode()
                self._touched.add(node)

    def _settle(self, at: datetime) -> None:
        """What had not ended when the run did, never will."""
        for name, node in self.nodes.items():
            if node.state in ("running", "paused"):
                node.state, node.ended_at = "cancelled", at
                self._touched.add(name)
            elif node.state == "queued":
                node.state = "idle"
                self._touched.add(name)
        for key, activation in self.activations.items():
            if not activation.over:
                activation.state, activation.ended_at = "cancelled", at
                self._active.add(key)

    def _move_stop(self, event: RunEvent) -> None:
        """An activation stands at a breakpoint, or goes on from there."""
        self._moved = True
        data = event.data
        if event.type == "breakpoint_left":
            left = self.stopped.pop(data["at"], None)
            self._mark(left, "running")
            return
        stop = {"node": event.node, **data}
        stop["node"] = stop["node"] or data["at"].partition("@")[0]
        self.stopped[data["at"]] = stop
        if stop.get("edited"):
            key = str(stop["node"]), str(stop.get("scope") or "")
            self._edited.setdefault(key, {})[str(stop["when"])] = list(stop["edited"])
        self._mark(stop, "paused")

    def _mark(self, stop: Mapping[str, Any] | None, state: str) -> None:
        if stop is None:
            return
        key = str(stop["node"]), str(stop.get("scope") or "")
        node, activation = self.nodes.get(key[0]), self.activations.get(key)
        if activation is not None and not activation.over:
            activation.state = state
            activation.edited = self._edited.get(key, activation.edited)
            self._active.add(key)
        if node is not None and node.state in ("queued", "running", "paused"):
            begun = node.started_at is not None
            node.state = state if state == "paused" or begun else "queued"
            self._touched.add(key[0])

    def _move_node(self, name: str, event: RunEvent) -> None:
        scope = str(event.data.get("scope") or "")
        key = name, scope
        known = self.activations.get(key)
        if event.data.get("restored") and known is not None and known.over:
            return  # told before the engine was started again
        if event.type in NODE_STATES or (event.type == "node_output" and scope):
            if known is None:
                known = self.activations[key] = LiveActivation(event.seq)
                known.edited = self._edited.get(key)
            known.apply(event)
            self._active.add(key)
        node = self.nodes.setdefault(name, LiveNode())
        if scope:
            node.apply_scoped(event, scope)
        else:
            node.apply(event)
        if event.type in NODE_STATES or event.type == "node_output" or event.data.get("counts"):
            self._touched.add(name)


def _for_readers(event: RunEvent) -> RunEvent:
    """The event as others see it.

    A reference may hold an output of 64 KB, and the type of a port must not hide that of the event.
    """
    if event.type == "run_started" and "called_by" in event.data:
        by = {key: event.data["called_by"].get(key) for key in ("run", "node", "scope")}
        return msgspec.structs.replace(event, data={**event.data, "called_by": by})
    if event.type == "breakpoint_hit":
        values = event.data.get("values") or {}
        shown = {port: _shown(ref) for port, ref in values.items()}
        return msgspec.structs.replace(event, data={**event.data, "values": shown})
    if event.type != "node_output":
        return event
    data = {"port_type" if key == "type" else key: event.data[key] for key in event.data}
    data.pop("ref", None)
    return msgspec.structs.replace(event, data=data)


def _shown(ref: Mapping[str, Any]) -> dict[str, Any]:
    """A reference with its value only where that is small."""
    inline = ref.get("inline")
    if inline is None or len(json_text(inline)) <= _LARGEST_VALUE:
        return dict(ref)
    return {key: value for key, value in ref.items() if key != "inline"}
