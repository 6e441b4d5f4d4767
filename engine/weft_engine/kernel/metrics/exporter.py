"""Sends metrics and spans to an OpenTelemetry collector. What it cannot send, it drops."""

import json
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any, Final
from urllib.error import URLError
from urllib.parse import unquote, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from weft_engine.kernel.metrics import otlp

log = logging.getLogger(__name__)

HEADERS: Final = "OTEL_EXPORTER_OTLP_HEADERS"
"""The variable with headers for the collector, `name=value,…`, as OpenTelemetry knows it."""
_TIMEOUT_S: Final = 5.0
_LONGEST_PAUSE_S: Final = 60.0
_MOST_SPANS: Final = 2048
_REQUEST_SPANS: Final = 512


class Exporter:
    """Posts OTLP in JSON. Called from one thread, but for `add`."""

    def __init__(
        self, endpoint: str, job: str, id_: str, *, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        """Make it; nothing is sent yet.

        Args:
            endpoint: the collector, such as `http://localhost:4318`.
            job: the name of the job.
            id_: its id.
            seconds: a clock.

        Raises:
            ValueError: when the endpoint is no address of the web.
        """
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("an address such as http://localhost:4318")
        self._endpoint = endpoint.rstrip("/")
        self._job = job
        self._id = id_
        self._seconds = seconds
        self._headers = {"Content-Type": "application/json", **_headers()}
        self._spans: deque[otlp.Timed] = deque(maxlen=_MOST_SPANS)
        self._not_before = 0.0
        self._pause_s = 1.0
        self._silent = False
        self._opener = build_opener(_NoRedirect)

    def add(self, *spans: otlp.Timed) -> None:
        """Have spans sent with the next push; the oldest are dropped if there are too many."""
        self._spans.extend(spans)

    def push(self, metrics: Mapping[str, Any], *, last: bool = False) -> bool:
        """Send what there is; whether the collector has it. After a failure it waits a while.

        Args:
            metrics: the job's, as `JobMetrics.as_dict` gives them.
            last: there is no next time, so do not wait.
        """
        if not last and self._seconds() < self._not_before:
            return False
        try:
            self._post("metrics", otlp.metrics(metrics, time.time_ns()))
            while self._spans:
                self._push_spans()
        except (OSError, URLError, HTTPException, ValueError) as error:
            self._failed(error)
            return False
        self._pause_s = 1.0
        self._silent = False
        return True

    def _push_spans(self) -> None:
        count = min(len(self._spans), _REQUEST_SPANS)
        some = [self._spans.popleft() for _ in range(count)]
        self._post("traces", otlp.spans(self._job, self._id, some))

    def _post(self, what: str, body: Mapping[str, Any]) -> None:
        data = json.dumps(body, allow_nan=False).encode()
        request = Request(f"{self._endpoint}/v1/{what}", data, self._headers)  # noqa: S310 - checked
        with self._opener.open(request, timeout=_TIMEOUT_S) as answer:
            answer.read(65_536)

    def _failed(self, error: Exception) -> None:
        if not self._silent:
            log.warning("telemetry of the job %s cannot be sent: %s", self._job, error)
            self._silent = True
        self._not_before = self._seconds() + self._pause_s
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)


class _NoRedirect(HTTPRedirectHandler):
    """A collector does not send its clients elsewhere, least of all with their headers."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _headers() -> dict[str, str]:
    found = {}
    for part in os.environ.get(HEADERS, "").split(","):
        name, equals, value = part.partition("=")
        if equals and name.strip():
            found[name.strip()] = unquote(value.strip())
    return found
