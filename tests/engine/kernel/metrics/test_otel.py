"""What an OpenTelemetry collector is sent, as it says OTLP in JSON is to look."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from weft_engine.kernel import LocalEnvironment
from weft_engine.kernel.metrics.exporter import HEADERS, Exporter
from weft_engine.kernel.metrics.otlp import Timed
from weft_engine.kernel.program_errors import ProgramError

POINT = {"attributes", "startTimeUnixNano", "timeUnixNano"}


class Collector:
    """A collector that keeps everything."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.status = 200
        lock = threading.Lock()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    collector.requests.append((self.path, dict(self.headers), body))
                self.send_response(collector.status)
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def bodies(self, path: str) -> list[Any]:
        return [body for at, _, body in self.requests if at == path]

    def spans(self) -> list[dict[str, Any]]:
        return [
            span
            for body in self.bodies("/v1/traces")
            for resource in body["resourceSpans"]
            for scope in resource["scopeSpans"]
            for span in scope["spans"]
        ]


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.close()


def value(attributes: list[dict[str, Any]], key: str) -> Any:
    (found,) = [each["value"] for each in attributes if each["key"] == key]
    ((kind, inner),) = found.items()
    return int(inner) if kind == "intValue" else inner


class Failing:
    """Fails once."""

    def __init__(self) -> None:
        self.left = 1

    def __deepcopy__(self, memo: Any) -> "Failing":
        return self

    def __call__(self, record: int) -> int:
        if record == 700 and self.left:
            self.left = 0
            raise OSError("gone for a moment")
        return record


def test_a_job(collector: Collector) -> None:
    config = {
        "otel.endpoint": collector.endpoint,
        "batch.size": 16,
        "trace.every": 4,
        "tracing": True,
        "checkpoint.interval": "5ms",
        "restart.strategy": "fixed-delay",
        "restart.delay": 1,
    }
    env = LocalEnvironment("observed", config)
    stream = env.from_collection(range(2000)).map(Failing(), name="twice")
    stream.key_by(lambda x: x % 7).count().collect()
    job = env.submit()

    last = collector.bodies("/v1/metrics")[-1]
    assert set(last) == {"resourceMetrics"}
    (resource,) = last["resourceMetrics"]
    assert set(resource) == {"resource", "scopeMetrics"}
    assert value(resource["resource"]["attributes"], "service.name") == "weft"
    assert value(resource["resource"]["attributes"], "weft.job") == "observed"
    (scope,) = resource["scopeMetrics"]
    assert scope["scope"]["name"] == "weft"
    metrics = {metric["name"]: metric for metric in scope["metrics"]}
    records = metrics["weft.operator.records_in"]["sum"]
    assert records["isMonotonic"] is True
    assert records["aggregationTemporality"] == 2
    found = {value(p["attributes"], "weft.operator"): p for p in records["dataPoints"]}
    assert int(found["twice"]["asInt"]) == job.metrics().operator("twice").records_in
    assert int(metrics["weft.job.restarts"]["sum"]["dataPoints"][0]["asInt"]) == 1
    for metric in metrics.values():
        (data,) = [metric[kind] for kind in ("sum", "gauge", "histogram") if kind in metric]
        for point in data["dataPoints"]:
            assert set(point) >= POINT
            assert int(point["startTimeUnixNano"]) <= int(point["timeUnixNano"])
    for point in metrics["weft.stage.batch"]["histogram"]["dataPoints"]:
        assert len(point["bucketCounts"]) == len(point["explicitBounds"]) + 1
        assert sum(map(int, point["bucketCounts"])) == int(point["count"])

    check_spans(collector.spans(), job.checkpoints[0].id)


def check_spans(spans: list[dict[str, Any]], checkpoint: int) -> None:
    ids = {span["spanId"]: span for span in spans}
    assert len(ids) == len(spans)
    for span in spans:
        assert re.fullmatch("[0-9a-f]{32}", span["traceId"])
        assert re.fullmatch("[0-9a-f]{16}", span["spanId"])
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
        if "parentSpanId" in span:
            assert ids[span["parentSpanId"]]["traceId"] == span["traceId"]
    named = {name: [s for s in spans if s["name"] == name] for name in ids and _names(spans)}
    (root,) = named["job"]
    assert root["status"] == {"code": 1}
    assert value(root["attributes"], "weft.state") == "finished"
    (restart,) = named["restart"]
    assert "gone for a moment" in restart["status"]["message"]
    assert {span["parentSpanId"] for span in named["checkpoint"]} == {root["spanId"]}
    made = {value(span["attributes"], "weft.checkpoint") for span in named["checkpoint"]}
    assert checkpoint in made
    batches = {span["spanId"] for span in named["batch"]}
    assert {span["parentSpanId"] for span in named["twice"]} <= batches


def _names(spans: list[dict[str, Any]]) -> set[str]:
    return {span["name"] for span in spans}


def test_nothing_is_sent_unless_configured(collector: Collector) -> None:
    env = LocalEnvironment("quiet")
    env.from_collection([1]).collect()
    env.submit()
    assert collector.requests == []


@pytest.mark.parametrize("status", [500, 302])
def test_a_collector_that_fails_does_not_disturb(
    collector: Collector, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    collector.status = status
    env = LocalEnvironment("x", {"otel.endpoint": collector.endpoint, "metrics.interval": "10ms"})
    assert env.from_collection(range(100)).execute_and_collect() == list(range(100))
    assert len(collector.requests) >= 1
    said = [each for each in caplog.records if "telemetry" in each.getMessage()]
    assert len(said) == 1, "it is said once"


def test_there_is_no_collector() -> None:
    config = {"otel.endpoint": "http://127.0.0.1:9", "metrics.interval": "10ms"}
    env = LocalEnvironment("alone", config)
    assert env.from_collection([1, 2]).execute_and_collect() == [1, 2]


def test_after_a_failure_it_waits(collector: Collector) -> None:
    now = [0.0]
    metrics = _metrics()
    exporter = Exporter(collector.endpoint, "a", "a-1", seconds=lambda: now[0])
    exporter.add(Timed("t", "s", "span", 1, 2))
    collector.status = 503
    assert not exporter.push(metrics)
    assert not exporter.push(metrics)
    assert len(collector.requests) == 1
    now[0] = 1.5
    assert not exporter.push(metrics)
    now[0] = 2.0
    collector.status = 200
    assert not exporter.push(metrics), "twice as long after the second failure"
    assert exporter.push(metrics, last=True)
    assert [span["name"] for span in collector.spans()] == ["span"], "it was kept meanwhile"


def test_headers_come_from_the_environment(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HEADERS, "X-Tenant=weft, authorization=Bearer%20abc")
    assert Exporter(collector.endpoint, "a", "a-1").push(_metrics())
    headers = {name.lower(): value for name, value in collector.requests[0][1].items()}
    assert (headers["x-tenant"], headers["authorization"]) == ("weft", "Bearer abc")


@pytest.mark.parametrize("address", ["localhost:4318", "ftp://host", "http://me:pass@host"])
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(ProgramError):
        LocalEnvironment("x", {"otel.endpoint": address})


def _metrics() -> dict[str, Any]:
    env = LocalEnvironment("a")
    env.from_collection([1]).collect()
    return env.submit().metrics().as_dict()
