"""Where streams end."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import uuid4

from weft_engine.kernel.batch import Batch
from weft_engine.kernel.connectors import Sink
from weft_engine.kernel.physical import OperatorSpec
from weft_engine.kernel.runtime.operator import OperatorContext, StreamOperator
from weft_engine.kernel.streaming.failing import Failures


class WriteSink(StreamOperator):
    """Writes to a `connectors.Sink`; what it has prepared is committed by the coordinator.

    A write that fails is tried again as a whole. If the job is to live with failures, its records
    are then written one by one, so that only those that fail are given up.
    """

    def __init__(self, spec: OperatorSpec, sink: Sink[Any]) -> None:
        self._sink = sink

    def open(self, context: OperatorContext) -> None:
        super().open(context)
        self._failures = Failures(context)
        attempt = f"{context.job}-{context.subtask}-{context.attempt}-{uuid4().hex[:8]}"
        self._writer = self._sink.writer(context.subtask, context.parallelism, attempt)

    def process(self, port: int, batch: Batch) -> None:
        values = batch.values
        try:
            self._writer.write(values)
        except Exception as exc:  # noqa: BLE001 - whatever a sink raises is its failure
            if len(values) == 1 or self._failures.policy.on_error == "fail":
                self._failures.settle(exc, values, lambda: self._writer.write(values))
            else:
                self._write_each(values)

    def _write_each(self, values: Sequence[Any]) -> None:
        policy = self._failures.policy
        for attempt in range(1, policy.max_attempts):
            self.context.count("retries")
            self.context.pause(policy.delay(attempt))
            with suppress(Exception):
                self._writer.write(values)
                return
        for value in values:
            try:
                self._writer.write([value])
            except Exception as exc:  # noqa: BLE001 - as above
                self._failures.give_up(exc, [value], policy.max_attempts)

    def prepare(self, checkpoint: int) -> Any:
        return self._writer.prepare(checkpoint)

    def close(self) -> None:
        writer = getattr(self, "_writer", None)
        if writer is not None:
            writer.close()


class CollectResults(StreamOperator):
    """Keeps the records for whoever waits for the job: they are what it commits."""

    def __init__(self, spec: OperatorSpec) -> None:
        self._values: list[Any] = []

    def process(self, port: int, batch: Batch) -> None:
        self._values += batch.values

    def prepare(self, checkpoint: int) -> Any:
        values, self._values = self._values, []
        return values or None
