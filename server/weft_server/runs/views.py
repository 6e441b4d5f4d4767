"""Runs as the API shows them, whether under way or stored."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from weft_engine.runs.events import RunEvent
from weft_engine.runs.survey import Survey
from weft_server.runs.again_schemas import AgainPlan
from weft_server.runs.live import LiveRun
from weft_server.runs.live_nodes import LiveNode
from weft_server.runs.repository import StoredRun
from weft_server.runs.schemas import (
    ActivationInfo,
    NodeRunInfo,
    RunInfo,
    RunParent,
    RunPerson,
)
from weft_server.runs.tables import RunActivationRow, RunEventRow, RunNodeRow


def of_live(run: LiveRun) -> RunInfo:
    """A run under way."""
    row = run.row
    return RunInfo(
        id=run.id,
        number=row["number"],
        flow_id=row["flow_id"],
        workspace_id=row["workspace_id"],
        state=row["state"],
        env=row["env"],
        inputs=json.loads(row["inputs"]),
        from_node=row["from_node"],
        to_node=row["to_node"],
        started_by=person(row["started_by"], run.starter),
        created_at=row["created_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        duration_ms=row["duration_ms"],
        failure=row["failure"],
        last_seq=run.seq,
        **_more(row, row["paused"], list(run.stopped.values())),
        children=run.called,
        breakpoints=loaded(row["breakpoints"]) or [],
        nodes={name: _live_node(node) for name, node in run.nodes.items()},
    )


def of_row(
    stored: StoredRun, nodes: Iterable[RunNodeRow] | None = None, *, children: int = 0
) -> RunInfo:
    """A stored run; without nodes as lists show it, which leave out what may be large."""
    row = stored.row
    return RunInfo(
        id=row.id,
        number=row.number,
        flow_id=row.flow_id,
        workspace_id=row.workspace_id,
        state=row.state,
        env=row.env,
        inputs={} if nodes is None else json.loads(row.inputs),
        from_node=row.from_node,
        to_node=row.to_node,
        started_by=person(row.started_by, stored.starter),
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        duration_ms=row.duration_ms,
        failure=loaded(row.failure),
        last_seq=row.last_seq,
        **_more(vars(row), loaded(row.paused), loaded(row.stopped) or ()),
        children=children,
        breakpoints=[] if nodes is None else loaded(row.breakpoints) or [],
        nodes={node.node: of_node_row(node) for node in nodes or ()},
    )


def _more(
    row: Mapping[str, Any], paused: Mapping[str, Any] | None, stopped: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """What a run is, where it comes from, and why it stands still."""
    trigger = loaded(row["trigger"])
    return {
        "mode": row["mode"],
        "priority": row["priority"],
        "trigger": trigger if trigger and trigger.get("node") is not None else None,
        "forked_from": row["forked_from"],
        "parent": _parent(row),
        "pause_reason": (paused or {}).get("reason"),
        "waits": (paused or {}).get("waits") or [],
        "stopped": [{**stop, "ports": sorted(stop.get("values") or ())} for stop in stopped],
    }


def _parent(row: Mapping[str, Any]) -> RunParent | None:
    if row["parent_id"] is None:
        return None
    around = str(row["parent_scope"] or "").rpartition("/")[0]
    return RunParent(run=row["parent_id"], node=row["parent_node"] or "", scope=around)


def of_activation_row(row: RunActivationRow, given: Mapping[str, Any]) -> ActivationInfo:
    """A stored activation; `given` is what the node gave, where it is activated once."""
    return ActivationInfo(
        node=row.node,
        scope=row.scope,
        state=row.state,
        attempts=row.attempts,
        started_at=row.started_at,
        ended_at=row.ended_at,
        duration_ms=row.duration_ms,
        inputs=loaded(row.inputs) or {},
        outputs=(loaded(row.outputs) or {}) if row.scope else given,
        failure=loaded(row.failure),
        worker=row.worker,
        edited=loaded(row.edited) or {},
    )


def of_survey(survey: Survey) -> AgainPlan:
    """What a run takes over of another."""
    return AgainPlan.model_validate(msgspec.to_builtins(survey))


def person(user_id: str | None, name: str | None) -> RunPerson | None:
    """Who started a run; nobody once the account is gone."""
    return None if user_id is None else RunPerson(id=user_id, name=name or "")


def of_node_row(row: RunNodeRow) -> NodeRunInfo:
    """A stored node of a run."""
    return NodeRunInfo(
        state=row.state,
        attempts=row.attempts,
        started_at=row.started_at,
        ended_at=row.ended_at,
        duration_ms=row.duration_ms,
        failure=loaded(row.failure),
        **_counts(loaded(row.counts) or {}),
    )


def _live_node(node: LiveNode) -> NodeRunInfo:
    return NodeRunInfo(
        state=node.state,
        attempts=node.attempts,
        started_at=node.started_at,
        ended_at=node.ended_at,
        duration_ms=node.duration_ms,
        failure=node.failure,
        **_counts(node.counts),
    )


def _counts(counts: Mapping[str, Any]) -> dict[str, Any]:
    totals = {key: counts[key] for key in ("done", "total", "failed") if key in counts}
    told = {"reason": counts.get("reason"), **totals}
    return {"count_in": counts.get("in") or 0, "count_out": counts.get("out") or {}, **told}


def event_of_row(row: RunEventRow) -> dict[str, Any]:
    """A stored event as readers get it: flat."""
    event = RunEvent(
        seq=row.seq,
        at=row.at,
        type=row.type,
        run=row.run_id,
        node=row.node,
        data=json.loads(row.data),
    )
    return event.as_dict()


def loaded(text: str | None) -> Any:
    """What a JSON column holds."""
    return None if text is None else json.loads(text)
