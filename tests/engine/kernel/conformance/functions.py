"""Functions that random programs are made of: for any record, and sent to any process."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from weft_engine.kernel import FunctionContext, ProcessFunction

Timed = tuple[str, int, Any]
"""Records with an event time: a mark, the time, something."""


def weigh(value: Any) -> int:
    """A number for any value; equal for equal ones."""
    if value is None:
        return 3
    if isinstance(value, int | float):
        return int(value) % 1009
    if isinstance(value, str):
        return (sum(map(ord, value)) + len(value)) % 1009
    if isinstance(value, dict):
        return sum(weigh(item) for pair in value.items() for item in pair) % 1009
    return (7 * sum(map(weigh, value)) + len(value)) % 1009


class BadRecordError(Exception):
    """What functions raise for the records they do not like."""


@dataclass(frozen=True)
class Fn:
    """A function with a number; equal ones do the same."""

    n: int

    def reject(self, value: Any) -> None:
        if weigh(value) % 11 == self.n % 11:
            raise BadRecordError(repr(value)[:50])


class Double(Fn):
    def __call__(self, value: Any) -> Any:
        return weigh(value) * 2 + self.n


class Wrap(Fn):
    def __call__(self, value: Any) -> Any:
        return {"ü": value, "n": [self.n]} if weigh(value) % 3 else (value, None)


class Nothing(Fn):
    def __call__(self, value: Any) -> Any:
        return None if weigh(value) % 2 else ""


class Picky(Fn):
    """Fails on some records."""

    def __call__(self, value: Any) -> Any:
        self.reject(value)
        return (value, self.n)


class PickyMany(Fn):
    def __call__(self, value: Any) -> Any:
        self.reject(value)
        return [value] * (weigh(value) % 3)


class Kept(Fn):
    def __call__(self, value: Any) -> Any:
        return weigh(value) % (2 + self.n)


class PickyKept(Fn):
    def __call__(self, value: Any) -> Any:
        self.reject(value)
        return weigh(value) % 3


class Several(Fn):
    def __call__(self, value: Any) -> Iterator[Any]:
        for index in range(weigh(value) % 4):
            yield (index, value)


class Batches(Fn):
    def __call__(self, values: list[Any]) -> list[Any]:
        return [weigh(value) + self.n for value in values]


class Waits(Fn):
    async def __call__(self, value: Any) -> Any:
        for _ in range(weigh(value) % 3):
            await asyncio.sleep(0)
        return (weigh(value), self.n)


class PickyWaits(Fn):
    async def __call__(self, value: Any) -> Any:
        await asyncio.sleep(0)
        self.reject(value)
        return (weigh(value), self.n)


class Way(Fn):
    """Which output a record takes; none for some."""

    def __call__(self, value: Any) -> int | None:
        way = weigh(value) % 4
        return None if way == 3 else way % 3


KEYS: tuple[Any, ...] = (0, "", False, None, (), "ключ", 1.0, True, -1, ("a", None), b"", 2**70)


class Key(Fn):
    """Keys of all kinds, some falsy and some equal to others."""

    def __call__(self, value: Any) -> Any:
        if isinstance(value, tuple) and len(value) == 3 and value[0] == "t":
            value = value[2]
        return KEYS[weigh(value) % (1 + self.n % len(KEYS))]


class Number(Fn):
    """The key for joins: none for some."""

    def __call__(self, value: Any) -> Any:
        return None if weigh(value) % 7 == 3 else weigh(value) % (2 + self.n)


class Merge(Fn):
    """Neither commutative nor associative."""

    def __call__(self, held: Any, value: Any) -> Any:
        return (weigh(held) * 3 + weigh(value) + self.n) % 1009


class Sum(Fn):
    """The same in any order."""

    def __call__(self, held: Any, value: Any) -> Any:
        return (held if type(held) is int else weigh(held)) + weigh(value)


class Weight(Fn):
    def __call__(self, value: Any) -> int:
        return weigh(value) % (3 + self.n)


class Text(Fn):
    """An order for all values that leaves no ties but between equal ones."""

    def __call__(self, value: Any) -> Any:
        return (weigh(value), canon_text(value))


def canon_text(value: Any) -> str:
    return repr(canon(value))


def canon(value: Any) -> Any:
    """The same for equal values, hashable, different for lists and tuples."""
    if isinstance(value, bool | int | float):
        return ("number", value + 0)
    if isinstance(value, list | tuple):
        return (type(value).__name__, *map(canon, value))
    if isinstance(value, dict):
        return ("dict", *sorted((name, canon(item)) for name, item in value.items()))
    return (type(value).__name__, value)


class Stamp(Fn):
    """Gives a record a time of its own, far apart or near."""

    def __call__(self, value: Any) -> Timed:
        return ("t", weigh(value) * 37 % (40 + 60 * self.n), value)


def time_of(value: Any) -> int:
    return int(value[1])


class Sorted(Fn):
    """What a window holds, in an order of its own."""

    def __call__(self, key: Any, window: Any, values: list[Any]) -> list[Any]:
        return [(canon_text(key), *window, sorted(map(canon_text, values)))]


class Framed(Fn):
    """The result of a window, with its key."""

    def __call__(self, key: Any, window: Any, value: Any) -> Any:
        return (canon_text(key), tuple(window), value)


class Pair(Fn):
    def __call__(self, left: Any, right: Any) -> Any:
        return ("pair", canon_text(left), canon_text(right), self.n)


class First(Fn):
    def __call__(self, value: Any) -> Any:
        return ("first", value, self.n)


class Second(Fn):
    def __call__(self, value: Any) -> Any:
        return ("second", weigh(value))


class ManyFirst(Fn):
    def __call__(self, value: Any) -> Any:
        return [value] * (weigh(value) % 3)


class ManySecond(Fn):
    def __call__(self, value: Any) -> Any:
        return [("second", value), None]


class Countdown(Fn):
    """A step of a loop."""

    def __call__(self, value: Any) -> Any:
        left = value[1] if isinstance(value, tuple) and value[:1] == ("down",) else weigh(value) % 5
        rest = value[2] if isinstance(value, tuple) and value[:1] == ("down",) else value
        return ("down", left - 1, rest)


def going_on(value: Any) -> bool:
    return value[1] > 0


class Counting(ProcessFunction[Any, Any]):
    """How many of each key there were; some aside. The same in any order."""

    def __init__(self, n: int) -> None:
        self.n = n

    def open(self, context: FunctionContext) -> None:
        self.count = context.state.value("count", 0)

    def process(self, value: Any, context: FunctionContext) -> Any:
        number = self.count.value() + 1
        self.count.update(number)
        if number % 3 == self.n % 3:
            context.emit((canon_text(context.key), number), side="third")
            return
        yield (canon_text(context.key), number)


class Totals(ProcessFunction[Any, Any]):
    """The sum of every key and stretch of time, told by a timer; the same in any order."""

    def __init__(self, n: int) -> None:
        self.length = 10 + 7 * n

    def open(self, context: FunctionContext) -> None:
        self.sums = context.state.map("sums")

    def process(self, value: Any, context: FunctionContext) -> Any:
        end = context.timestamp // self.length * self.length + self.length - 1
        self.sums.put(end, self.sums.get(end, 0) + weigh(value))
        context.set_timer(end, tag="sum")
        return ()

    def on_timer(self, time: int, context: FunctionContext) -> Any:
        yield (canon_text(context.key), time, self.sums.get(time), context.tag)
        self.sums.remove(time)


class Remembering(ProcessFunction[Any, Any]):
    """The record and the one before it of the same key: order matters."""

    def __init__(self, n: int) -> None:
        self.n = n

    def open(self, context: FunctionContext) -> None:
        self.last = context.state.value("last", "nothing")

    def process(self, value: Any, context: FunctionContext) -> Any:
        yield (value, self.last.value(), self.n)
        self.last.update(weigh(value))
