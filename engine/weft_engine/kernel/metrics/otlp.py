"""Metrics and spans as OpenTelemetry's protocol (OTLP) has them, in its JSON form."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from weft_engine.kernel.tracing import Span

_SCOPE: Final = {"name": "weft"}
_CUMULATIVE: Final = 2
_INTERNAL: Final = 1
_OK: Final = 1
_ERROR: Final = 2

_SUMS: Final = {
    "weft.operator.records_in": ("records_in", "{record}"),
    "weft.operator.records_out": ("records_out", "{record}"),
    "weft.operator.batches": ("batches", "{batch}"),
    "weft.operator.busy": ("busy_s", "s"),
    "weft.operator.errors": ("errors", "{record}"),
    "weft.operator.retries": ("retries", "{retry}"),
    "weft.operator.late": ("late", "{record}"),
    "weft.operator.dropped": ("dropped", "{record}"),
}
_OPERATOR_GAUGES: Final = {
    "weft.operator.state_entries": ("state_entries", "{entry}"),
    "weft.operator.state_bytes": ("state_bytes", "By"),
}
_STAGE_GAUGES: Final = {
    "weft.stage.busy": ("busy", "1"),
    "weft.stage.blocked_in": ("blocked_in", "1"),
    "weft.stage.blocked_out": ("blocked_out", "1"),
    "weft.stage.queue_records": ("queue_records", "{record}"),
    "weft.stage.queue_bytes": ("queue_bytes", "By"),
    "weft.stage.watermark_lag": ("watermark_lag_ms", "ms"),
}


def resource(job: str, id_: str) -> dict[str, Any]:
    """Who reports."""
    return {
        "attributes": attributes(
            {"service.name": "weft", "service.instance.id": id_, "weft.job": job}
        )
    }


def attributes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Attributes; those that are None are left out."""
    return [{"key": key, "value": _value(v)} for key, v in values.items() if v is not None]


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": str(value)}


# Metrics


def metrics(job: Mapping[str, Any], now_ns: int) -> dict[str, Any]:
    """What `POST /v1/metrics` takes, for a job as `JobMetrics.as_dict` gives it."""
    start = now_ns - int(job["uptime_s"] * 1e9)
    stamps = {"startTimeUnixNano": str(start), "timeUnixNano": str(now_ns)}
    found = [
        *_sums(job, stamps),
        *_gauges(_OPERATOR_GAUGES, job["operators"], _operator, stamps),
        *_gauges(_STAGE_GAUGES, job["stages"], _stage, stamps),
        _histogram(job, stamps),
        *_of_job(job, stamps),
    ]
    scope = {"scope": _SCOPE, "metrics": found}
    return {
        "resourceMetrics": [{"resource": resource(job["job"], job["id"]), "scopeMetrics": [scope]}]
    }


def _sums(job: Mapping[str, Any], stamps: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "unit": unit,
            "sum": {
                "aggregationTemporality": _CUMULATIVE,
                "isMonotonic": True,
                "dataPoints": [_point(o[key], _operator(o), stamps) for o in job["operators"]],
            },
        }
        for name, (key, unit) in _SUMS.items()
    ]


def _gauges(
    table: Mapping[str, tuple[str, str]],
    rows: Sequence[Mapping[str, Any]],
    labels: Any,
    stamps: Mapping[str, str],
) -> list[dict[str, Any]]:
    found = []
    for name, (key, unit) in table.items():
        points = [_point(row[key], labels(row), stamps) for row in rows if row[key] is not None]
        if points:
            found.append({"name": name, "unit": unit, "gauge": {"dataPoints": points}})
    return found


def _of_job(job: Mapping[str, Any], stamps: Mapping[str, str]) -> list[dict[str, Any]]:
    checkpoints = job["checkpoints"]
    counts = {
        "weft.job.restarts": (job["restarts"], "{restart}"),
        "weft.job.checkpoints": (checkpoints["completed"], "{checkpoint}"),
        "weft.job.checkpoints_failed": (checkpoints["failed"], "{checkpoint}"),
    }
    values = {
        "weft.job.memory": (job["memory_bytes"], "By"),
        "weft.job.checkpoint_duration": (checkpoints["last_duration_s"], "s"),
        "weft.job.checkpoint_pause": (checkpoints["last_pause_ms"], "ms"),
        "weft.job.checkpoint_size": (checkpoints["last_bytes"], "By"),
    }
    found: list[dict[str, Any]] = [
        {
            "name": name,
            "unit": unit,
            "sum": {
                "aggregationTemporality": _CUMULATIVE,
                "isMonotonic": True,
                "dataPoints": [_point(value, {}, stamps)],
            },
        }
        for name, (value, unit) in counts.items()
    ]
    return found + [
        {"name": name, "unit": unit, "gauge": {"dataPoints": [_point(value, {}, stamps)]}}
        for name, (value, unit) in values.items()
        if value is not None
    ]


def _histogram(job: Mapping[str, Any], stamps: Mapping[str, str]) -> dict[str, Any]:
    points = [
        {
            **stamps,
            "attributes": attributes(_stage(stage)),
            "count": str(sum(stage["batch_ns"])),
            "sum": stage["busy_s"],
            "bucketCounts": [str(count) for count in stage["batch_ns"]],
            "explicitBounds": [2**n / 1e9 for n in range(len(stage["batch_ns"]) - 1)],
        }
        for stage in job["stages"]
        if stage["batch_ns"]
    ]
    return {
        "name": "weft.stage.batch",
        "unit": "s",
        "histogram": {"aggregationTemporality": _CUMULATIVE, "dataPoints": points},
    }


def _point(value: float, labels: Mapping[str, Any], stamps: Mapping[str, str]) -> dict[str, Any]:
    number = {"asInt": str(value)} if isinstance(value, int) else {"asDouble": float(value)}
    return {**stamps, "attributes": attributes(labels), **number}


def _operator(operator: Mapping[str, Any]) -> dict[str, Any]:
    return {"weft.operator": operator["name"], "weft.uid": operator["uid"]}


def _stage(stage: Mapping[str, Any]) -> dict[str, Any]:
    return {"weft.stage": stage["name"], "weft.stage.id": stage["id"]}


# Spans


@dataclass(frozen=True, slots=True)
class Timed:
    """Something that took its time."""

    trace: str
    """What belongs together has the same, whatever it is."""
    id: str
    name: str
    start_ns: int
    end_ns: int
    parent: str = ""
    error: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)


def spans(job: str, id_: str, timed: Iterable[Timed]) -> dict[str, Any]:
    """What `POST /v1/traces` takes."""
    scope = {"scope": _SCOPE, "spans": [_span(each) for each in timed]}
    return {"resourceSpans": [{"resource": resource(job, id_), "scopeSpans": [scope]}]}


def _span(timed: Timed) -> dict[str, Any]:
    span: dict[str, Any] = {
        "traceId": _hex(timed.trace, 32),
        "spanId": _hex(timed.id, 16),
        "name": timed.name,
        "kind": _INTERNAL,
        "startTimeUnixNano": str(timed.start_ns),
        "endTimeUnixNano": str(timed.end_ns),
        "attributes": attributes(timed.attributes),
        "status": {"code": _ERROR, "message": timed.error} if timed.error else {"code": _OK},
    }
    if timed.parent:
        span["parentSpanId"] = _hex(timed.parent, 16)
    return span


def _hex(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]


def batches(id_: str, found: Iterable[Span]) -> list[Timed]:
    """A span for every traced batch, and one below it for each of its operators.

    How long an operator worked is known, but not when, for it may have had several turns: they are
    laid one behind the other.
    """
    by_trace: dict[str, list[Span]] = {}
    for span in found:
        by_trace.setdefault(span.trace, []).append(span)
    timed: list[Timed] = []
    for name, group in by_trace.items():
        first, trace = group[0], f"{id_}/{name}"
        at = first.start_ns
        end = at + sum(span.work_ns for span in group)
        about = {
            "weft.stage.id": first.stage,
            "weft.subtask": first.subtask,
            "weft.attempt": first.attempt,
            "weft.queue_ns": first.queue_ns,
        }
        timed.append(Timed(trace, trace, "batch", at, end, attributes=about))
        for span in group:
            own = {"weft.uid": span.uid, "weft.records": span.records}
            until = at + span.work_ns
            timed.append(
                Timed(trace, f"{trace}/{span.uid}", span.name, at, until, trace, attributes=own)
            )
            at = until
    return timed
