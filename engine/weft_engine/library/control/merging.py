"""The operators behind Merge that join rows of several ways."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from weft_engine.errors import NodeError
from weft_engine.kernel.operators.base import NOTHING, Batch, Emission, Operator, in_batches
from weft_engine.library.columns import Key, as_row, group_key, value

Row = Mapping[str, Any]


class _Ways(Operator):
    """Reads several ways, of which some may not be taken."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._gone: set[int] = set()
        self._ended: set[int] = set()

    def end(self, port: int, absent: bool) -> Emission:
        (self._gone if absent else self._ended).add(port)
        return self._after_end()

    def absent(self, inputs: list[bool]) -> bool:
        return all(inputs)

    def _after_end(self) -> Emission:
        return NOTHING

    def _live(self) -> list[int]:
        return [port for port in range(self._count) if port not in self._gone]


class SideBySide(_Ways):
    """The first rows of all ways as one row, then the second, and so on.

    What one way is ahead of another is held.
    """

    def __init__(self, count: int, uneven: str) -> None:
        super().__init__(count)
        self._uneven = uneven
        self._queues: list[deque[Any]] = [deque() for _ in range(count)]
        self._cut = False

    def process(self, port: int, batch: Batch) -> Emission:
        if not self._cut:
            self._queues[port].extend(batch)
        return self._ready()

    def _after_end(self) -> Emission:
        return self._ready()

    def _ready(self) -> Emission:
        """Join the rows of which every way has given its part, or has ended."""
        rows = []
        while not self._cut and (row := self._next()) is not None:
            rows.append(row)
        return self._joined(rows)

    def _next(self) -> list[Any] | None:
        live = self._live()
        waiting = [port for port in live if not self._queues[port]]
        if any(port not in self._ended for port in waiting) or len(waiting) == len(live):
            return None
        if waiting and self._uneven == "cut":
            self._cut = True
            self._queues = [deque() for _ in self._queues]
            return None
        if waiting and self._uneven == "fail":
            raise NodeError(
                f"{_ways(waiting)} ended before the others.",
                code="control.uneven",
                hint="Choose to pad or to cut, or merge by a key.",
                params={"ways": [port + 1 for port in waiting]},
            )
        return [self._queues[port].popleft() for port in live if self._queues[port]]

    def _joined(self, rows: Sequence[Sequence[Any]]) -> Emission:
        made = [joined(parts) for parts in rows]
        return in_batches(made, self.context.batch_size) if made else NOTHING


class ByKey(_Ways):
    """The rows of all ways that have the same key as one row; holds every row.

    Keys come in the order in which they are met, the first way first.
    """

    def __init__(self, count: int, key: tuple[str, ...], missing: str, several: str) -> None:
        super().__init__(count)
        self._key = key
        self._missing = missing
        self._several = several
        self._rows: list[list[Row]] = [[] for _ in range(count)]

    def process(self, port: int, batch: Batch) -> Emission:
        self._rows[port] += batch
        return NOTHING

    def finish(self) -> Emission:
        return in_batches(list(self._all()), self.context.batch_size)

    def close(self) -> None:
        self._rows = []

    def _all(self) -> Iterator[Row]:
        ways = [self._by_key(port) for port in self._live()]
        for key in dict.fromkeys(key for way in ways for key in way):
            having = [way[key] for way in ways if key in way]
            if len(having) < len(ways) and self._missing == "fail":
                raise self._lacks([port for port, way in zip(self._live(), ways, strict=True)
                                   if key not in way], having[0][0])  # fmt: skip
            if len(having) == len(ways) or self._missing == "keep":
                yield from map(joined, product(*having))

    def _by_key(self, port: int) -> dict[Key, list[Row]]:
        found: dict[Key, list[Row]] = {}
        for row in self._rows[port]:
            values = [value(row, column) for column in self._key]
            key = group_key(values)
            if None in values:  # an empty key has no partner
                key = (*key, object())
            if key not in found or self._several == "last":
                found[key] = [row]
            elif self._several == "each":
                found[key].append(row)
            elif self._several == "fail":
                raise NodeError(
                    f"{_ways([port])} has several rows with {self._named(row)}.",
                    code="control.several_of_key",
                    hint="Choose the first, the last or each of them, or drop duplicates before.",
                    params={"way": port + 1, "key": {c: row[c] for c in self._key}},
                )
        return found

    def _lacks(self, ports: Sequence[int], row: Row) -> NodeError:
        return NodeError(
            f"{_ways(ports)} has no row with {self._named(row)}.",
            code="control.missing_key",
            hint="Choose to keep or to drop such rows.",
            params={
                "ways": [port + 1 for port in ports],
                "key": {column: row[column] for column in self._key},
            },
        )

    def _named(self, row: Row) -> str:
        return ", ".join(f"{column} {row[column]!r}" for column in self._key)


def joined(parts: Sequence[Any]) -> Row:
    """One row of several; of a field that is in two, the later wins."""
    row: dict[str, Any] = {}
    for part in parts:
        row.update(as_row(part))
    return row


def _ways(ports: Sequence[int]) -> str:
    numbers = " and ".join(str(port + 1) for port in ports)
    return f"Way {numbers}" if len(ports) == 1 else f"The ways {numbers}"
