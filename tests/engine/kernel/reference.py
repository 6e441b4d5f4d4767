"""What stream programs mean, without batches, order of work or memory limits.

Each function takes whole lists and gives whole lists. A `Step` names one of them, the earlier steps
it reads and its parameters; `evaluate` runs a program here, `build` describes it to the kernel.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from weft_engine.kernel.environment import Environment
from weft_engine.kernel.stream import DataStream


def weigh(value: Any) -> int:
    """A number for any value."""
    if isinstance(value, int):
        return value
    if isinstance(value, list | tuple):
        return sum(map(weigh, value)) + len(value)
    return 0


@dataclass(frozen=True)
class Step:
    """One operator of a program."""

    kind: str
    inputs: tuple[int, ...] = ()
    number: int = 0
    records: tuple[int, ...] = ()
    how: str = "inner"


Reference = Callable[..., list[Any]]


def _distinct(step: Step, records: list[Any]) -> list[Any]:
    seen: list[int] = []
    out = []
    for record in records:
        if weigh(record) % step.number not in seen:
            seen.append(weigh(record) % step.number)
            out.append(record)
    return out


def _aggregate(step: Step, records: list[Any]) -> list[Any]:
    groups: dict[int, list[int]] = {}
    for record in records:
        groups.setdefault(weigh(record) % step.number, []).append(weigh(record))
    return [(key, sum(values)) for key, values in groups.items()]


def _reduce(step: Step, records: list[Any]) -> list[Any]:
    groups: dict[int, Any] = {}
    for record in records:
        key = weigh(record) % step.number
        groups[key] = record if key not in groups else weigh(groups[key]) * 3 + weigh(record)
    return list(groups.values())


def _join(step: Step, left: list[Any], right: list[Any]) -> list[Any]:
    def key(record: Any) -> Any:
        return None if weigh(record) % 7 == 3 else weigh(record) % step.number

    def partners(record: Any, others: list[Any]) -> list[Any]:
        own = key(record)
        return [other for other in others if own is not None and key(other) == own]

    out: list[Any] = []
    for record in left:
        found = partners(record, right)
        out += [(weigh(record), weigh(other)) for other in found]
        if not found and step.how in ("left", "outer"):
            out.append((weigh(record), -1))
    if step.how in ("right", "outer"):
        out += [(-1, weigh(record)) for record in right if not partners(record, left)]
    return out


REFERENCE: dict[str, Reference] = {
    "source": lambda step: list(step.records),
    "map": lambda step, a: [weigh(r) * 2 + step.number for r in a],
    "filter": lambda step, a: [r for r in a if weigh(r) % step.number],
    "flat_map": lambda step, a: [(weigh(r), n) for r in a for n in range(abs(weigh(r)) % 4)],
    "map_batch": lambda step, a: [weigh(r) + step.number for r in a],
    "async_map": lambda step, a: [weigh(r) - step.number for r in a],
    "process": lambda step, a: [n for i, r in enumerate(a) for n in (i, weigh(r))] + [len(a)],
    "limit": lambda step, a: a[: step.number],
    "distinct": _distinct,
    "sort": lambda step, a: sorted(a, key=lambda r: weigh(r) % step.number),
    "sort_descending": lambda step, a: sorted(a, key=lambda r: -(weigh(r) % step.number)),
    "fold": lambda step, a: [sum(map(weigh, a))],
    "collect": lambda step, a: [a],
    "aggregate": _aggregate,
    "reduce": _reduce,
    "join": _join,
    "concat": lambda step, a, b: a + b,
    "zip_itself": lambda step, a: [(weigh(r), r) for r in a],
    "split_low": lambda step, a: [r for r in a if weigh(r) % 2 == 0 and weigh(r) % 5],
    "split_high": lambda step, a: [r for r in a if weigh(r) % 2 == 1 and weigh(r) % 5],
}


def evaluate(program: list[Step]) -> list[list[Any]]:
    """What every step of a program gives."""
    results: list[list[Any]] = []
    for step in program:
        results.append(REFERENCE[step.kind](step, *(results[index] for index in step.inputs)))
    return results


class Positions:
    """Tells every record's place, and how many there were."""

    def open(self) -> None:
        self.count = 0

    def process(self, record: Any) -> tuple[int, int]:
        self.count += 1
        return self.count - 1, weigh(record)

    def finish(self) -> list[int]:
        return [self.count]

    def close(self) -> None:
        pass


def build(env: Environment, program: list[Step]) -> list[DataStream[Any]]:
    """The same program as streams of the kernel."""
    streams: list[DataStream[Any]] = []
    for step in program:
        inputs = [streams[index] for index in step.inputs]
        streams.append(_stream(env, step, *inputs))
    return streams


def _stream(env: Environment, step: Step, *inputs: DataStream[Any]) -> DataStream[Any]:
    if step.kind == "source":
        return env.from_collection(step.records)
    if step.kind in ("join", "concat"):
        return _of_two(step, *inputs)
    return _of_one(step, inputs[0])


def _of_two(step: Step, a: DataStream[Any], b: DataStream[Any]) -> DataStream[Any]:
    if step.kind == "concat":
        return a.concat(b)

    def key(record: Any) -> Any:
        return None if weigh(record) % 7 == 3 else weigh(record) % step.number

    def pair(left: Any, right: Any) -> tuple[int, int]:
        return (
            -1 if left is None else weigh(left),
            -1 if right is None else weigh(right),
        )

    return a.join(b, key, key, pair, how=step.how)  # type: ignore[arg-type]


def _of_one(step: Step, a: DataStream[Any]) -> DataStream[Any]:
    n = step.number

    async def wait(record: Any) -> int:
        return weigh(record) - n

    def route(record: Any) -> int | None:
        return weigh(record) % 2 if weigh(record) % 5 else None

    made: dict[str, Callable[[], DataStream[Any]]] = {
        "map": lambda: a.map(lambda r: weigh(r) * 2 + n),
        "filter": lambda: a.filter(lambda r: weigh(r) % n),
        "flat_map": lambda: a.flat_map(lambda r: [(weigh(r), i) for i in range(abs(weigh(r)) % 4)]),
        "map_batch": lambda: a.map_batch(lambda batch: [weigh(r) + n for r in batch]),
        "async_map": lambda: a.async_map(wait, concurrency=3),
        "process": lambda: a.operate(Positions),
        "limit": lambda: a.limit(n),
        "distinct": lambda: a.distinct(lambda r: weigh(r) % n),
        "sort": lambda: a.sort(lambda r: weigh(r) % n),
        "sort_descending": lambda: a.sort(lambda r: weigh(r) % n, descending=True),
        "fold": lambda: a.fold(int, lambda total, r: total + weigh(r)),
        "collect": lambda: a.to_list(),
        "aggregate": lambda: a.key_by(lambda r: weigh(r) % n).aggregate(
            int, lambda total, r: total + weigh(r)
        ),
        "reduce": lambda: a.key_by(lambda r: weigh(r) % n).reduce_all(
            lambda x, y: weigh(x) * 3 + weigh(y)
        ),
        "zip_itself": lambda: a.map(weigh).zip(a),
        "split_low": lambda: a.split(route, 2)[0],
        "split_high": lambda: a.split(route, 2)[1],
    }
    return made[step.kind]()
