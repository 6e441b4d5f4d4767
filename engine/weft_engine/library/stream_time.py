"""The event times of rows, and how time goes on when nothing comes."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from weft_engine.kernel.batch import MIN_TIME, Batch
from weft_engine.kernel.durations import whole_milliseconds
from weft_engine.kernel.physical import OperatorSpec
from weft_engine.kernel.program_errors import ProgramError
from weft_engine.kernel.stream import DataStream
from weft_engine.kernel.streaming.timestamps import Timestamps
from weft_engine.library.columns import value
from weft_engine.library.times import parse

_LEAST_MS: Final = 100_000_000_000
"""Numbers from here on are milliseconds since 1970, smaller ones seconds (until the year 5138)."""
_STEP_MS: Final = 200


def _checked(text: str) -> str:
    if text:
        try:
            whole_milliseconds(text, least=1)
        except ProgramError:
            raise PydanticCustomError(
                "duration",
                "{message}",
                {
                    "message": f"{text!r} is no length of time",
                    "hint": "Write a number and a unit: 500ms, 10s, 5m, 1h, 1d.",
                },
            ) from None
    return text


Length = Annotated[str, AfterValidator(_checked)]
"""A length of time as text: `10s`, `5m`, `1h`."""


def length_ms(text: str) -> int:
    """A length of time in milliseconds; 0 when it is empty."""
    return whole_milliseconds(text) if text else 0


def moment(item: Any) -> int:
    """A time as milliseconds since 1970: a number, or a text as files write times (UTC by itself).

    >>> moment("2025-03-10T12:00:00Z"), moment(1741608000), moment(1741608000000)
    (1741608000000, 1741608000000, 1741608000000)

    Raises:
        NodeError: `date.malformed`.
    """
    if isinstance(item, int | float) and not isinstance(item, bool):
        return round(item if abs(item) >= _LEAST_MS else item * 1000)
    found = parse(str(item))
    return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)


def written(milliseconds: int) -> str:
    """A moment as text.

    >>> written(1741608000000)
    '2025-03-10T12:00:00Z'
    """
    found = datetime.fromtimestamp(milliseconds / 1000, UTC)
    exact = "milliseconds" if milliseconds % 1000 else "seconds"
    return found.isoformat(timespec=exact).replace("+00:00", "Z")


class TimeOf:
    """Finds the time of a row in a column."""

    def __init__(self, column: str) -> None:
        self._column = column

    def __call__(self, row: Any) -> int:
        return moment(value(row, self._column))


def timed(
    rows: DataStream[Any], of: Callable[[Any], int], late_ms: int, quiet_ms: int
) -> DataStream[Any]:
    """Give rows their event times.

    Args:
        rows: The rows.
        of: Finds the time of a row.
        late_ms: By how much a row may be behind the latest.
        quiet_ms: When nothing has come for so long, time goes on by the clock; 0 for never.
    """
    if not quiet_ms:
        return rows.assign_timestamps(of, max_out_of_orderness=late_ms, name="times")
    return rows.then("custom", {"factory": _Quiet(of, late_ms, quiet_ms)}, name="times", timed=True)


class _Quiet:
    """Makes the operator; picklable."""

    def __init__(self, of: Callable[[Any], int], late_ms: int, quiet_ms: int) -> None:
        self._given = (of, late_ms, quiet_ms)

    def __call__(self, spec: OperatorSpec) -> "QuietTimes":
        return QuietTimes(spec, *self._given)


class QuietTimes(Timestamps):
    """Times of records; where none comes for a while, time goes on as fast as the clock."""

    def __init__(
        self, spec: OperatorSpec, fn: Callable[[Any], int], bound_ms: int, quiet_ms: int
    ) -> None:
        super().__init__(spec, fn, bound_ms)
        self._quiet_ms = quiet_ms
        self._heard: int | None = None
        self._next: int | None = None
        self._reached = MIN_TIME

    def process(self, port: int, batch: Batch) -> None:
        super().process(port, batch)
        self._heard = self.context.now()
        self._next = self._heard + self._quiet_ms

    def due(self) -> int | None:
        return self.context.now() if self._catch_up else self._next

    def tick(self, now: int) -> None:
        if self._catch_up:
            self._heard, self._next = now, now + self._quiet_ms
            super().tick(now)
            return
        if self._heard is None or self._greatest is None or now < (self._next or now):
            return
        self._next = now + _STEP_MS
        reached = super()._watermark() + now - self._heard
        if reached > self._reached:
            self._reached = reached
            self.context.emit_watermark(reached)

    def _watermark(self) -> int:
        return max(super()._watermark(), self._reached)
