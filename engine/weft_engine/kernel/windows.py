"""How a stream is cut into windows.

The operator of kind `window` takes these as `assigner`. Its other parameters: `how` (`reduce`,
`aggregate` or `process`), `fn` (a function of two records; an `AggregateFunction` object or class;
a function of key, window and list of records that gives an iterable), `result` (a function of key,
window and value that makes the record to emit; the value itself when None), `lateness_ms` and
`sides` (`("late",)` when late records leave by output 1). The event time of a result is the last
millisecond of its window. With `early_ms`, windows by time also give what they amount to so far, as
often as that in processing time, as long as records come.
"""

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from weft_engine.kernel.durations import Duration, whole_milliseconds
from weft_engine.kernel.program_errors import ProgramError

TimeKind = Literal["event", "processing"]


class Window(NamedTuple):
    """One window: from its start up to but not including its end.

    Milliseconds since 1970; for windows by count, the numbers of the records, counted from 0 a key.
    """

    start: int
    end: int


@dataclass(frozen=True, slots=True, init=False)
class Tumbling:
    """Windows of one length that do not overlap, aligned to 1970 plus the offset.

    Numbers are milliseconds: `Tumbling(60)` is shorter than `Tumbling("1s")`.
    """

    size: int
    offset: int
    time: TimeKind

    def __init__(self, size: Duration, *, offset: Duration = 0, time: TimeKind = "event") -> None:
        _set(self, size=whole_milliseconds(size, "the size of a window", least=1))
        _set(self, offset=whole_milliseconds(offset, "the offset of a window"), time=_time(time))


@dataclass(frozen=True, slots=True, init=False)
class Sliding:
    """Windows of one length, of which one begins after every slide; a record may be in several."""

    size: int
    slide: int
    offset: int
    time: TimeKind

    def __init__(
        self,
        size: Duration,
        slide: Duration,
        *,
        offset: Duration = 0,
        time: TimeKind = "event",
    ) -> None:
        _set(self, size=whole_milliseconds(size, "the size of a window", least=1))
        _set(self, slide=whole_milliseconds(slide, "the slide of a window", least=1))
        if self.slide > self.size:
            raise ProgramError(
                f"windows of {self.size} ms that begin every {self.slide} ms leave records out",
                hint="Give Sliding(size, slide) a slide of at most its size; filter() drops.",
            )
        _set(self, offset=whole_milliseconds(offset, "the offset of a window"), time=_time(time))


@dataclass(frozen=True, slots=True, init=False)
class Session:
    """Windows that end when nothing has come for as long as the gap."""

    gap: int
    time: TimeKind

    def __init__(self, gap: Duration, *, time: TimeKind = "event") -> None:
        _set(self, gap=whole_milliseconds(gap, "the gap of a session", least=1), time=_time(time))


@dataclass(frozen=True, slots=True, init=False)
class Count:
    """Windows of so many records a key; with a slide, of the last so many after every slide.

    What is left when the input ends is a window too. (Flink drops it.)
    """

    size: int
    slide: int

    def __init__(self, size: int, slide: int | None = None) -> None:
        for value in (size, size if slide is None else slide):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ProgramError(
                    f"a window cannot have {value!r} records", hint="Give a whole number above 0."
                )
        _set(self, size=size, slide=size if slide is None else slide)


@dataclass(frozen=True, slots=True, init=False)
class Global:
    """One window of all records of a key, with a result after so many or every so often.

    And one at the end. With `purge`, every record counts in one result only. The window that
    functions are told goes from the least to the greatest of all times.
    """

    after: int | None
    every: int | None
    purge: bool
    time: TimeKind

    def __init__(
        self,
        *,
        after: int | None = None,
        every: Duration | None = None,
        purge: bool = False,
        time: TimeKind = "event",
    ) -> None:
        if after is not None and (isinstance(after, bool) or after < 1):
            raise ProgramError(
                f"there cannot be a result after {after!r} records",
                hint="Give a whole number above 0.",
            )
        often = None if every is None else whole_milliseconds(every, "every", least=1)
        _set(self, after=after, every=often, purge=purge, time=_time(time))


Assigner = Tumbling | Sliding | Session | Count | Global

LATE: Final = "late"
"""The side output of a window that late records leave by."""


def needs_times(assigner: Assigner) -> bool:
    """Whether it looks at the event times of records."""
    if isinstance(assigner, Global) and assigner.every is None:
        return False
    return not isinstance(assigner, Count) and assigner.time == "event"


def _set(target: object, **values: object) -> None:
    for name, value in values.items():
        object.__setattr__(target, name, value)


def _time(kind: TimeKind) -> TimeKind:
    if kind not in ("event", "processing"):
        raise ProgramError(f"windows do not go by {kind!r} time", hint="It is event or processing.")
    return kind
