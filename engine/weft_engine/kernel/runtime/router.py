"""Where the records of an output go: the sending end of an edge."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import compress
from operator import not_
from typing import Any, Final

from weft_engine.errors import NodeError
from weft_engine.kernel.batch import Batch, Event, Unkeyed
from weft_engine.kernel.operators.base import RecordError, describe
from weft_engine.kernel.physical import Edge, subtask_of
from weft_engine.kernel.runtime.channel import Channel
from weft_engine.kernel.settings import Settings
from weft_engine.kernel.state.hashing import key_group, stable_hash

_MOST_CACHED: Final = 65_536
_DEFAULT: Final = Settings()


class _Targets(dict[Any, int]):
    """The target of every key that was looked up; forgets all of them when there are too many."""

    def __init__(self, find: Callable[[Any], int]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, key: Any) -> int:
        return self._find(key)


class Router:
    """Sends the batches of one output of a subtask over one edge.

    Control events go to every channel, behind all that was sent before.
    """

    def __init__(
        self,
        edge: Edge,
        index: int,
        channels: Sequence[Channel],
        targets: int,
        key_groups: int,
        settings: Settings = _DEFAULT,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make the sending end of an edge.

        Args:
            edge: The edge.
            index: The number of the sending subtask.
            channels: In the order of `physical.channel_targets`.
            targets: The parallelism of the stage it leads to.
            key_groups: Into how many groups keys are divided.
            settings: `batch_size` and `linger_ms` count here.
            seconds: The clock for lingering.
        """
        self.edge = edge
        self.channels = tuple(channels)
        self.targets = targets
        self.key: Callable[[Any], Any] = edge.key or _no_key
        self.cache: dict[Any, int] = _Targets(self.target_of)
        self.on_blocked: Callable[[int], None] = lambda _: None
        """Told for how many nanoseconds a full channel held the sender up."""
        self.on_closed: Callable[[], None] = lambda: None
        """Told, from any thread, when nobody behind the edge wants anything more."""
        self._closed = 0
        self._closing = threading.Lock()
        self.blocked_since_ns = 0
        """Since when a full channel has held the sender up; 0 when none does."""
        self._key_groups = key_groups
        self._offset = index % max(1, len(self.channels))
        self._batch_size = settings.batch_size
        self._linger_s = settings.linger_ms / 1000
        self._seconds = seconds
        self._held: list[Batch | None] = [None] * len(self.channels)
        self.due: float | None = None
        """When `flush` wants to be called, by the clock for lingering."""
        self._send = {
            "forward": self._send_one,
            "gather": self._send_one,
            "broadcast": self._send_all,
            "hash": self._send_hash,
            "rebalance": self._send_even,
            "custom": self._send_custom,
        }[edge.exchange]

    @property
    def closed(self) -> bool:
        """Whether nobody behind the edge wants anything more; what is sent is dropped."""
        return self._closed == len(self.channels)

    def watch(self) -> None:
        """Begin to take note of channels whose receivers want nothing more."""
        for channel in self.channels:
            channel.when_closed(self._channel_closed)

    def _channel_closed(self) -> None:
        with self._closing:
            self._closed += 1
        if self.closed:
            self.on_closed()

    @property
    def room(self) -> bool:
        """Whether all channels have room."""
        return all(channel.room() for channel in self.channels)

    def send(self, batch: Batch) -> None:
        """Send a batch (not empty).

        Raises:
            RecordError: when the key function fails; the cause says why.
        """
        self._send(batch)

    def control(self, event: Event) -> None:
        """Send a control event to all targets."""
        if self.due is not None:
            self.flush()
        for channel in self.channels:
            channel.put(event)

    def cancel(self) -> None:
        """Let nobody wait here any more."""
        for channel in self.channels:
            channel.cancel()

    # Ways to distribute

    def _send_one(self, batch: Batch) -> None:
        self._put(self.channels[0], batch)

    def _send_all(self, batch: Batch) -> None:
        for channel in self.channels:
            self._put(channel, batch)

    def _send_hash(self, batch: Batch) -> None:
        if self.edge.lenient:
            self._send_what_has_keys(batch)
        else:
            self._send_keyed(batch)

    def _send_what_has_keys(self, batch: Batch) -> None:
        """Send records that have no key on as failures."""
        try:
            keys = self._keys_of(batch)
            self._targets_of(keys, batch.values)
        except RecordError:
            batch = self._sifted(batch)
            keys = batch.keys or []
        if batch.values:
            self._send_keyed(Batch(batch.values, batch.times, keys), keys)

    def _keys_of(self, batch: Batch) -> list[Any]:
        key = self.edge.key
        keys = batch.keys if key is None else _apply(key, batch.values)
        return batch.values if keys is None else keys

    def _sifted(self, batch: Batch) -> Batch:
        """The records that have keys, with those; what has none goes to the first target."""
        keys: dict[int, Any] = {}
        failures: dict[int, Any] = {}
        for at in range(len(batch.values)):
            one = _piece(batch, [at])
            try:
                (keys[at],) = found = self._keys_of(one)
                self._targets_of(found, one.values)
            except RecordError as error:
                keys.pop(at, None)
                cause = error.__cause__
                told = cause if isinstance(cause, Exception) else error
                failures[at] = describe(told, batch.values[at], self.edge.lenient, 1)
        times = None if batch.times is None else [batch.times[at] for at in failures]
        self._put(self.channels[0], Unkeyed(list(failures.values()), times))
        kept = _piece(batch, list(keys))
        return Batch(kept.values, kept.times, list(keys.values()))

    def _send_keyed(self, batch: Batch, keys: list[Any] | None = None) -> None:
        if keys is None:
            keys = self._keys_of(batch)
        if len(self.channels) == 1:
            self._put(self.channels[0], Batch(batch.values, batch.times, keys))
            return
        where = self._targets_of(keys, batch.values)
        self.send_parts(_partition(Batch(batch.values, batch.times, keys), where, self.targets))

    def _send_custom(self, batch: Batch) -> None:
        numbers = _apply(self.key, batch.values)
        if not all(isinstance(number, int) for number in numbers):
            raise NodeError(
                "A function that says which subtask takes a record gave something else than a"
                " whole number.",
                code="node.bad_output",
                hint="Let it return a number; it is taken modulo the parallelism.",
            )
        count = len(self.channels)
        self.send_parts(_partition(batch, [number % count for number in numbers], count))

    def _send_even(self, batch: Batch) -> None:
        """Record by record in turns, so that all targets get the same number."""
        count = len(self.channels)
        if count == 1:
            self._put(self.channels[0], batch)
            return
        first = self._offset
        self._offset = (first + len(batch.values)) % count
        self.send_parts([_every(batch, (n - first) % count, count) for n in range(count)])

    def send_parts(self, parts: Sequence[Batch | None]) -> None:
        """Send batches, one a target, whose `keys` are filled; None for nothing."""
        if self._linger_s:
            self._hold(parts)
            return
        for channel, part in zip(self.channels, parts, strict=True):
            if part is not None and part.values:
                self._put(channel, part)

    def _put(self, channel: Channel, batch: Batch | Unkeyed) -> None:
        if channel.room():
            channel.put(batch)
            return
        self.blocked_since_ns = start = time.perf_counter_ns()
        channel.put(batch)
        self.blocked_since_ns = 0
        self.on_blocked(time.perf_counter_ns() - start)

    # Keys

    def target_of(self, key: Any) -> int:
        """The subtask that takes the key; remembers it in `cache`."""
        target = subtask_of(key_group(key, self._key_groups), self.targets, self._key_groups)
        if len(self.cache) >= _MOST_CACHED:
            self.cache.clear()
        self.cache[key] = target
        return target

    def _targets_of(self, keys: list[Any], values: list[Any]) -> list[int]:
        found: list[int] = []
        try:
            found.extend(map(self.cache.__getitem__, keys))
        except TypeError as exc:
            at = len(found)
            try:
                stable_hash(keys[at])
            except TypeError as why:
                raise RecordError(values[at]) from why
            raise RecordError(values[at]) from exc
        return found

    # Lingering

    def _hold(self, parts: Sequence[Batch | None]) -> None:
        for number, part in enumerate(parts):
            if part is None or not part.values:
                continue
            held = self._held[number]
            whole = part if held is None else _joined(held, part)
            if len(whole.values) >= self._batch_size:
                self._held[number] = None
                self._put(self.channels[number], whole)
            else:
                self._held[number] = whole
        if self.due is None and any(self._held):
            self.due = self._seconds() + self._linger_s

    def flush(self) -> None:
        """Send what was held back to make batches fuller."""
        self.due = None
        for number, held in enumerate(self._held):
            if held is not None:
                self._held[number] = None
                self._put(self.channels[number], held)


def _no_key(value: Any) -> Any:
    return value


def _apply(key: Callable[[Any], Any], values: list[Any]) -> list[Any]:
    found: list[Any] = []
    try:
        found.extend(map(key, values))
    except Exception as exc:
        raise RecordError(values[len(found)]) from exc
    if len(found) < len(values):  # to `extend`, StopIteration is the end of the records
        raise RecordError(values[len(found)]) from RuntimeError("the function raised StopIteration")
    return found


def _piece(batch: Batch, places: list[int]) -> Batch:
    return Batch(
        [batch.values[at] for at in places],
        None if batch.times is None else [batch.times[at] for at in places],
        None if batch.keys is None else [batch.keys[at] for at in places],
    )


def _partition(batch: Batch, where: list[int], count: int) -> list[Batch]:
    values = _deal(batch.values, where, count)
    times = None if batch.times is None else _deal(batch.times, where, count)
    keys = None if batch.keys is None else _deal(batch.keys, where, count)
    return [
        Batch(values[n], None if times is None else times[n], None if keys is None else keys[n])
        for n in range(count)
    ]


def _deal(items: list[Any], where: Iterable[int], count: int) -> list[list[Any]]:
    if count == 2:
        return [list(compress(items, map(not_, where))), list(compress(items, where))]
    dealt: list[list[Any]] = [[] for _ in range(count)]
    put = [part.append for part in dealt]
    for number, item in zip(where, items, strict=True):
        put[number](item)
    return dealt


def _every(batch: Batch, start: int, step: int) -> Batch:
    return Batch(
        batch.values[start::step],
        None if batch.times is None else batch.times[start::step],
        None if batch.keys is None else batch.keys[start::step],
    )


def _joined(one: Batch, other: Batch) -> Batch:
    return Batch(
        one.values + other.values,
        None if one.times is None else one.times + (other.times or []),
        None if one.keys is None else one.keys + (other.keys or []),
    )
