"""Sources: what they read, in which parts, and how they go on where they were."""

import asyncio
import json
import pickle
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft_engine.errors import ResourceError
from weft_engine.kernel import (
    AsyncSource,
    BrokerSource,
    CollectionSource,
    FactorySource,
    FileSource,
    FunctionSource,
    JobFailedError,
    LocalEnvironment,
    Message,
    ProgramError,
    QueueSource,
    Source,
    SourceFunction,
    StopSignal,
    TickSource,
)
from weft_engine.kernel.batch import Batch
from weft_engine.kernel.sources.ingress import IngressLog, LoggedSource


class Asker:
    """A `ReaderContext` whose clock is set by hand."""

    subtask = 0
    parallelism = 1

    def __init__(self) -> None:
        self.time = 0
        self.woken = threading.Event()

    def wake(self) -> None:
        self.woken.set()

    def check(self) -> None:
        pass

    def now(self) -> int:
        return self.time


def values(got: Any) -> list[Any]:
    return list(got.values) if isinstance(got, Batch) else list(got)


def read_all(source: Source[Any], split: Any, position: Any = None, limit: int = 3) -> list[Any]:
    asker = Asker()
    reader = source.reader(split, position, asker)
    records: list[Any] = []
    try:
        while (part := reader.read(limit)) is not None:
            assert len(part) <= limit
            records += values(part)
            if not len(part):
                asker.woken.wait(60)
                asker.woken.clear()
    finally:
        reader.close()
    return records


def check_replay(source: Source[Any]) -> list[Any]:
    """Every split, read from every position that reading it passes, gives the same rest."""
    everything: list[Any] = []
    for split in source.splits():
        whole = read_all(source, split)
        reader = source.reader(split, None, Asker())
        seen: list[Any] = []
        while (part := reader.read(2)) is not None:
            seen += values(part)
            position = pickle.loads(pickle.dumps(reader.position()))
            assert seen + read_all(source, split, position) == whole
        reader.close()
        everything += whole
    return everything


@given(st.lists(st.none() | st.integers(), max_size=40), st.integers(1, 70))
def test_collections_in_parts(records: list[Any], parts: int) -> None:
    assert check_replay(CollectionSource(records, parts)) == records


def test_ranges_are_not_spelt_out() -> None:
    source = CollectionSource(range(10**12))
    assert len(source.splits()) == 64
    assert len(pickle.dumps(source)) < 300
    start, stop = source.splits()[-1]
    assert stop == 10**12
    reader = source.reader((start, stop), stop - 2, Asker())
    assert reader.read(100) == [10**12 - 2, 10**12 - 1]
    assert reader.read(100) is None


def test_iterables_pass_over_what_was_read() -> None:
    assert check_replay(FactorySource(lambda: iter(range(20)))) == list(range(20))


def test_an_iterable_fails_behind_what_it_gave() -> None:
    def some() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    reader = FactorySource(some).reader(None, None, Asker())
    assert reader.read(10) == [1]
    with pytest.raises(OSError, match="gone"):
        reader.read(10)


class Countdown(SourceFunction[int]):
    def __init__(self, start: int) -> None:
        self.left = start
        self.idle = True

    def process(self) -> int | StopSignal | None:
        self.idle = not self.idle
        if self.idle:
            return None
        if not self.left:
            return StopSignal()
        self.left -= 1
        return self.left


@pytest.mark.parametrize("backend", ["inline", "threads"])
def test_functions_that_are_asked(backend: str) -> None:
    env = LocalEnvironment(backend=backend)
    source = FunctionSource(Countdown(3), bounded=True)
    assert env.from_source(source).execute_and_collect() == [2, 1, 0]
    assert env.from_source(source).execute_and_collect() == [2, 1, 0]
    for end in (StopSignal, StopSignal("done")):
        found = iter([1, None, end, 2])
        assert env.from_function(lambda found=found: next(found)).execute_and_collect() == [1]
    answers = iter([1, None, 0, StopSignal])
    stream = env.from_function(lambda: next(answers))
    assert stream.execute_and_collect() == [1, 0]


@pytest.mark.parametrize("backend", ["inline", "threads"])
def test_async_generators(backend: str) -> None:
    async def numbers() -> AsyncIterator[int | None]:
        for n in range(2000):
            if n % 500 == 0:
                await asyncio.sleep(0)
            yield n
        yield None

    env = LocalEnvironment(backend=backend)
    assert env.from_source(numbers).execute_and_collect() == [*range(2000), None]
    assert env.from_source(AsyncSource(numbers, capacity=1)).limit(3).execute_and_collect() == [
        0,
        1,
        2,
    ]


def test_an_async_generator_that_fails() -> None:
    async def failing() -> AsyncIterator[int]:
        yield 1
        raise OSError("gone")

    with pytest.raises(JobFailedError, match="gone") as caught:
        LocalEnvironment().from_source(failing).execute_and_collect()
    assert isinstance(caught.value.__cause__, OSError)


def test_queues_from_other_threads() -> None:
    queue = QueueSource[int](capacity=4)
    env = LocalEnvironment()
    collected = env.from_source(queue).map(lambda n: n * 2).collect()
    job = env.submit()
    for n in range(100):
        queue.put(n, timeout=30)
    queue.end()
    job.wait(60)
    assert collected.get() == list(range(0, 200, 2))
    with pytest.raises(ProgramError, match="ended"):
        queue.put(1)


def test_queues_that_are_full() -> None:
    oldest = QueueSource[int](2, when_full="drop_oldest")
    newest = QueueSource[int](2, when_full="drop_new")
    assert [oldest.put(n) for n in range(4)] == [True] * 4
    assert [newest.put(n) for n in range(4)] == [True, True, False, False]
    assert (oldest.take(9), newest.take(9)) == ([2, 3], [0, 1])
    assert oldest.dropped == newest.dropped == 2
    for strict in (QueueSource[int](1, when_full="reject"), QueueSource[int](1)):
        strict.put(0)
        with pytest.raises(ResourceError) as caught:
            strict.put(1, timeout=0)
        assert caught.value.code == "source.queue_full"
    with pytest.raises(ProgramError, match="cannot leave its process"):
        pickle.dumps(oldest)


def test_files_go_on_at_their_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("\ufeffäpfel\r\n\nend".encode())
    rows = 'name,note\n"Ann","two\nlines"\n\nBob,\nCy,"a ""quote"""\n'
    (tmp_path / "b.csv").write_text(rows, encoding="utf-8")
    lines = [{"a": 1}, None, [2], "three"]
    text = "\n".join(json.dumps(line) for line in lines) + "\n\n"
    (tmp_path / "c.jsonl").write_text(text, encoding="utf-8")
    source = FileSource(str(tmp_path / "*"))
    assert check_replay(source) == [
        "äpfel",
        "",
        "end",
        {"name": "Ann", "note": "two\nlines"},
        {"name": "Bob", "note": ""},
        {"name": "Cy", "note": 'a "quote"'},
        *lines,
    ]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.jsonl", b'{"a": 1}\n{"a"\n', "source.malformed"),
        ("a.csv", b"a,b\n1,2,3\n", "source.malformed"),
        ("a.txt", b"\xff\xfe\n", "source.malformed"),
        (None, b"", "source.no_file"),
    ],
)
def test_files_that_cannot_be_read(
    tmp_path: Path, name: str | None, content: bytes, code: str
) -> None:
    path = tmp_path / (name or "missing.txt")
    if name:
        path.write_bytes(content)
    with pytest.raises(JobFailedError) as caught:
        LocalEnvironment().from_source(FileSource(path)).execute_and_collect()
    assert caught.value.code == code
    assert isinstance(caught.value.__cause__, ResourceError)


def test_ticks_go_by_processing_time() -> None:
    asker = Asker()
    reader = TickSource("10ms", count=5).reader(None, None, asker)
    assert reader.read(9) == []
    asker.time = 35
    assert reader.read(2) == [0, 1]
    assert reader.read(9) == [2]
    asker.time = 1000
    assert reader.read(9) == [3, 4]
    assert reader.read(9) is None
    again = TickSource("10ms", count=5).reader(None, 3, asker)
    asker.time += 10
    assert again.read(9) == [3]
    env = LocalEnvironment(backend="inline")
    assert env.from_ticks("1h", count=4).execute_and_collect() == [0, 1, 2, 3]


class Broker:
    """Partitions with offsets, some of which are missing as after compaction."""

    def __init__(self, partitions: int, messages: int) -> None:
        self.topics = {
            "numbers": [
                [Message(2 * i + 7, str(p * 1000 + i), 10 * i) for i in range(messages)]
                for p in range(partitions)
            ]
        }
        self.open = 0

    def connect(self) -> "Client":
        self.open += 1
        return Client(self)


class Client:
    def __init__(self, broker: Broker) -> None:
        self.broker = broker

    def partitions(self, topic: str) -> Sequence[int]:
        return range(len(self.broker.topics[topic]))

    def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        messages = self.broker.topics[topic][partition]
        return (messages[0].offset, messages[-1].offset + 1) if messages else (0, 0)

    def fetch(self, topic: str, partition: int, offset: int, limit: int) -> Sequence[Message]:
        messages = self.broker.topics[topic][partition]
        return [message for message in messages if message.offset >= offset][:limit]

    def close(self) -> None:
        self.broker.open -= 1


@pytest.mark.parametrize("parallelism", [1, 2, 4])
@pytest.mark.parametrize("backend", ["inline", "threads"])
def test_brokers(backend: str, parallelism: int) -> None:
    broker = Broker(3, 20)
    env = LocalEnvironment(config={"parallelism": parallelism}, backend=backend)
    source = BrokerSource(broker.connect, "numbers", bounded=True, decode=int)
    numbers = env.from_source(source).execute_and_collect()
    assert sorted(numbers) == sorted(p * 1000 + i for p in range(3) for i in range(20))
    again = env.from_kafka_source(broker.connect, "numbers", bounded=True, decode=int)
    assert sorted(again.execute_and_collect()) == sorted(numbers)
    assert broker.open == 0


def test_a_broker_goes_on_at_its_offset() -> None:
    broker = Broker(2, 9)
    assert len(check_replay(BrokerSource(broker.connect, "numbers", bounded=True))) == 18
    timed = BrokerSource(broker.connect, "numbers", bounded=True, timed=True)
    batch = timed.reader(1, None, Asker()).read(2)
    assert batch == Batch(["1000", "1001"], [0, 10])
    latest = BrokerSource(broker.connect, "numbers", start="latest", bounded=True)
    assert read_all(latest, 0) == []


class Once(Source[Any]):
    """Gives everything once, to whoever comes first."""

    replayable = False

    def __init__(self, records: list[Any]) -> None:
        self.queue = QueueSource[Any](1000)
        for record in records:
            self.queue.put(record)

    def reader(self, split: Any, position: Any, context: Any) -> Any:
        assert position is None
        return self.queue.reader(split, position, context)


def test_a_log_makes_sources_replayable(tmp_path: Path) -> None:
    once = Once([None, *range(9)])
    source = LoggedSource(once, tmp_path)
    (split,) = source.splits()
    reader = source.reader(split, None, Asker())
    seen = values(reader.read(4))
    position = reader.position()
    lost = values(reader.read(4))  # and then it crashes
    reader.close()
    again = source.reader(split, position, Asker())
    rest = values(again.read(2)) + values(again.read(100)) + values(again.read(100))
    assert seen + rest == [None, *range(9)]
    assert rest[:4] == lost
    once.queue.end()
    assert again.read(100) is None
    again.close()
    assert read_all(source, split, position) == rest


def test_a_log_is_pruned_behind_what_is_kept(tmp_path: Path) -> None:
    source = LoggedSource(Once(list(range(100))), tmp_path, keep=2)
    (split,) = source.splits()
    reader: Any = source.reader(split, None, Asker())
    positions = []
    for _ in range(5):
        reader.read(10)
        positions.append(reader.position())
        reader.committed(positions[-1])
    reader.close()
    assert values(source.reader(split, positions[2], Asker()).read(100)) == list(range(30, 50))
    with pytest.raises(ResourceError) as caught:
        source.reader(split, positions[0], Asker())
    assert caught.value.code == "source.log_pruned"


def test_a_log_begins_anew_with_the_job(tmp_path: Path) -> None:
    (split,) = LoggedSource(Once([]), tmp_path).splits()
    first = LoggedSource(Once([1, 2]), tmp_path, run="first").reader(split, None, Asker())
    assert first.read(9) == [1, 2]
    first.close()
    again = LoggedSource(Once([]), tmp_path, run="first").reader(split, None, Asker())
    assert again.read(9) == [1, 2]  # it has failed before its first checkpoint
    again.close()
    later = LoggedSource(Once([]), tmp_path, run="later", adopt=True)
    reader = later.reader(split, None, Asker())
    assert reader.read(9) == [1, 2]
    reader.close()
    second = LoggedSource(Once([3]), tmp_path, run="second").reader(split, None, Asker())
    assert second.read(9) == [3]
    assert second.position() == 1
    second.close()
    log = IngressLog(tmp_path / "ingress-0.sqlite")
    assert [record for _, record, _ in log.read(0, 9)] == [3]
    log.close()


@pytest.mark.parametrize("backend", ["inline", "threads"])
def test_one_subtask_reads_a_collection_unless_it_is_told_otherwise(backend: str) -> None:
    env = LocalEnvironment(config={"parallelism": 3}, backend=backend)
    for begin in (env.from_collection, env.from_batch):
        assert begin(range(100)).vertex.parallelism == 1
        assert begin(range(100), parallelism=2).vertex.parallelism == 2
        assert begin(range(100)).set_parallelism(4).vertex.parallelism == 4
    keyed = env.from_collection(range(1000)).key_by(lambda n: n % 7)
    seen: dict[int, list[int]] = {}
    for n in keyed.map(lambda n: n).execute_and_collect():
        seen.setdefault(n % 7, []).append(n)
    assert all(part == sorted(part) for part in seen.values())
