"""Metrics as Prometheus reads them: the text format, version 0.0.4."""

from collections.abc import Iterable, Iterator, Mapping
from math import isnan
from typing import Any, Final, NamedTuple

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_FIRST_BUCKET: Final = 10
_LAST_BUCKET: Final = 36
_EVERY_BUCKET: Final = 2


class _Family(NamedTuple):
    """One metric: its name, what is said of it, and where its value stands."""

    name: str
    kind: str
    help: str
    key: str
    scale: float = 1.0


_OPERATOR: Final = (
    _Family("weft_records_in_total", "counter", "Records an operator was given.", "records_in"),
    _Family("weft_records_out_total", "counter", "Records an operator has emitted.", "records_out"),
    _Family("weft_batches_total", "counter", "Batches an operator was given.", "batches"),
    _Family("weft_busy_seconds_total", "counter", "An operator's own time.", "busy_s"),
    _Family("weft_record_errors_total", "counter", "Records that failed.", "errors"),
    _Family("weft_retries_total", "counter", "Attempts after the first.", "retries"),
    _Family("weft_late_records_total", "counter", "Records behind the watermark.", "late"),
    _Family("weft_dropped_records_total", "counter", "Records that were left out.", "dropped"),
    _Family("weft_state_entries", "gauge", "Entries of keyed state.", "state_entries"),
    _Family("weft_state_bytes", "gauge", "About how large keyed state is.", "state_bytes"),
)
_STAGE: Final = (
    _Family("weft_stage_busy_ratio", "gauge", "Share of the time that is work.", "busy"),
    _Family("weft_stage_blocked_in_ratio", "gauge", "Share spent waiting for input.", "blocked_in"),
    _Family("weft_stage_blocked_out_ratio", "gauge", "Share spent on backpressure.", "blocked_out"),
    _Family("weft_queue_records", "gauge", "Records that wait before a stage.", "queue_records"),
    _Family("weft_queue_bytes", "gauge", "About how large these are.", "queue_bytes"),
    _Family(
        "weft_watermark_lag_seconds",
        "gauge",
        "How far event time is behind the clock.",
        "watermark_lag_ms",
        1e-3,
    ),
)
_JOB: Final = (
    _Family("weft_job_restarts_total", "counter", "How often a job was started again.", "restarts"),
    _Family("weft_job_uptime_seconds", "gauge", "How long the attempt is at work.", "uptime_s"),
    _Family("weft_memory_bytes", "gauge", "Memory of all processes of a job.", "memory_bytes"),
)
_CHECKPOINTS: Final = (
    _Family("weft_checkpoints_total", "counter", "Checkpoints completed.", "completed"),
    _Family("weft_checkpoints_failed_total", "counter", "Checkpoints that failed.", "failed"),
    _Family(
        "weft_checkpoint_duration_seconds",
        "gauge",
        "How long the last one took.",
        "last_duration_s",
    ),
    _Family(
        "weft_checkpoint_pause_seconds",
        "gauge",
        "How long a subtask stood still for the last one.",
        "last_pause_ms",
        1e-3,
    ),
    _Family("weft_checkpoint_bytes", "gauge", "How large the last one is.", "last_bytes"),
)


def exposition(jobs: Iterable[Mapping[str, Any]]) -> str:
    """The text for some jobs, as `JobMetrics.as_dict` gives them."""
    known = list(jobs)
    lines: list[str] = []
    for families, rows in (
        (_JOB, _job_rows(known)),
        (_CHECKPOINTS, _checkpoint_rows(known)),
        (_OPERATOR, _operator_rows(known)),
        (_STAGE, _stage_rows(known)),
    ):
        for family in families:
            lines += _family(family, rows)
    lines += _states(known)
    lines += _histogram(known)
    return "".join(f"{line}\n" for line in lines)


Row = tuple[dict[str, str], Mapping[str, Any]]


def _job_rows(jobs: list[Mapping[str, Any]]) -> list[Row]:
    return [(_of_job(job), job) for job in jobs]


def _checkpoint_rows(jobs: list[Mapping[str, Any]]) -> list[Row]:
    return [(_of_job(job), job["checkpoints"]) for job in jobs]


def _operator_rows(jobs: list[Mapping[str, Any]]) -> list[Row]:
    return [
        ({**_of_job(job), "operator": each["name"], "uid": each["uid"]}, each)
        for job in jobs
        for each in job["operators"]
    ]


def _stage_rows(jobs: list[Mapping[str, Any]]) -> list[Row]:
    return [
        ({**_of_job(job), "stage": str(each["id"]), "stage_name": each["name"]}, each)
        for job in jobs
        for each in job["stages"]
    ]


def _of_job(job: Mapping[str, Any]) -> dict[str, str]:
    return {"job": job["job"], "job_id": job["id"]}


def _family(family: _Family, rows: list[Row]) -> Iterator[str]:
    known = [(labels, row[family.key]) for labels, row in rows if row.get(family.key) is not None]
    if not known:
        return
    yield from _head(family.name, family.kind, family.help)
    for labels, value in known:
        scaled = value if family.scale == 1.0 else value * family.scale
        yield f"{family.name}{_labels(labels)} {_number(scaled)}"


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n")
    yield f"# HELP {name} {escaped}"
    yield f"# TYPE {name} {kind}"


def _states(jobs: list[Mapping[str, Any]]) -> Iterator[str]:
    if jobs:
        yield from _head("weft_job_state", "gauge", "1 for the state that a job is in.")
    for job in jobs:
        yield f"weft_job_state{_labels({**_of_job(job), 'state': job['state']})} 1"


def _histogram(jobs: list[Mapping[str, Any]]) -> Iterator[str]:
    name = "weft_batch_seconds"
    rows = [(labels, row) for labels, row in _stage_rows(jobs) if sum(row["batch_ns"])]
    if rows:
        yield from _head(name, "histogram", "How long a batch keeps a subtask busy.")
    for labels, row in rows:
        counts = row["batch_ns"]
        for bucket in range(_FIRST_BUCKET, _LAST_BUCKET + 1, _EVERY_BUCKET):
            le = _number(2**bucket / 1e9)
            yield f"{name}_bucket{_labels({**labels, 'le': le})} {sum(counts[: bucket + 1])}"
        yield f"{name}_bucket{_labels({**labels, 'le': '+Inf'})} {sum(counts)}"
        yield f"{name}_sum{_labels(labels)} {_number(row['busy_s'])}"
        yield f"{name}_count{_labels(labels)} {sum(counts)}"


def _labels(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    if isnan(value):
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    return repr(float(value))
