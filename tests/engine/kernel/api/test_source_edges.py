"""Sources at their edges: what is odd, broken, or comes twice."""

import asyncio
import pickle
import resource
import threading
from collections import deque
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.engine.kernel.api.test_sources import Asker, Broker, Client, check_replay
from weft_engine.errors import ResourceError, WeftError
from weft_engine.kernel import (
    AsyncSource,
    BrokerSource,
    FileSink,
    FileSource,
    FunctionSource,
    LocalEnvironment,
    MapFunction,
    Message,
    QueueSource,
)
from weft_engine.kernel.coordinator import JobCancelledError
from weft_engine.kernel.sources.collection import collection
from weft_engine.kernel.sources.ingress import LoggedSource


@pytest.mark.parametrize("backend", ["inline", "threads"])
def test_collections_of_every_kind(backend: str, tmp_path: Path) -> None:
    env = LocalEnvironment(backend=backend)
    assert env.from_collection(deque([1, 2, 3])).execute_and_collect() == [1, 2, 3]
    assert sorted(env.from_collection({"b", "a"}).execute_and_collect()) == ["a", "b"]
    assert env.from_collection({"b": 1, "a": 2}).execute_and_collect() == ["b", "a"]
    once = env.from_collection(n for n in range(100))
    assert once.limit(3).execute_and_collect() == [0, 1, 2]
    assert once.execute_and_collect() == list(range(100))
    assert once.execute_and_collect() == list(range(100))


def test_an_iterator_can_be_gone_back_in() -> None:
    source = collection(iter(range(20)))
    once = iter(source.iterable())
    assert [next(once), next(once)] == [0, 1]
    assert pickle.loads(pickle.dumps(source.iterable())) == list(range(20))
    assert check_replay(source) == list(range(20))


class FailsAt(MapFunction[int, int]):
    """Fails on one record, the first time."""

    failed = False

    def process(self, value: int) -> int:
        if value == 700 and not FailsAt.failed:
            FailsAt.failed = True
            raise OSError("this once")
        return value


def test_an_iterator_in_a_job_that_starts_again(tmp_path: Path) -> None:
    FailsAt.failed = False
    config = {
        "batch.size": 10,
        "checkpoint.interval": "2ms",
        "checkpoint.dir": str(tmp_path),
        "restart.strategy": "fixed",
        "restart.delay": "1ms",
    }
    env = LocalEnvironment("iterator", config)
    numbers = env.from_collection(n for n in range(1000)).map(FailsAt)
    assert numbers.execute_and_collect() == list(range(1000))
    assert FailsAt.failed


def test_a_function_fails_behind_what_it_gave() -> None:
    answers = iter([1, 2, OSError("gone"), 3])

    def ask() -> Any:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    reader = FunctionSource(ask, bounded=True).reader(None, None, Asker())
    assert reader.read(100) == [1, 2]
    for _ in range(2):
        with pytest.raises(OSError, match="gone"):
            reader.read(100)


def read_to_the_end(reader: Any, asker: Asker) -> None:
    while reader.read(10) is not None:
        asker.woken.wait(60)
        asker.woken.clear()


def test_an_async_generator_that_is_cancelled_has_not_ended() -> None:
    async def cancelled() -> AsyncIterator[int]:
        yield 1
        waiting = asyncio.ensure_future(asyncio.sleep(60))
        waiting.cancel()
        await waiting

    asker = Asker()
    reader = AsyncSource(cancelled).reader(None, None, asker)
    assert asker.woken.wait(60)
    assert reader.read(10) == [1]
    with pytest.raises(ResourceError) as caught:
        read_to_the_end(reader, asker)
    assert caught.value.code == "call.cancelled"


def test_an_async_generator_is_closed_while_it_is_held_back() -> None:
    closed = threading.Event()

    async def numbers() -> AsyncIterator[int]:
        try:
            for n in range(100):
                yield n
        finally:
            closed.set()

    reader = AsyncSource(numbers, capacity=1).reader(None, None, asker := Asker())
    assert asker.woken.wait(60)
    reader.close()
    assert closed.wait(60)


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"a,b,a\n1,2,3\n", "same name"), (b'a,"b\n1,2\n', "unexpected end"), (b"\xff\n", "UTF-8")],
)
def test_tables_that_would_lose_something(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(ResourceError, match=why) as caught:
        FileSource(path).reader(str(path), None, Asker()).read(10)
    assert caught.value.code == "source.malformed"


def test_long_values_and_empty_tables(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("", encoding="utf-8")
    (tmp_path / "b.csv").write_text("a,b", encoding="utf-8")
    (tmp_path / "c.csv").write_text(f"\ufeffa,b\r\n{'x' * 300_000},\r\n1", encoding="utf-8")
    (tmp_path / "d" / "e.csv").mkdir(parents=True)
    (tmp_path / "[1]*.csv").write_text("a\n5\n", encoding="utf-8")
    source = FileSource([str(tmp_path / "[1]*.csv"), str(tmp_path / "**/[a-d]*.csv")])
    assert [{key: len(value) for key, value in row.items()} for row in check_replay(source)] == [
        {"a": 1},
        {"a": 300_000, "b": 0},
        {"a": 1, "b": 0},
    ]


def test_a_bounded_broker_stops_at_its_end_although_offsets_have_gaps() -> None:
    broker = Broker(1, 5)
    reader = BrokerSource(broker.connect, "numbers", bounded=True).reader(0, None, Asker())
    del broker.topics["numbers"][0][1:]
    broker.topics["numbers"][0] += [Message(16 + n, "late") for n in range(5)]
    assert reader.read(100) == ["0"]
    assert reader.read(100) is None
    reader.close()


class Compacted(Client):
    """Has looked at all offsets, whether there is a message or not."""

    def fetch(self, topic: str, partition: int, offset: int, limit: int) -> Sequence[Message]:
        found = super().fetch(topic, partition, offset, limit)
        self.come_to = self.bounds(topic, partition)[1] if len(found) < limit else offset
        return [message for message in found if message.value]

    def position(self, topic: str, partition: int) -> int:
        return self.come_to


@pytest.mark.parametrize("marks", [1, 2, 20])
def test_a_bounded_broker_ends_although_its_last_offsets_have_no_message(marks: int) -> None:
    broker = Broker(1, 4)
    broker.topics["numbers"][0] += [Message(100 + n, "") for n in range(marks)]
    source = BrokerSource(lambda: Compacted(broker), "numbers", bounded=True, decode=int)
    env = LocalEnvironment(backend="inline")
    assert env.from_source(source).execute_and_collect() == [0, 1, 2, 3]
    going_on = BrokerSource(lambda: Compacted(broker), "numbers").reader(0, None, Asker())
    assert [len(going_on.read(100) or ()) for _ in range(2)] == [4, 0]
    assert going_on.position() == (100 + marks, None)


class Until(MapFunction[str, str]):
    """Holds up the job at some number until it is stopped by a savepoint behind it."""

    reached = threading.Event()
    limit = 25

    def process(self, value: str) -> str:
        if int(value) == Until.limit:
            Until.reached.set()
        return value


def test_files_that_come_before_others_do_not_move_positions(tmp_path: Path) -> None:
    def build(source: Any) -> tuple[LocalEnvironment, FileSink]:
        env = LocalEnvironment("files", {"checkpoint.dir": str(tmp_path / "c"), "batch.size": 5})
        sink = FileSink(tmp_path / "out")
        env.from_source(source, uid="files").map(Until).map(int).sink(sink, uid="out")
        return env, sink

    (tmp_path / "b.txt").write_text("".join(f"{n}\n" for n in range(20)))
    (tmp_path / "c.txt").write_text("".join(f"{n}\n" for n in range(20, 40)))
    source = Waiting(str(tmp_path / "*.txt"))
    env, sink = build(source)
    job = env.submit(wait=False)
    assert Until.reached.wait(60)
    savepoint = job.savepoint(tmp_path / "savepoint", stop=True, timeout=60)
    job.wait(60)
    (tmp_path / "a.txt").write_text("40\n41\n")
    env, sink = build(FileSource(str(tmp_path / "*.txt")))
    env.submit(resume=str(savepoint))
    found = [int(line) for part in sink.parts() for line in part.read_text().split()]
    assert sorted(found) == list(range(42))


class Waiting(FileSource):
    """Reads nothing more behind the middle of the second file."""

    def reader(self, split: Any, position: Any, context: Any) -> Any:
        reader = super().reader(split, position, context)
        read = reader.read
        if split.endswith("c.txt"):
            left = iter([5, 5])
            reader.read = lambda limit: read(min(limit, n)) if (n := next(left, 0)) else []
        return reader


@pytest.mark.parametrize("how", ["cancelled", "failed"])
def test_nobody_waits_for_room_in_a_queue_whose_job_is_over(how: str) -> None:
    queue = QueueSource[int](capacity=2)
    come, go = threading.Event(), threading.Event()

    def hold(number: int) -> int:
        come.set()
        assert go.wait(60)
        raise ValueError("no more")

    env = LocalEnvironment(config={"batch.size": 1, "queue.records": 1})
    env.from_source(queue).map(hold).for_each(print)
    job = env.submit(wait=False)
    full: list[Any] = []

    def push() -> None:
        try:
            for number in range(10_000):
                queue.put(number)
        except ResourceError as error:
            full.append(error)

    pushing = [threading.Thread(target=push) for _ in range(4)]
    for thread in pushing:
        thread.start()
    assert come.wait(60)
    if how == "cancelled":
        job.cancel()
    go.set()
    for thread in pushing:
        thread.join(60)
    assert [error.code for error in full] == ["source.queue_full"] * 4
    assert all("the job is over" in str(error) for error in full)
    with pytest.raises((WeftError, JobCancelledError)):
        job.wait(60)
    again = LocalEnvironment()
    collected = again.from_source(queue).collect()
    job = again.submit(wait=False)
    for number in range(100):
        queue.put(-number, timeout=60)
    queue.end()
    job.wait(60)
    assert collected.get()[2:] == [-number for number in range(100)]


def test_many_threads_push_and_nothing_is_lost() -> None:
    queue = QueueSource[tuple[int, int]](capacity=7)
    env = LocalEnvironment()
    collected = env.from_source(queue).collect()
    job = env.submit(wait=False)

    def push(who: int) -> None:
        for number in range(300):
            queue.put((who, number), timeout=60)

    pushing = [threading.Thread(target=push, args=(who,)) for who in range(6)]
    for thread in pushing:
        thread.start()
    for thread in pushing:
        thread.join(60)
    queue.end()
    job.wait(60)
    for who in range(6):
        assert [n for w, n in collected.get() if w == who] == list(range(300))


def test_what_a_full_disk_kept_out_of_the_log_is_not_lost(tmp_path: Path) -> None:
    queue = QueueSource[str](100)
    source = LoggedSource(queue, tmp_path)
    (split,) = source.splits()
    reader = source.reader(split, None, Asker())
    queue.put("a")
    assert reader.read(1) == ["a"]
    position = reader.position()
    queue.put("b" * 1_000_000)
    queue.put("c")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    try:
        for _ in range(2):
            with pytest.raises(ResourceError) as caught:
                reader.read(1)
            assert caught.value.code == "source.log_failed"
            assert reader.position() == position
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    reader.close()
    reader = source.reader(split, position, Asker())  # it starts again
    assert [*reader.read(1), *reader.read(1)] == ["b" * 1_000_000, "c"]
    reader.close()


def test_a_log_does_not_grow_for_ever(tmp_path: Path) -> None:
    queue = QueueSource[str](100)
    source = LoggedSource(queue, tmp_path, keep=2)
    reader: Any = source.reader(source.splits()[0], None, Asker())
    sizes = []
    for _ in range(300):
        queue.put("x" * 10_000)
        assert len(reader.read(1)) == 1
        reader.committed(reader.position())
        sizes.append(sum(path.stat().st_size for path in tmp_path.iterdir()))
    assert max(sizes[150:]) < 1.1 * max(sizes[:150])
    reader.close()


def test_messages_that_the_broker_has_let_go_are_missed() -> None:
    broker = Broker(1, 9)
    source = BrokerSource[Any](broker.connect, "numbers")
    reader = source.reader(0, None, Asker())
    assert reader.read(2) == ["0", "1"]
    position = reader.position()
    reader.close()
    del broker.topics["numbers"][0][:1]
    source.reader(0, position, Asker()).close()
    del broker.topics["numbers"][0][:3]
    with pytest.raises(ResourceError) as caught:
        source.reader(0, position, Asker())
    assert caught.value.code == "source.log_pruned"
    assert broker.open == 0
