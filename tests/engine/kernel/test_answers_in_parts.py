"""Answers of a pipeline that come in parts, and requests that several operators work on."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.engine.kernel.asking import Calls
from weft_engine.errors import ResourceError, WeftError
from weft_engine.kernel import (
    Answer,
    LocalEnvironment,
    PipelineService,
    ProcessFunction,
    Request,
    answering,
    answering_in_parts,
    passing,
)
from weft_engine.kernel.answer_stream import AnswerStream


def in_parts(value: Any) -> Iterator[str]:
    """Says a text word by word."""
    words = str(value).split()
    for word in words:
        if word == "bad":
            raise ValueError("not a word")
        yield word
    return len(words)


def wait_for_requests(play: Calls) -> list[Request]:
    while True:
        assert play.context.woken.wait(60)
        play.context.woken.clear()
        if requests := play.read():
            return requests


def by_session(record: Request | Answer) -> Any:
    return record.session


async def heard(stream: AnswerStream) -> tuple[list[Any], Any]:
    return [part async for part in stream], stream.result


@pytest.fixture
def speaking() -> Iterator[PipelineService]:
    service = PipelineService("speaker", timeout_s=60)
    env = LocalEnvironment("speaker", {"parallelism": 2})
    stream = env.from_source(service.source()).key_by(by_session)
    stream.flat_map(answering_in_parts(in_parts)).sink(service.sink())
    job = env.submit(wait=False)
    yield service
    service.close()
    job.wait(60)


@pytest.fixture
def play() -> Iterator[Calls]:
    calls = Calls(PipelineService())
    yield calls
    calls.close()


def test_an_answer_may_come_in_parts(speaking: PipelineService) -> None:
    stream = speaking.stream("to be or", session="s")
    assert (list(stream), stream.result) == (["to", "be", "or"], 3)
    assert asyncio.run(heard(speaking.stream("not to"))) == (["not", "to"], 2)
    assert speaking.call("to be") == 2
    assert speaking.pending == 0


def test_streams_of_many_callers_do_not_mix(speaking: PipelineService) -> None:
    async def ask() -> list[Any]:
        texts = [f"{n} {n + 1} {n + 2}" for n in range(40)]
        asked = (heard(speaking.stream(text, session=n)) for n, text in enumerate(texts))
        return await asyncio.gather(*asked)

    assert asyncio.run(ask()) == [([str(n), str(n + 1), str(n + 2)], 3) for n in range(40)]


def test_an_error_comes_behind_the_parts_before_it(speaking: PipelineService) -> None:
    parts = iter(speaking.stream("to bad be"))
    assert next(parts) == "to"
    with pytest.raises(ResourceError, match="not a word"):
        next(parts)
    with pytest.raises(ResourceError, match="not a word"):
        asyncio.run(heard(speaking.stream("bad")))


def test_parts_are_not_kept_back_until_the_answer_is_whole() -> None:
    heard_first, service = threading.Event(), PipelineService("slow", timeout_s=60)

    def speak(value: Any) -> Iterator[str]:
        yield "first"
        yield "second" if heard_first.wait(60) else "nobody listens"

    env = LocalEnvironment("slow")
    env.from_source(service.source()).flat_map(answering_in_parts(speak)).sink(service.sink())
    job = env.submit(wait=False)
    found = []
    for part in service.stream("?"):
        found.append(part)
        heard_first.set()
    assert found == ["first", "second"]
    service.close()
    job.wait(60)


def test_parts_come_once_and_in_order_whatever_happens(play: Calls) -> None:
    stream = play.service.stream("x")
    future = play.pool.submit(lambda: (list(stream), stream.result))
    (request,) = wait_for_requests(play)
    for number in (1, 0, 0, 1, 2):
        play.writer.write([request.part(number, f"part {number}")])
    play.writer.write([request.reply("all"), request.part(3, "late"), request.reply("again")])
    assert future.result(60) == (["part 0", "part 1", "part 2"], "all")
    play.writer.write([request.part(4, "nobody waits")])


def test_who_leaves_a_stream_gives_the_request_up(play: Calls) -> None:
    parts = iter(play.service.stream("x"))
    first = play.pool.submit(next, parts)
    (request,) = wait_for_requests(play)
    play.writer.write([request.part(0, "first")])
    assert first.result(60) == "first"
    assert play.service.pending == 1
    parts.close()
    assert play.service.pending == 0


def test_streams_have_limits_of_time(play: Calls) -> None:
    service = play.service
    with pytest.raises(ResourceError) as caught:
        list(service.stream("late", timeout=0.01))
    assert caught.value.code == "service.timeout"
    with pytest.raises(ResourceError) as caught:
        asyncio.run(heard(service.stream("late", timeout=0.01)))
    assert caught.value.code == "service.timeout"
    assert service.pending == 0


def test_streams_end_with_the_job() -> None:
    service, come = PipelineService("speaker"), threading.Event()

    def refuse(request: Request) -> Any:
        come.set()
        raise ValueError("no more")

    env = LocalEnvironment("speaker")
    env.from_source(service.source()).map(refuse).sink(service.sink())
    job = env.submit(wait=False)
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(list, service.stream(1))]
        waiting.append(pool.submit(lambda: asyncio.run(heard(service.stream(2)))))
        for call in waiting:
            with pytest.raises(ResourceError, match="is over"):
                call.result(60)
    with pytest.raises(WeftError):
        job.wait(60)
    assert come.is_set()


def test_a_request_that_fails_on_its_way_is_answered_with_that() -> None:
    service = PipelineService("steps", timeout_s=60)
    env = LocalEnvironment("steps", {"parallelism": 2})
    stream = env.from_source(service.source()).map(passing(int)).key_by(by_session)
    stream = stream.map(passing(lambda n: n + 1)).map(answering(lambda n: 10 // n))
    stream.flat_map(answering_in_parts(in_parts)).sink(service.sink())
    job = env.submit(wait=False)
    assert service.call("4") == 2
    for wrong, told in (("four", "invalid literal"), ("-1", "division|by zero")):
        with pytest.raises(ResourceError, match=told):
            service.call(wrong, session=wrong)
    assert service.call("1", session="s") == 5
    service.close()
    job.wait(60)


def test_a_session_stays_with_one_subtask() -> None:
    service = PipelineService("sessions", timeout_s=60)

    class Turns(ProcessFunction[Request, Answer]):
        def open(self, context: Any) -> None:
            self.turns = context.state.value("turns", 0)

        def process(self, value: Request, context: Any) -> list[Answer]:
            self.turns.update(self.turns.value() + 1)
            return [value.reply((self.turns.value(), context.subtask))]

    env = LocalEnvironment("sessions", {"parallelism": 3})
    env.from_source(service.source()).key_by(by_session).process(Turns).sink(service.sink())
    job = env.submit(wait=False)
    found = {who: [service.call("?", session=who) for _ in range(5)] for who in range(12)}
    service.close()
    job.wait(60)
    assert all([turn for turn, _ in turns] == [1, 2, 3, 4, 5] for turns in found.values())
    places = [{subtask for _, subtask in turns} for turns in found.values()]
    assert all(len(place) == 1 for place in places)
    assert len(set.union(*places)) > 1
