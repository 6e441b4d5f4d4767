"""Counters of one subtask: written by its own thread a few times a batch, read by anybody."""

import os
import platform
from array import array
from collections.abc import Sequence
from typing import Final

from weft_engine.kernel.metrics.process import memory_bytes
from weft_engine.kernel.metrics.sample import OperatorSample, SubtaskSample

FIELDS: Final = (
    "records_in",
    "records_out",
    "batches",
    "busy_ns",
    "errors",
    "retries",
    "late",
    "dropped",
    "state_entries",
    "state_bytes",
)
"""What is counted for every operator, in the order of a row."""

(
    RECORDS_IN,
    RECORDS_OUT,
    BATCHES,
    BUSY_NS,
    ERRORS,
    RETRIES,
    LATE,
    DROPPED,
    STATE_ENTRIES,
    STATE_BYTES,
) = range(len(FIELDS))

BUCKETS: Final = 48
"""Buckets of a latency histogram: bucket n counts what took less than 2**n nanoseconds."""

_HOST: Final = platform.node()


class SubtaskCounters:
    """A row of numbers for every operator of a subtask, and some for the subtask itself.

    Writing is `counters.rows[operator][BUSY_NS] += taken`; there is no lock, because one thread
    writes and a reader that is a batch behind does no harm.
    """

    __slots__ = (
        "batch_ns",
        "began_ms",
        "blocked_in_ns",
        "blocked_out_ns",
        "busy_ns",
        "queue_bytes",
        "queue_records",
        "rows",
        "uids",
        "watermark",
    )

    def __init__(self, uids: Sequence[str], began_ms: int = 0) -> None:
        self.uids = tuple(uids)
        self.began_ms = began_ms
        self.rows = [array("q", bytes(8 * len(FIELDS))) for _ in self.uids]
        self.batch_ns = array("q", bytes(8 * BUCKETS))
        self.busy_ns = 0
        self.blocked_in_ns = 0
        self.blocked_out_ns = 0
        self.watermark: int | None = None
        self.queue_records = 0
        self.queue_bytes = 0

    def worked(self, nanoseconds: int) -> None:
        """Count a batch that the whole subtask has worked on, without the time it was blocked."""
        self.busy_ns += nanoseconds
        self.batch_ns[min(nanoseconds.bit_length(), BUCKETS - 1)] += 1

    def count(self, operator: int, field: str, by: int = 1) -> None:
        """Add to a counter by its name; for what happens seldom."""
        self.rows[operator][FIELDS.index(field)] += by

    def sample(self, stage: int, subtask: int, attempt: int, now_ms: int) -> SubtaskSample:
        """How things stand."""
        return SubtaskSample(
            stage=stage,
            subtask=subtask,
            attempt=attempt,
            time_ms=now_ms,
            busy_ns=self.busy_ns,
            blocked_in_ns=self.blocked_in_ns,
            blocked_out_ns=self.blocked_out_ns,
            watermark=self.watermark,
            queue_records=self.queue_records,
            queue_bytes=self.queue_bytes,
            began_ms=self.began_ms,
            host=_HOST,
            pid=os.getpid(),
            memory_bytes=memory_bytes(),
            batch_ns=tuple(self.batch_ns),
            operators=tuple(
                OperatorSample(uid, *row) for uid, row in zip(self.uids, self.rows, strict=True)
            ),
        )
