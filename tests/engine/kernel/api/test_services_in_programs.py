"""Services that functions of a program call, on every backend of this machine."""

import asyncio
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from weft_engine.errors import FlowError, ResourceError
from weft_engine.kernel import JobFailedError, LocalEnvironment, MapFunction, ProgramError
from weft_engine.kernel.coordinator import JobCancelledError

PATIENCE = 60


class Greeter:
    """Leaves a mark for every time that it is made and closed."""

    def __init__(self, folder: Path, greeting: str = "hello") -> None:
        self.folder = folder
        self.greeting = greeting
        self.tries = 0

    def open(self) -> None:
        self.mark("made")

    def close(self) -> None:
        self.mark("closed")

    def mark(self, what: str) -> None:
        (self.folder / f"{what}-{os.getpid()}-{id(self)}").touch()

    def greet(self, name: str) -> tuple[str, int]:
        return f"{self.greeting} {name}", os.getpid()

    def flaky(self, name: str) -> str:
        self.tries += 1
        if self.tries < 3:
            raise ConnectionError(f"try {self.tries}")
        return name

    async def late(self, name: str) -> str:
        await asyncio.sleep(PATIENCE)
        return name


class Calling(MapFunction[str, Any]):
    def __init__(self, method: str, *, later: bool = False) -> None:
        self.method = method
        self.later = later

    def process(self, value: str) -> Any:
        if self.later:
            return self.context.call_service_async("greeter", self.method, value).result(PATIENCE)
        return self.context.call_service("greeter", self.method, value)


@pytest.fixture(params=["inline", "threads", "processes"])
def env(request: pytest.FixtureRequest) -> LocalEnvironment:
    return LocalEnvironment("services", {"parallelism": 2, "workers": 2}, backend=request.param)


@pytest.mark.parametrize("later", [False, True])
def test_a_service_is_made_once_a_process(
    env: LocalEnvironment, tmp_path: Path, later: bool
) -> None:
    env.register_service("greeter", Greeter, tmp_path, greeting="good day")
    names = [f"n{n}" for n in range(40)]
    greeted = env.from_collection(names).rebalance().map(Calling("greet", later=later))
    found = greeted.execute_and_collect()
    assert sorted(text for text, _ in found) == sorted(f"good day {name}" for name in names)
    processes = {pid for _, pid in found}
    assert len(list(tmp_path.glob("made-*"))) == len(processes)
    assert len(list(tmp_path.glob("closed-*"))) == len(processes)


def test_calls_are_tried_again_and_limited(env: LocalEnvironment, tmp_path: Path) -> None:
    again = {"max_attempts": 3, "delay_s": 0.001}
    env.register_service("greeter", Greeter, tmp_path, timeout="30s", retry_policy=again)
    assert env.from_collection(["ada"]).map(Calling("flaky")).execute_and_collect() == ["ada"]


def test_a_call_that_takes_too_long_fails(env: LocalEnvironment, tmp_path: Path) -> None:
    env.register_service("greeter", Greeter, tmp_path, timeout="20ms")
    slow = env.from_collection(["ada"]).map(Calling("late"))
    with pytest.raises(JobFailedError, match="had not answered") as caught:
        slow.execute_and_collect()
    assert caught.value.code == "service.timeout"
    assert isinstance(caught.value.__cause__, ResourceError)


def test_registrations_that_cannot_be() -> None:
    env = LocalEnvironment()
    env.register_service("greeter", dict)
    with pytest.raises(ProgramError, match="already"):
        env.register_service("greeter", dict)
    with pytest.raises(ProgramError, match="cannot be called"):
        env.register_service("", dict)
    with pytest.raises(FlowError, match="retry policy"):
        env.register_service("other", dict, retry_policy={"tries": 3})
    with pytest.raises(ProgramError):
        env.register_service("other", dict, timeout="soon")


class Hanging:
    """Says that it was asked, and never answers."""

    def __init__(self, asked: threading.Event) -> None:
        self.asked = asked
        self.cancelled = threading.Event()

    async def hang(self, value: str) -> None:
        self.asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()

    def promise(self, value: str) -> Any:
        return self.hang(value)


@pytest.mark.parametrize("method", ["hang", "promise"])
@pytest.mark.parametrize("timeout", [None, "1h"])
def test_a_call_is_given_up_when_the_job_is_cancelled(method: str, timeout: str | None) -> None:
    asked = threading.Event()
    service = Hanging(asked)
    env = LocalEnvironment("hanging")
    env.register_service("greeter", service, timeout=timeout)
    env.from_collection(["ann"]).map(Calling(method)).for_each(print)
    job = env.submit(wait=False)
    assert asked.wait(PATIENCE)
    threads = [each for each in threading.enumerate() if each.name.startswith("weft-job-source")]
    job.cancel()
    with pytest.raises(JobCancelledError):
        job.wait(PATIENCE)
    assert service.cancelled.wait(PATIENCE)
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
