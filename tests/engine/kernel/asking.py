"""Callers of a `PipelineService`, and a pipeline behind it that a test plays by hand."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from weft_engine.kernel.pipeline_service import PipelineService, Request


class Context:
    subtask = 0
    parallelism = 1

    def __init__(self) -> None:
        self.woken = threading.Event()

    def wake(self) -> None:
        self.woken.set()

    def check(self) -> None: ...

    def now(self) -> int:
        return 0


class Calls:
    """Callers in threads of their own, and the two ends of the pipeline played by the test."""

    def __init__(self, service: PipelineService) -> None:
        self.service = service
        self.pool = ThreadPoolExecutor(20)
        self.context = Context()
        self.reader = service.source().reader(None, None, self.context)
        self.writer = service.sink().writer(0, 1, "0")

    def ask(self, value: Any, **how: Any) -> Any:
        before = len(self.service._queue) + len(self.service._queue._putters)
        future = self.pool.submit(self.service.call, value, **how)
        for _ in range(60_000):
            now = len(self.service._queue) + len(self.service._queue._putters)
            if now > before or future.done():
                break
            threading.Event().wait(0.001)
        return future

    def read(self, limit: int = 100) -> list[Request]:
        return self.reader.read(limit) or []

    def close(self) -> None:
        self.service.fail(RuntimeError("the test is over"))
        self.pool.shutdown()
