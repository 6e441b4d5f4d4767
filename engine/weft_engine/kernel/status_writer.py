"""Writes what `status` reads."""

import logging
import time
from collections.abc import Mapping
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Final

from weft_engine.errors import WeftError, said
from weft_engine.kernel import status
from weft_engine.kernel.coordinator import JobFailedError
from weft_engine.kernel.logs import JsonLines
from weft_engine.kernel.runtime.job_spec import JobSpec

LOGGER: Final = "weft_engine.kernel"
"""What jobs log to."""
_MOST_BYTES: Final = 4 * 2**20


class StatusWriter:
    """Keeps the files of one job up to date."""

    def __init__(self, jobs: Path, spec: JobSpec, backend: str, level: str) -> None:
        """Make its folder, and begin to log into it.

        Raises:
            OSError: when it cannot be written.
        """
        status.make_folder(jobs)
        status.prune(jobs)
        self._folder = status.folder_of(jobs, spec.id)
        status.make_folder(self._folder)
        self._about: dict[str, Any] = {
            "format": status.FORMAT,
            "id": spec.id,
            "name": spec.plan.job,
            **status.this_process(),
            "started_ms": _now_ms(),
            "state": "created",
            "attempt": 0,
            "backend": backend,
            "plan": _plan(spec),
        }
        self._write()
        self._handler = RotatingFileHandler(
            self._folder / status.LOG, maxBytes=_MOST_BYTES, backupCount=1, encoding="utf-8"
        )
        self._handler.setFormatter(JsonLines())
        self._handler.setLevel(level)
        self._handler.addFilter(_OfJob(spec.id))
        logging.getLogger(LOGGER).addHandler(self._handler)

    def event(self, event: Any) -> None:
        """Something has happened (`JobEvent`)."""
        if event.kind != "state":
            return
        state, attempt = event.data["state"], event.data["attempt"]
        if (state, attempt) == (self._about["state"], self._about["attempt"]):
            return
        self._about |= {"state": state, "attempt": max(0, attempt)}
        if state in status.OVER:
            self._about["ended_ms"] = _now_ms()
        error = event.data.get("error")
        if error is not None:
            self._about["error"] = _error(error)
        self._write()

    def tick(self, metrics: Mapping[str, Any]) -> None:
        """Write the metrics."""
        status.replace_json(self._folder / status.METRICS, metrics)

    def close(self, metrics: Mapping[str, Any]) -> None:
        """The job is over, or nobody looks after it any more."""
        logging.getLogger(LOGGER).removeHandler(self._handler)
        self._handler.close()
        if metrics:
            self.tick(metrics)
        if self._about["state"] not in status.OVER:  # it never began
            self._about |= {"state": "failed", "ended_ms": _now_ms()}
            self._write()

    def _write(self) -> None:
        status.replace_json(self._folder / status.JOB, self._about)


class _OfJob(logging.Filter):
    """Lets lines of one job through, and those that belong to none in particular."""

    def __init__(self, id_: str) -> None:
        super().__init__()
        self._id = id_

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(record, "job", self._id) == self._id


def _plan(spec: JobSpec) -> dict[str, Any]:
    """What the job is made of, without anything that its author has written but names."""
    return {
        "stages": [
            {
                "id": stage.id,
                "name": stage.name,
                "parallelism": stage.parallelism,
                "operators": [
                    {"uid": each.uid, "name": each.name, "kind": each.kind}
                    for each in stage.operators
                ],
            }
            for stage in spec.plan.stages
        ],
        "edges": [
            {"source": edge.source, "target": edge.target, "exchange": edge.exchange}
            for edge in spec.plan.edges
        ],
    }


def _error(error: BaseException) -> dict[str, Any]:
    """An error without its parameters: those may hold a part of a record."""
    known = error if isinstance(error, WeftError) else None
    message = known.message if known else said(error)
    found: dict[str, Any] = {}
    if isinstance(error, JobFailedError):
        report = error.report  # its message without the record
        found = {"operator": report.operator, "uid": report.uid, "subtask": report.subtask}
        message = f"{report.type}: {report.message}"
    return {
        **found,
        "code": known.code if known else "node.crashed",
        "type": type(error).__qualname__,
        "message": message[:500],
        "hint": known.hint if known else "",
    }


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
