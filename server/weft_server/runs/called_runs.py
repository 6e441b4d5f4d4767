"""Runs that other runs call: their rows, their place, and what is read of them.

A run that another one called is kept with that run: it is listed below it, counted within it, and
deleted with it. Where it stands in the run that called it is where a person tells it something.
"""

import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, func, select
from sqlmodel import Session, SQLModel, col

from weft_engine.runs.events import RunEvent
from weft_server.database import utc_now
from weft_server.errors import Conflict, register
from weft_server.runs.live_nodes import Row, json_text
from weft_server.runs.tables import RunRow

_run: Final[Table] = SQLModel.metadata.tables["run"]
_AT_ONCE: Final = 500
_KNOWN: Final = 64
"""How many definitions are held, for runs that call the same flow again and again."""

register({"run.is_called": "The run is part of the one that called it, and ends with that."})

outermost: Final[ColumnElement[bool]] = _run.c.parent_id.is_(None)
"""Of runs that no other run called."""


@dataclass(frozen=True, slots=True)
class Call:
    """The call that began a run, as its first event tells it."""

    parent: str
    node: str
    """The path of the node that calls."""
    scope: str
    """Where the called flow happens in the calling run: `loop:3/call:0`."""
    flow: str
    """The name by which the flow is called."""
    flow_id: str
    inputs: Mapping[str, Any]

    @classmethod
    def of(cls, event: RunEvent) -> "Call | None":
        """The call that an event tells of; None for any other, or where the flow has no id."""
        data = event.data.get("called_by") if event.type == "run_started" else None
        if not isinstance(data, Mapping) or not data.get("flow_id"):
            return None
        return cls(
            parent=data["run"],
            node=data["node"],
            scope=data["scope"],
            flow=data["flow"],
            flow_id=data["flow_id"],
            inputs=data.get("inputs") or {},
        )

    def row(self, run_id: str, parent: Mapping[str, Any]) -> Row:
        """The called run as a row of `run`; its number and definition are not known yet."""
        return {
            "id": run_id,
            "number": 0,
            "flow_id": self.flow_id,
            "workspace_id": parent["workspace_id"],
            "state": "ready",
            "inputs": json_text(self.inputs),
            "env": parent["env"],
            "from_node": None,
            "to_node": None,
            "started_by": parent["started_by"],
            "created_at": utc_now(),
            "started_at": None,
            "ended_at": None,
            "duration_ms": None,
            "failure": None,
            "counts": None,
            "last_seq": 0,
            "priority": parent["priority"],
            "parent_id": self.parent,
            "parent_node": self.node,
            "parent_scope": self.scope,
        }


class FrozenFlows:
    """Definitions of called flows, as the runs that call them froze them; for one thread."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], str] = OrderedDict()

    def definition(self, session: Session, parent: str, name: str) -> str:
        """A flow as JSON, by the name that a run, or one around it, calls it by."""
        root = outermost_of(session, parent)
        key = root, name
        found = self._known.get(key)
        if found is None:
            text = session.scalar(select(_run.c.flows).where(_run.c.id == root))
            found = self._known[key] = json_text(json.loads(text or "{}").get(name) or {})
            if len(self._known) > _KNOWN:
                self._known.popitem(last=False)
        return found


def is_called(run_id: str, parent: str) -> Conflict:
    """What can be done with a whole run only was asked of one that another one called."""
    return Conflict(
        "Another run called this one, which is a part of it.",
        code="run.is_called",
        hint="Do it with the run that called it.",
        params={"id": run_id, "parent": parent},
    )


def next_number(session: Session, parent: str) -> int:
    """The number of the next run that a run calls."""
    newest = func.coalesce(func.max(_run.c.number), 0)
    return int(session.scalar(select(newest).where(_run.c.parent_id == parent)) or 0) + 1


def ancestors(session: Session, run_id: str) -> list[tuple[str, str]]:
    """The runs that led to a run, from the one that called it outwards: ids, and those of flows."""
    found: list[tuple[str, str]] = []
    parent = session.scalar(select(_run.c.parent_id).where(_run.c.id == run_id))
    while parent is not None:
        row = session.execute(
            select(_run.c.flow_id, _run.c.parent_id).where(_run.c.id == parent)
        ).one()
        found.append((parent, row.flow_id))
        parent = row.parent_id
    return found


def outermost_of(session: Session, run_id: str) -> str:
    """The run around a run that no other one called."""
    around = ancestors(session, run_id)
    return around[-1][0] if around else run_id


def descendants(session: Session, run_ids: Iterable[str]) -> list[str]:
    """All runs that these called, and those in turn."""
    found: list[str] = []
    waiting = list(run_ids)
    while waiting:
        some, waiting = waiting[:_AT_ONCE], waiting[_AT_ONCE:]
        below = list(session.scalars(select(_run.c.id).where(_run.c.parent_id.in_(some))))
        found += below
        waiting += below
    return found


def counts(session: Session, run_ids: Sequence[str]) -> dict[str, int]:
    """How many runs each of these called; those that called none are left out."""
    rows = session.execute(
        select(_run.c.parent_id, func.count())
        .where(_run.c.parent_id.in_(run_ids))
        .group_by(_run.c.parent_id)
    )
    return {parent: int(count) for parent, count in rows}


def ended_below_unended(session: Session, unended: Sequence[str]) -> list[tuple[str, str]]:
    """Runs that have ended, below runs that have not: the calling run, and the called one."""
    rows = session.execute(
        select(_run.c.parent_id, _run.c.id).where(
            _run.c.parent_id.is_not(None),
            col(RunRow.parent_id).in_(select(_run.c.id).where(_run.c.state.in_(unended))),
            _run.c.state.not_in(unended),
        )
    )
    return [(parent, run_id) for parent, run_id in rows]
