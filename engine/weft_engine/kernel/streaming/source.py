"""Reads a `connectors.Source`: splits dealt to subtasks, positions in the checkpoint."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from weft_engine.errors import ResourceError
from weft_engine.kernel import codes  # noqa: F401 - registers the codes
from weft_engine.kernel.batch import Batch
from weft_engine.kernel.connectors import Reader, Source
from weft_engine.kernel.physical import OperatorSpec
from weft_engine.kernel.runtime.operator import OperatorContext, Pull, SourceOperator
from weft_engine.kernel.streaming.failing import Failures

_FIRST_WAIT_S: Final = 0.001
_LONGEST_WAIT_S: Final = 0.1
_MORE: Final = Pull("more")


class SplitPosition(NamedTuple):
    """How far a split was read; a piece of the source's state."""

    split: int
    position: Any
    done: bool
    splits: tuple[Any, ...]
    """All splits the source had: they are found again by what they are, because others may have
    come before them, and those that are new begin anew."""


@dataclass(slots=True)
class _Split:
    number: int
    position: Any = None
    reader: Reader[Any] | None = None
    done: bool = False
    attempt: int = 1
    again_at: int | None = None
    """Not to be read before, in processing time, because it has failed."""


class ReadSource(SourceOperator):
    """Subtask i of P reads the splits i, i + P and so on.

    One after the other if the source is bounded, else in turns. A read that fails is tried again
    from the last position, as often as the policy says; after that the job fails, or (`skip`,
    `continue`, `route`) the split is left as it is.
    """

    def __init__(
        self, spec: OperatorSpec, source: Source[Any], read_limit: int | None = None
    ) -> None:
        self._spec = spec
        self._source = source
        self._limit = read_limit
        self._splits: list[_Split] = []
        self._positions: dict[int, dict[int, Any]] = {}
        self._turn = 0
        self._wait_s = _FIRST_WAIT_S

    def open(self, context: OperatorContext) -> None:
        super().open(context)
        self._failures = Failures(context)
        self._all = tuple(self._source.splits())

    def restore(self, pieces: Sequence[Any]) -> None:
        """Go on where the pieces say.

        Splits that are new since then are dealt like at first, but to nobody who has ended.
        """
        held = [SplitPosition(*piece) for piece in pieces]
        every = [*held, *(SplitPosition(*piece) for piece in self.context.peers)]
        before = max((piece.splits for piece in every), default=(), key=len)
        numbers = _found_again(before, self._all)
        for piece in held:
            number = numbers.get(piece.split)
            if number is not None:
                self._splits.append(_Split(number, piece.position, done=piece.done))
            elif not piece.done:
                raise _gone(before[piece.split])
        known = set(numbers.values())
        new = [number for number in range(len(self._all)) if number not in known]
        self._splits += [_Split(number) for number in new if self._is_mine(number)]
        self._splits.sort(key=lambda split: split.number)

    def _is_mine(self, number: int) -> bool:
        """Whether a split that nobody has is for this subtask."""
        alive = self.context.alive
        owner = number % self.context.parallelism
        if alive and owner not in alive:
            owner = alive[number % len(alive)]
        return owner == self.context.subtask

    def pull(self, limit: int) -> Pull:
        limit = min(limit, self._limit or limit)
        open_ = [split for split in self._splits if not split.done]
        if not open_:
            return Pull("end")
        if self._source.bounded:
            open_ = open_[:1]
        for step in range(len(open_)):
            split = open_[(self._turn + step) % len(open_)]
            if self._read(split, limit):
                self._turn += step + 1
                self._wait_s = _FIRST_WAIT_S
                return _MORE
        return self._idle(open_)

    def snapshot(self, checkpoint: int) -> list[Any]:
        self._positions[checkpoint] = {
            split.number: split.reader.position()
            for split in self._splits
            if split.reader is not None and hasattr(split.reader, "committed")
        }
        return [
            SplitPosition(split.number, self._position(split), split.done, self._all)
            for split in self._splits
        ]

    def committed(self, checkpoint: int) -> None:
        """Tell readers that want to know; a checkpoint stands for those before it."""
        for id_ in [id_ for id_ in self._positions if id_ <= checkpoint]:
            positions = self._positions.pop(id_)
            for split in self._splits if id_ == checkpoint else ():
                told = getattr(split.reader, "committed", None)
                if told is not None and split.number in positions:
                    told(positions[split.number])

    def close(self) -> None:
        for split in self._splits:
            reader, split.reader = split.reader, None
            if reader is not None:
                reader.close()

    def _read(self, split: _Split, limit: int) -> bool:
        """Read on; whether anything came of it: records, the end, or a failure."""
        if split.again_at is not None and self.context.now() < split.again_at:
            return False
        try:
            if split.reader is None:
                where = self._all[split.number]
                split.reader = self._source.reader(where, split.position, _Asks(self.context))
            got = split.reader.read(limit)
        except Exception as exc:  # noqa: BLE001 - whatever a source raises is its failure
            return self._failed(split, exc)
        if got is None:
            self._end(split)
            return True
        split.attempt, split.again_at = 1, None
        if not len(got):
            return False
        if self._spec.policy.max_attempts > 1 and self._source.replayable:
            split.position = split.reader.position()
        self.context.emit(got if isinstance(got, Batch) else Batch(got))
        return True

    def _failed(self, split: _Split, exc: Exception) -> bool:
        policy = self._spec.policy
        self._drop_reader(split)
        if self._source.replayable and split.attempt < policy.max_attempts:
            self.context.count("retries")
            split.again_at = self.context.now() + round(policy.delay(split.attempt) * 1000)
            split.attempt += 1
            return False
        self._failures.give_up(exc, attempt=split.attempt)
        split.done = True
        return True

    def _end(self, split: _Split) -> None:
        split.position = self._position(split)
        split.done = True
        self._drop_reader(split)

    def _drop_reader(self, split: _Split) -> None:
        reader, split.reader = split.reader, None
        if reader is not None:
            reader.close()

    def _idle(self, splits: list[_Split]) -> Pull:
        now = self.context.now()
        wait_s = self._wait_s
        pauses = [due - now for split in splits if (due := _due(split)) is not None]
        if len(pauses) == len(splits):
            wait_s = max(min(pauses), 1) / 1000
        else:
            self._wait_s = min(self._wait_s * 2, _LONGEST_WAIT_S)
        return Pull("idle", wait_s)

    def _position(self, split: _Split) -> Any:
        return split.position if split.reader is None else split.reader.position()


def _found_again(before: Sequence[Any], now: Sequence[Any]) -> dict[int, int]:
    """Which number every split has now, by the number it had; without those that are gone.

    Of equal ones the first is the first.
    """
    places: dict[Any, deque[int]] = {}
    try:
        for number, split in enumerate(now):
            places.setdefault(split, deque()).append(number)
        lines = [places.get(split, deque()) for split in before]
    except TypeError:  # they cannot be hashed
        every = [deque(n for n, each in enumerate(now) if each == split) for split in now]
        lines = [every[now.index(split)] if split in now else deque() for split in before]
    numbers: dict[int, int] = {}
    for old, (split, line) in enumerate(zip(before, lines, strict=True)):
        if line:
            numbers[old] = line.popleft()
        elif old < len(now) and _has_no_equal(split):
            numbers[old] = old  # equal to nothing but itself: all that is known is its place
    return numbers


def _has_no_equal(split: Any) -> bool:
    own: Any = type(split).__eq__
    return own is object.__eq__


def _gone(split: Any) -> ResourceError:
    return ResourceError(
        f"the source no longer has {split!r}, which was not read to its end",
        code="source.split_gone",
        hint="Bring it back, or start without the checkpoint.",
    )


def _due(split: _Split) -> int | None:
    """When it is to be asked again, in processing time, if that is known."""
    if split.again_at is not None:
        return split.again_at
    due = getattr(split.reader, "due", None)
    return None if due is None else int(due())


class _Asks:
    """The `ReaderContext` of a subtask."""

    def __init__(self, context: OperatorContext) -> None:
        self.subtask = context.subtask
        self.parallelism = context.parallelism
        self.wake = context.wake
        self.check = context.check
        self.now = context.now
