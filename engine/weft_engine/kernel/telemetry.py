"""Tells the world how a job does: files for `weft monitor`, Prometheus, OpenTelemetry.

Whatever goes wrong here is logged, and the job goes on.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from weft_engine.errors import said
from weft_engine.kernel.coordinator import Job, JobEvent
from weft_engine.kernel.metrics import otlp
from weft_engine.kernel.metrics.endpoint import Endpoint
from weft_engine.kernel.metrics.exporter import Exporter
from weft_engine.kernel.metrics.prometheus import exposition
from weft_engine.kernel.runtime.job_spec import JobSpec
from weft_engine.kernel.status_writer import StatusWriter

log = logging.getLogger(__name__)

_JOIN_S: Final = 15.0


class Part(Protocol):
    """One way to tell."""

    def event(self, event: JobEvent) -> None:
        """Something has happened to the job; called in its thread."""

    def tick(self, metrics: Mapping[str, Any]) -> None:
        """An interval has passed."""

    def close(self, metrics: Mapping[str, Any]) -> None:
        """The job is over."""


class Telemetry:
    """All that is told of one job."""

    def __init__(self, spec: JobSpec, backend: str) -> None:
        """Prepare what the job's settings ask for; nothing if they do not."""
        self._interval_s = spec.settings.metrics_interval_s
        self._job: Job | None = None
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._closed = False
        self._broken: set[int] = set()
        self._thread: threading.Thread | None = None
        self._parts: list[Part] = []
        for make in _makers(spec, backend, self._metrics):
            try:
                self._parts.append(make())
            except (OSError, ValueError) as error:
                log.warning("telemetry of the job %s is not available: %s", spec.id, said(error))

    def event(self, event: JobEvent) -> None:
        """Pass an event of the job on."""
        for part in self._parts:
            self._safely(part, part.event, event)

    def follow(self, job: Job) -> None:
        """Tell how this job does, until it is over."""
        self._job = job
        if self._parts:
            self._thread = threading.Thread(target=self._run, name="weft-telemetry", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Tell the last of it, once; whoever calls it again waits until that is done."""
        self._over.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(_JOIN_S)
        with self._lock:
            if self._closed:
                return
            self._closed = True
            metrics = self._metrics()
            for part in self._parts:
                self._safely(part, part.close, metrics)

    def _metrics(self) -> dict[str, Any]:
        return self._job.metrics().as_dict() if self._job is not None else {}

    def _run(self) -> None:
        while True:
            metrics = self._metrics()
            for part in self._parts:
                self._safely(part, part.tick, metrics)
            if self._over.wait(self._interval_s):
                return

    def _safely(self, part: Part, work: Callable[[Any], None], what: Any) -> None:
        try:
            work(what)
        except Exception as error:  # noqa: BLE001 - telemetry must not disturb the job
            if id(part) not in self._broken:
                self._broken.add(id(part))
                log.warning("telemetry has failed: %s: %s", type(part).__name__, said(error))


def _makers(
    spec: JobSpec, backend: str, metrics: Callable[[], Mapping[str, Any]]
) -> Sequence[Callable[[], Part]]:
    settings = spec.settings
    makers: list[Callable[[], Part]] = []
    if settings.status_dir is not None:
        jobs = Path(settings.status_dir)
        makers.append(lambda: StatusWriter(jobs, spec, backend, settings.log_level))
    if settings.metrics_port is not None:
        port = settings.metrics_port
        makers.append(lambda: _Prometheus(port, metrics, spec.plan.job))
    if settings.otel_endpoint is not None:
        endpoint = settings.otel_endpoint
        makers.append(lambda: _OpenTelemetry(endpoint, spec))
    return makers


class _Prometheus:
    """Metrics for whoever asks for them."""

    def __init__(self, port: int, metrics: Callable[[], Mapping[str, Any]], job: str) -> None:
        def text() -> str:
            found = metrics()
            return exposition([found] if found else [])

        self._endpoint = Endpoint(port, text)
        log.info("metrics of the job %s: http://127.0.0.1:%d/metrics", job, self._endpoint.port)

    def event(self, event: JobEvent) -> None:
        pass

    def tick(self, metrics: Mapping[str, Any]) -> None:
        pass

    def close(self, metrics: Mapping[str, Any]) -> None:
        self._endpoint.close()


class _OpenTelemetry:
    """Metrics, and spans for the job, its checkpoints, its restarts and its traced batches."""

    def __init__(self, endpoint: str, spec: JobSpec) -> None:
        self._id = spec.id
        self._name = spec.plan.job
        self._exporter = Exporter(endpoint, spec.plan.job, spec.id)
        self._start_ns = time.time_ns()
        self._restarting_ns: int | None = None
        self._why = ""
        self._error = ""

    def event(self, event: JobEvent) -> None:
        now = time.time_ns()
        match event.kind:
            case "metrics":
                self._exporter.add(*otlp.batches(self._id, event.data.get("spans", ())))
            case "checkpoint":
                stats = event.data["stats"]
                about = {
                    "weft.checkpoint": stats.id,
                    "weft.checkpoint.kind": stats.kind,
                    "weft.checkpoint.bytes": stats.size,
                    "weft.checkpoint.pause_ms": stats.pause_ms,
                }
                start = now - int(stats.duration_s * 1e9)
                self._add(f"checkpoint-{stats.id}", "checkpoint", start, now, about)
            case "checkpoint_failed":
                error = said(event.data["error"])
                self._add(f"checkpoint-failed-{now}", "checkpoint", now, now, {}, error)
            case "failure":
                self._why = said(event.data["error"])
            case "state":
                self._state(event.data, now)

    def _state(self, data: Mapping[str, Any], now: int) -> None:
        if data["state"] == "restarting":
            self._restarting_ns = now
        elif data["state"] == "running" and self._restarting_ns is not None:
            about = {"weft.attempt": data["attempt"]}
            start, self._restarting_ns = self._restarting_ns, None
            self._add(f"restart-{data['attempt']}", "restart", start, now, about, self._why)
        elif data["state"] == "failed":
            self._error = said(data["error"]) if data.get("error") else "failed"

    def _add(
        self, id_: str, name: str, start: int, end: int, about: Mapping[str, Any], error: str = ""
    ) -> None:
        own = f"{self._id}/{id_}"
        span = otlp.Timed(self._id, own, name, start, end, self._id, error, about)
        self._exporter.add(span)

    def tick(self, metrics: Mapping[str, Any]) -> None:
        self._exporter.push(metrics)

    def close(self, metrics: Mapping[str, Any]) -> None:
        if not metrics:
            return  # it never began
        about = {"weft.job": self._name, "weft.state": metrics["state"]}
        end = time.time_ns()
        self._exporter.add(
            otlp.Timed(
                self._id, self._id, "job", self._start_ns, end, error=self._error, attributes=about
            )
        )
        self._exporter.push(metrics, last=True)
