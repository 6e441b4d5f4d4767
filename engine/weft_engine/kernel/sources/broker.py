"""Topics of a broker such as Kafka: partitions that are read from offsets on.

Weft brings no client for a broker. Whoever has one writes the few methods of `BrokerClient` around
it; checkpoints, restarts, exactly-once state and rescaling are then the kernel's business.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

from weft_engine.errors import ResourceError
from weft_engine.kernel import codes  # noqa: F401 - registers the codes
from weft_engine.kernel.batch import Batch
from weft_engine.kernel.connectors import Reader, ReaderContext, Source
from weft_engine.kernel.program_errors import ProgramError

T = TypeVar("T")


class Message(NamedTuple):
    """One record of a partition."""

    offset: int
    value: Any
    time: int | None = None
    """When the broker got it, in milliseconds since 1970."""


class BrokerClient(Protocol):
    """A connection to a broker, as a `BrokerSource` uses it; one for every partition read.

    It may also have a method `position(topic, partition)`: the offset that the last `fetch` has
    come to, behind offsets that have no message (any more). Without it, a bounded source waits for
    ever for a last message that was compacted away, or that is a mark of a transaction.
    """

    def partitions(self, topic: str) -> Sequence[int]:
        """The partitions of a topic, always in the same order."""
        ...

    def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        """The first offset there is, and the one that the next message will get."""
        ...

    def fetch(self, topic: str, partition: int, offset: int, limit: int) -> Sequence[Message]:
        """Up to so many messages from an offset on; must not wait longer than some milliseconds."""
        ...

    def close(self) -> None:
        """Let go of the connection."""


class BrokerSource(Source[T]):
    """The messages of a topic, partition by partition.

    `connect` makes a `BrokerClient`; it and what it holds must be picklable where jobs run as
    processes. `start` is where a job without a checkpoint begins: at the `earliest` or the
    `latest` message. With `bounded`, the source ends at the messages that are there when a
    partition is opened. `decode` makes a record of a message's value. With `timed`, the messages'
    times are the event times; watermarks are what `assign_timestamps` makes of them.
    """

    def __init__(
        self,
        connect: Callable[[], BrokerClient],
        topic: str,
        *,
        start: Literal["earliest", "latest"] = "earliest",
        bounded: bool = False,
        decode: Callable[[Any], T] | None = None,
        timed: bool = False,
    ) -> None:
        if start not in ("earliest", "latest"):
            raise ProgramError(f"start cannot be {start!r}", hint="It is earliest or latest.")
        self.connect = connect
        self.topic = topic
        self.start = start
        self.bounded = bounded
        self.decode = decode
        self.timed = timed

    def splits(self) -> Sequence[Any]:
        client = self.connect()
        try:
            return list(client.partitions(self.topic))
        finally:
            client.close()

    def reader(self, split: Any, position: Any, context: ReaderContext) -> Reader[T]:
        return _PartitionReader(self, split, position)


class _PartitionReader:
    """Reads one partition; its position is the next offset, and where it ends if it does."""

    def __init__(self, source: BrokerSource[Any], partition: int, position: Any) -> None:
        self._source = source
        self._partition = partition
        self._client = source.connect()
        first, next_ = self._client.bounds(source.topic, partition)
        if position is not None:
            self._offset, self._end = position
            if self._offset < (first if self._end is None else min(first, self._end)):
                self._client.close()
                raise _pruned(source.topic, partition, self._offset, first)
        else:
            self._offset = first if source.start == "earliest" else next_
            self._end = next_ if source.bounded else None

    def read(self, limit: int) -> list[Any] | Batch | None:
        if self._end is not None:
            limit = min(limit, self._end - self._offset)
            if limit <= 0:
                return None
        source = self._source
        fetched = self._client.fetch(source.topic, self._partition, self._offset, limit)
        if fetched:
            self._offset = fetched[-1].offset + 1
        self._skip()
        if not fetched:
            return None if self._end is not None and self._offset >= self._end else []
        # Offsets have gaps where a topic is compacted: so many from here on may go past the end.
        messages = [m for m in fetched if self._end is None or m.offset < self._end]
        if not messages:
            return None
        decode = source.decode
        values = [m.value if decode is None else decode(m.value) for m in messages]
        return Batch(values, [m.time or 0 for m in messages]) if source.timed else values

    def _skip(self) -> None:
        """Leave out the offsets that the client knows to be empty."""
        position = getattr(self._client, "position", None)
        if position is not None:
            come_to = position(self._source.topic, self._partition)
            self._offset = max(self._offset, come_to)

    def position(self) -> Any:
        return (self._offset, self._end)

    def close(self) -> None:
        self._client.close()


def _pruned(topic: str, partition: int, offset: int, first: int) -> ResourceError:
    return ResourceError(
        f"partition {partition} of {topic} begins at {first} by now, but offset {offset} is next",
        code="source.log_pruned",
        hint="Have the broker keep messages longer than the job may stand still; what is gone can "
        "only be left out by starting without the checkpoint.",
    )
