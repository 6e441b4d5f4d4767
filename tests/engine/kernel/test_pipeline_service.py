"""A pipeline as a service, run on threads by the real environment."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engine.kernel.asking import Calls
from weft_engine.errors import ResourceError, WeftError
from weft_engine.kernel import LocalEnvironment
from weft_engine.kernel.coordinator import JobCancelledError
from weft_engine.kernel.pipeline_service import PipelineService, Request, answering
from weft_engine.kernel.sources.ingress import with_logs


def reply(value: Any) -> Any:
    if value == "bad":
        raise ValueError("not a question")
    return ("answer", value)


def session(request: Request) -> Any:
    return request.session


@pytest.fixture
def running() -> Iterator[PipelineService]:
    service = PipelineService("support", in_flight=8, timeout_s=60)
    env = LocalEnvironment("service")
    env.set_parallelism(2)
    stream = env.from_source(service.source()).key_by(session).map(answering(reply))
    stream.sink(service.sink())
    job = env.submit(wait=False)
    yield service
    service.close()
    job.wait(60)


def test_every_caller_gets_their_own_answer(running: PipelineService) -> None:
    with ThreadPoolExecutor(16) as pool:
        calls = [pool.submit(running.call, n, session=n % 7) for n in range(300)]
        assert [call.result(60) for call in calls] == [("answer", n) for n in range(300)]
    assert running.pending == 0


def test_coroutines_can_ask_too(running: PipelineService) -> None:
    async def ask() -> list[Any]:
        return await asyncio.gather(*(running.acall(n, session=n) for n in range(50)))

    assert asyncio.run(ask()) == [("answer", n) for n in range(50)]


def test_an_error_goes_to_who_asked_and_nobody_else(running: PipelineService) -> None:
    with ThreadPoolExecutor(4) as pool:
        good = [pool.submit(running.call, n) for n in range(20)]
        bad = pool.submit(running.call, "bad")
        with pytest.raises(ResourceError, match="not a question") as caught:
            bad.result(60)
        assert caught.value.code == "service.failed"
        assert [call.result(60) for call in good] == [("answer", n) for n in range(20)]


@pytest.fixture
def play() -> Iterator[Any]:
    made: list[Calls] = []

    def start(**given: Any) -> Calls:
        made.append(Calls(PipelineService(**given)))
        return made[-1]

    yield start
    for calls in made:
        calls.close()


def test_answers_may_come_in_any_order_and_twice(play: Any) -> None:
    calls = play()
    futures = [calls.ask(n) for n in range(5)]
    requests = calls.read()
    answers = [request.reply(-request.value) for request in reversed(requests)]
    calls.writer.write(answers + answers)
    assert [future.result(60) for future in futures] == [0, -1, -2, -3, -4]


def test_failures_that_were_routed_reach_the_caller(play: Any) -> None:
    calls = play()
    future = calls.ask("x")
    (request,) = calls.read()
    calls.writer.write([{"item": request, "code": "node.failed", "message": "no", "hint": "why"}])
    with pytest.raises(ResourceError, match="no") as caught:
        future.result(60)
    assert (caught.value.code, caught.value.hint) == ("node.failed", "why")
    with pytest.raises(ResourceError, match="not an answer"):
        calls.writer.write(["something"])


def test_only_so_many_are_in_the_pipeline_and_the_rest_keeps_its_order(play: Any) -> None:
    calls = play(in_flight=2)
    low = [calls.ask(n) for n in range(4)]
    first = calls.read()
    assert [one.value for one in first] == [0, 1]
    assert calls.read() == []
    urgent = calls.ask("urgent", priority=9)
    calls.context.woken.clear()
    calls.writer.write([first[0].reply("done")])
    assert calls.context.woken.is_set()
    (second,) = calls.read()
    assert second.value == "urgent"
    assert low[0].result(60) == "done"
    assert not urgent.done()


def test_a_session_keeps_its_order_whatever_the_priorities(play: Any) -> None:
    calls = play()
    for n in range(3):
        calls.ask(n, session="s", priority=3 * n)
    calls.ask("other", priority=1)
    values = [request.value for request in calls.read()]
    assert [value for value in values if value != "other"] == [0, 1, 2]
    assert values[0] == "other"


@pytest.mark.parametrize(
    ("policy", "code"), [("reject", "service.busy"), ("block", "service.busy")]
)
def test_without_room_callers_are_turned_away(play: Any, policy: str, code: str) -> None:
    calls = play(capacity=1, policy=policy)
    calls.ask(1)
    with pytest.raises(ResourceError) as caught:
        calls.service.call(2, timeout=0.01)
    assert caught.value.code == "service.busy"
    assert [request.value for request in calls.read()] == [1]


def test_without_room_the_oldest_may_be_given_up(play: Any) -> None:
    calls = play(capacity=1, policy="drop_oldest")
    first = calls.ask(1)
    second = calls.pool.submit(calls.service.call, 2)
    with pytest.raises(ResourceError) as caught:
        first.result(60)
    assert caught.value.code == "service.dropped"
    calls.writer.write([request.reply("ok") for request in calls.read()])
    assert second.result(60) == "ok"


def test_who_gives_up_is_not_worked_for(play: Any) -> None:
    calls = play()
    with pytest.raises(ResourceError) as caught:
        calls.service.call("late", timeout=0.01)
    assert caught.value.code == "service.timeout"
    with pytest.raises(ResourceError) as caught:
        asyncio.run(calls.service.acall("late", timeout=0.01))
    assert caught.value.code == "service.timeout"
    assert calls.read() == []
    assert calls.service.pending == 0


def test_who_gives_up_while_it_is_worked_on_makes_room(play: Any) -> None:
    calls = play(in_flight=1)
    for limit in (0.1, 1, 10):  # it must not give up before it was read
        future = calls.ask("lost", timeout=limit)
        requests = calls.read()
        if requests:
            break
    assert [request.value for request in requests] == ["lost"]
    with pytest.raises(ResourceError):
        future.result(60)
    calls.ask("next")
    assert [request.value for request in calls.read()] == ["next"]


def test_what_a_failed_attempt_left_is_given_to_the_next(play: Any) -> None:
    calls = play()
    future = calls.ask("x")
    (request,) = calls.read()
    calls.reader = calls.service.source().reader(None, None, calls.context)
    assert calls.read() == [request]
    calls.writer.write([request.reply("ok")])
    assert future.result(60) == "ok"


def test_it_ends_when_closed_and_all_is_answered(play: Any) -> None:
    calls = play()
    future = calls.ask("x")
    calls.service.close()
    (request,) = calls.reader.read(10)
    assert calls.reader.read(10) == []
    calls.writer.write([request.reply(1)])
    assert calls.reader.read(10) is None
    assert future.result(60) == 1
    with pytest.raises(ResourceError) as caught:
        calls.service.call("y")
    assert caught.value.code == "service.closed"


def test_when_the_pipeline_fails_nobody_waits_in_vain(play: Any) -> None:
    calls = play()
    futures = [calls.ask(n) for n in range(3)]
    calls.read(1)
    calls.service.fail(RuntimeError("down"))
    for future in futures:
        with pytest.raises(RuntimeError, match="down"):
            future.result(60)


def test_a_log_gives_requests_once(play: Any, tmp_path: Path) -> None:
    calls = play()
    env = LocalEnvironment()
    env.from_source(calls.service.source(), uid="asked")
    settings = replace(env.settings, checkpoint_dir=str(tmp_path))
    (vertex,) = with_logs(env.graph, settings, "job", "run", adopt=False).vertices
    source = vertex.params["source"]
    (split,) = source.splits()
    reader = source.reader(split, None, calls.context)
    future = calls.ask("x")
    (request,) = reader.read(10)
    reader.close()
    reader = source.reader(split, 0, calls.context)
    assert [*reader.read(10), *reader.read(10)] == [request]
    calls.writer.write([request.reply("y")])
    assert future.result(60) == "y"
    reader.close()


def test_requests_of_another_process_are_nobody_elses(play: Any) -> None:
    first, second = play(), play()
    first.ask(1)
    future = second.ask(2)
    (old,), (new,) = first.read(), second.read()
    second.writer.write([old.reply("not yours")])
    assert not future.done()
    second.writer.write([new.reply("yours")])
    assert future.result(60) == "yours"


@pytest.mark.parametrize("how", ["cancelled", "failed"])
def test_nobody_waits_for_a_job_that_is_over(how: str) -> None:
    service = PipelineService("support", capacity=2, in_flight=2)
    come, go = threading.Semaphore(0), threading.Event()

    def hold(request: Request) -> Any:
        come.release()
        assert go.wait(60)
        raise ValueError("no more")

    def submit(fn: Any) -> Any:
        env = LocalEnvironment("service")
        env.from_source(service.source()).map(fn).sink(service.sink())
        return env.submit(wait=False)

    job = submit(hold)
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(service.call, n) for n in range(8)]
        assert come.acquire(timeout=60)
        if how == "cancelled":
            job.cancel()
        go.set()
        for call in waiting:
            with pytest.raises(ResourceError, match="is over") as caught:
                call.result(60)
            assert caught.value.code == "service.closed"
    with pytest.raises((WeftError, JobCancelledError)):
        job.wait(60)
    assert service.pending == 0
    with pytest.raises(ResourceError, match="is over"):
        service.call(1)
    job = submit(answering(reply))
    assert service.call(1, timeout=60) == ("answer", 1)
    service.close()
    job.wait(60)
