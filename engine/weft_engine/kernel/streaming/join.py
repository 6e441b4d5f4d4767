"""Pairs of records of two whole streams whose keys are equal.

A hash join: the right side is held by key, and the left side is led past it. Both sides come here
by their keys, so that all records with equal keys meet in one subtask.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

from weft_engine.errors import ResourceError
from weft_engine.kernel import codes  # noqa: F401 - registers the codes
from weft_engine.kernel.batch import Batch
from weft_engine.kernel.custom import JoinKind
from weft_engine.kernel.physical import OperatorSpec
from weft_engine.kernel.runtime.operator import OperatorContext, StreamOperator
from weft_engine.kernel.state.api import StateSpec
from weft_engine.kernel.streaming.collector import Collector
from weft_engine.kernel.streaming.failing import Failures
from weft_engine.kernel.streaming.function_context import keys_of

LEFT, RIGHT = 0, 1
"""The inputs."""


class Join(StreamOperator):
    """Every left record with all right ones of its key, once the right stream has ended.

    Results follow the order in which left records came, and within that the order of the right
    ones; right records that found no partner come last, as they came. Left records that come
    before the right stream has ended are held. None is equal to no key.

    Everything held is keyed state, numbered as it came. The numbers go on from the highest that
    any subtask has given, so that they still tell records apart, and which was first among those
    of a key, when the state is divided anew.
    """

    def __init__(
        self,
        spec: OperatorSpec,
        left_key: Callable[[Any], Any],
        right_key: Callable[[Any], Any],
        combine: Callable[[Any, Any], Any],
        how: JoinKind,
    ) -> None:
        """The key functions are those of the edges, which have found the keys already."""
        self._spec = spec
        self._combine = combine
        self._keep_left = how in ("left", "outer")
        self._keep_right = how in ("right", "outer")
        self._number = 0
        """How many records were held so far."""
        self._complete = False
        """Whether the right stream has ended. Not part of checkpoints: ends are told again."""

    def open(self, context: OperatorContext) -> None:
        super().open(context)
        self._failures = Failures(context)
        self._out = Collector(context)
        # An entry for every left record, so that many of one key cost no more than of many keys.
        self._left = context.state.table(StateSpec("left", namespaced=True))
        self._right = context.state.table(StateSpec("right", "list"))
        self._met = context.state.table(StateSpec("met"))

    def restore(self, pieces: Sequence[Any]) -> None:
        if not all(isinstance(piece, int) for piece in pieces):
            raise ResourceError(
                f"the checkpoint has the join {self._spec.name!r} as an earlier version kept it",
                code="checkpoint.format",
                hint="Let the version that wrote it run the job to its end, or start it anew.",
            )
        self._number = max(pieces, default=0)

    def snapshot(self, checkpoint: int) -> list[Any]:
        return [self._number]

    def process(self, port: int, batch: Batch) -> None:
        keys = keys_of(batch, self._spec, port)
        if port == RIGHT:
            self._hold_right(keys, batch.values)
        elif self._complete:
            self._match(keys, batch.values)
        else:
            self._hold_left(keys, batch.values)

    def ended(self, port: int) -> None:
        if port == RIGHT and not self._complete:
            self._complete = True
            self._match_held()

    def finish(self) -> None:
        if not self._keep_right:
            return
        met = {key for key, _ in self._met.items()}
        alone = [(key, held) for key, held in self._right.items() if key not in met]
        records = sorted((one for _, held in alone for one in held), key=_number)
        for key, _ in alone:
            # Another number of subtasks would divide what is left, and emit it again.
            self._right.delete(key)
        for _, record in records:
            self._emit(None, (record,), record)
        self._out.flush()

    def _hold_right(self, keys: list[Any], values: list[Any]) -> None:
        entries = self._right.begin(keys)
        for key, value in zip(keys, values, strict=True):
            if key is None and not self._keep_right:
                continue
            held = entries.get(key)
            if held is None:
                entries[key] = held = []
            held.append((self._number, value))
            self._number += 1
        self._right.done(keys)

    def _hold_left(self, keys: list[Any], values: list[Any]) -> None:
        marks, kept = [], []
        for key, value in zip(keys, values, strict=True):
            if key is not None or self._keep_left:
                marks.append((key, self._number))
                kept.append(value)
                self._number += 1
        self._left.begin(marks).update(zip(marks, kept, strict=True))
        self._left.done(marks)

    def _match_held(self) -> None:
        """Match the left records that had to wait, in the order in which they came."""
        waiting = iter(sorted((mark for mark, _ in self._left.items()), key=_second))
        while marks := list(islice(waiting, self.context.batch_size)):
            self.context.check()
            entries = self._left.begin(marks)
            values = [entries.pop(mark) for mark in marks]
            self._left.done(marks)
            self._match([key for key, _ in marks], values)

    def _match(self, keys: list[Any], values: list[Any]) -> None:
        rights = self._right.begin(keys)
        met = self._met.begin(keys) if self._keep_right else {}
        new = []
        for key, left in zip(keys, values, strict=True):
            partners = rights.get(key) if key is not None else None
            if partners is None:
                if self._keep_left:
                    self._emit(left, (None,), left)
                continue
            if self._keep_right and key not in met:
                met[key] = True
                new.append(key)
            self._emit(left, (right for _, right in partners), left)
        if new:
            self._met.done(new)
        self._out.flush()

    def _emit(self, left: Any, rights: Iterable[Any], record: Any) -> None:
        """All pairs that come of a record, or none if one of them fails."""
        combine = self._combine
        try:
            pairs = [combine(left, right) for right in rights]
        except Exception as exc:  # noqa: BLE001 - whatever a function raises is its failure
            self._failures.give_up(exc, record)
            return
        self._out.extend(pairs)
        if self._out.full:
            self._out.flush()


def _number(held: tuple[int, Any]) -> int:
    return held[0]


def _second(mark: tuple[Any, int]) -> int:
    return mark[1]
