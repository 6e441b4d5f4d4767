"""Calling a node for many records at a time: how many, and which of them made it fail."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final

from weft_engine.compiler.activation import Lifted, LiftedMap, value_failed
from weft_engine.compiler.calls import Call
from weft_engine.kernel.operators.base import Batch, Emission
from weft_engine.nodes.node_type import NodeType
from weft_engine.nodes.ports import Work
from weft_engine.nodes.types import SKIP

FIRST: Final = 16
MOST: Final = 64
"""How many records a batch has at most, unless the node says otherwise."""
BOUND_S: Final = 1.0
"""How long a batch may take, unless the node says otherwise."""
_GAIN: Final = 0.95

Rows = Sequence[Mapping[str, Any]]
"""For each record the arguments by port."""


class BatchSize:
    """How many records to call a node for at a time.

    It doubles for as long as that makes a record cheaper and a batch does not take too long, and
    halves when a batch took too long or failed.
    """

    def __init__(self, most: int = MOST, bound_s: float = BOUND_S) -> None:
        self.most = max(most, 1)
        self._bound_s = bound_s
        self._best: float | None = None
        self.size = min(FIRST, self.most)

    @classmethod
    def of(cls, node: NodeType) -> "BatchSize":
        """As the settings of a node say, `batch_size` and `max_batch_s`."""
        most = getattr(node, "batch_size", None)
        bound = getattr(node, "max_batch_s", None)
        return cls(
            most if isinstance(most, int) else MOST,
            float(bound) if isinstance(bound, int | float) else BOUND_S,
        )

    def took(self, count: int, seconds: float) -> None:
        """Learn how long a batch took that succeeded."""
        if seconds > self._bound_s:
            self._shrink(count)
            self._best = 0.0  # there is nothing to gain from growing again
        elif count >= self.size:
            each = seconds / count
            if self._best is None or each < self._best * _GAIN:
                self._best = each
                self.size = min(self.size * 2, self.most)

    def failed(self, count: int) -> None:
        """Learn that a batch failed, for whatever reason."""
        self._shrink(count)
        self._best = None

    def _shrink(self, count: int) -> None:
        self.size = max(min(self.size, count) // 2, 1)


def gathers(node: NodeType, work: Work, timeout_s: float | None) -> bool:
    """Whether calls for single records are made together.

    Not where each has a time limit: nobody could say which of them took too long.
    """
    return work.batched and timeout_s is None and BatchSize.of(node).most > 1


@dataclass(frozen=True, slots=True)
class Failed:
    """Stands where the answer for a record would."""

    error: Exception


Answers = list[Sequence[Any] | Failed]
"""For each record what leaves by each output, or why it failed."""


def call_in_batches(call: Call, rows: Rows, size: BatchSize) -> Answers:
    """Call a node for some records; a batch that fails is cut until the record is found."""
    found: Answers = []
    todo = [rows] if rows else []
    while todo:
        part = todo.pop()
        if len(part) > size.size:
            todo += [part[size.size :], part[: size.size]]
            continue
        began = perf_counter()
        try:
            found += call.answers(call.batch(part), len(part))
        except Exception as error:  # noqa: BLE001 - whatever a node raises is its failure
            _cut(part, error, size, found, todo)
        else:
            size.took(len(part), perf_counter() - began)
    return found


async def await_in_batches(call: Call, rows: Rows, size: BatchSize) -> Answers:
    """As `call_in_batches`, for a node that waits."""
    found: Answers = []
    todo = [rows] if rows else []
    while todo:
        part = todo.pop()
        if len(part) > size.size:
            todo += [part[size.size :], part[: size.size]]
            continue
        began = perf_counter()
        try:
            answer: Awaitable[Any] = call.batch(part)
            found += call.answers(await answer, len(part))
        except Exception as error:  # noqa: BLE001 - whatever a node raises is its failure
            _cut(part, error, size, found, todo)
        else:
            size.took(len(part), perf_counter() - began)
    return found


def _cut(part: Rows, error: Exception, size: BatchSize, found: Answers, todo: list[Rows]) -> None:
    """A batch failed: of one record for certain because of that, else find out."""
    if len(part) == 1:
        found.append(Failed(error))
        return
    size.failed(len(part))
    middle = len(part) // 2
    todo += [part[middle:], part[:middle]]


class LiftedMapBatches(LiftedMap):
    """Calls a node for many records at a time; of the one stream it reads, with one output."""

    def __init__(self, call: Call, *, skips: bool) -> None:
        super().__init__(call, skips=skips)
        self._size = BatchSize.of(call.node)

    def apply(self, batch: Batch) -> Batch:
        """Answers for the records, in their order; `SKIP` where there is none."""
        if self._skips and any(record is SKIP for record in batch):
            return self._between(batch)
        out: Batch = []
        todo = [batch]
        while todo:
            part = todo.pop()
            if len(part) > self._size.size:
                todo += [part[self._size.size :], part[: self._size.size]]
            elif (answers := self._answers(part)) is not None:
                out += answers
            elif len(part) == 1:
                out += super().apply(part)  # by itself, as its policy says
            else:
                middle = len(part) // 2
                todo += [part[middle:], part[:middle]]
        return out

    def _answers(self, part: Batch) -> Batch | None:
        """What the node answers to some records; None when that failed."""
        call, began = self._call, perf_counter()
        try:
            answers = call.many(part)
        except Exception:  # noqa: BLE001 - the record that it fails for says why
            self._size.failed(len(part))
            return None
        self._size.took(len(part), perf_counter() - began)
        call.stats.taken += len(part)
        return answers

    def _between(self, batch: Batch) -> Batch:
        places = [at for at, record in enumerate(batch) if record is not SKIP]
        filled: Batch = [SKIP] * len(batch)
        found = self.apply([batch[at] for at in places])
        for at, value in zip(places, found, strict=True):
            filled[at] = value
        return filled


class LiftedBatches(Lifted):
    """Calls a node for many rows at a time; the answers keep the order of the rows."""

    def __init__(self, call: Call, places: int, streams: Sequence[int]) -> None:
        super().__init__(call, places, streams)
        self._size = BatchSize.of(call.node)

    def _work(self, rows: list[list[Any]]) -> Emission:
        call = self._call
        given = [call.arguments(row) for row in rows]
        answers = iter(
            call_in_batches(call, [each for each in given if each is not None], self._size)
        )
        outs: list[Batch] = [[] for _ in call.skipped()]
        for row, arguments in zip(rows, given, strict=True):
            results = call.skipped() if arguments is None else self._answer(row, next(answers))
            for out, value in zip(outs, results, strict=True):
                out.append(value)
        return tuple(enumerate(outs))

    def _answer(self, row: list[Any], answer: Sequence[Any] | Failed) -> Sequence[Any]:
        call = self._call
        call.stats.taken += 1
        if isinstance(answer, Failed):
            return value_failed(call, self.context, answer.error, row, 1)
        return [*answer, SKIP] if call.routed else answer
