"""Services: made once, called with limits and retries, with errors that say what to do."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from weft_engine.errors import FlowError, ResourceError
from weft_engine.kernel.io_loop import run_soon
from weft_engine.kernel.policy import Policy
from weft_engine.kernel.services import Services, ServiceSpec, make_services, retry_policy


class Calculator:
    made = 0

    def __init__(self, base: int = 0, *, log: list[str] | None = None) -> None:
        type(self).made += 1
        self.base = base
        self.log = log if log is not None else []
        self.tries = 0
        self.release = threading.Event()

    def open(self) -> None:
        self.log.append("open")

    def close(self) -> None:
        self.release.set()
        self.log.append("close")

    def add(self, value: int) -> int:
        return self.base + value

    async def slowly(self, value: int) -> int:
        await asyncio.sleep(0)
        return self.base + value

    def flaky(self, fails: int) -> int:
        self.tries += 1
        if self.tries <= fails:
            raise ConnectionError(f"no {self.tries}")
        return self.tries

    async def flaky_async(self, fails: int) -> int:
        return self.flaky(fails)

    def hang(self) -> None:
        assert self.release.wait(60)

    async def hang_async(self) -> None:
        await asyncio.Event().wait()

    def refuse(self) -> None:
        self.tries += 1
        raise FlowError("not like this")

    def where(self) -> str:
        return threading.current_thread().name

    def _hidden(self) -> None: ...


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture
def services(log: list[str]) -> Iterator[Services]:
    retry = {"max_attempts": 3, "delay": 0, "backoff": 1}
    made = make_services(
        {
            "calc": ServiceSpec(Calculator, (10,), {"log": log}),
            "stubborn": ServiceSpec(Calculator, retry=retry),
            "hasty": ServiceSpec(Calculator, timeout_s=0.02),
            "plain": Calculator,
        }
    )
    yield made
    made.close()


def test_a_service_is_made_once_when_it_is_first_called(services: Services, log: list[str]) -> None:
    before = Calculator.made
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: services.call("calc", "add", n), range(40)))
    assert found == [10 + n for n in range(40)]
    assert Calculator.made == before + 1
    assert log == ["open"]
    services.close()
    assert log == ["open", "close"]
    with pytest.raises(ResourceError) as caught:
        services.call("calc", "add", 1)
    assert caught.value.code == "service.closed"


def test_ordinary_and_async_methods_can_be_called_either_way(services: Services) -> None:
    assert services.call("calc", "slowly", 1) == 11
    assert services.call_async("calc", "slowly", value=2).result(60) == 12
    assert services.call_async("calc", "add", 3).result(60) == 13
    assert services.call("plain", "add", 3) == 3


def test_a_call_without_a_limit_runs_where_it_is_called(services: Services) -> None:
    here = threading.current_thread().name
    assert services.call("calc", "where") == here
    assert services.call("calc", "where", timeout=60) != here


@pytest.mark.parametrize("method", ["flaky", "flaky_async"])
@pytest.mark.parametrize("limit", [None, 60])
def test_failures_are_retried(services: Services, method: str, limit: float | None) -> None:
    assert services.call("stubborn", method, 2, timeout=limit) == 3


@pytest.mark.parametrize("method", ["flaky", "flaky_async"])
def test_after_the_last_attempt_the_cause_is_told(services: Services, method: str) -> None:
    with pytest.raises(
        ResourceError, match=r"stubborn.*3 attempts.*ConnectionError: no 3"
    ) as caught:
        services.call("stubborn", method, 5)
    assert caught.value.code == "service.failed"
    assert isinstance(caught.value.__cause__, ConnectionError)


def test_errors_that_no_attempt_will_mend_are_not_retried(services: Services) -> None:
    with pytest.raises(FlowError, match="not like this"):
        services.call("stubborn", "refuse")
    assert services.call("stubborn", "flaky", 0) == 2  # one refused, and this one


@pytest.mark.parametrize("method", ["hang", "hang_async"])
def test_what_takes_too_long_is_given_up(services: Services, method: str) -> None:
    for call in (
        lambda: services.call("hasty", method),
        lambda: services.call("calc", method, timeout=0.02),
        lambda: services.call_async("hasty", method).result(60),
    ):
        with pytest.raises(ResourceError, match=method) as caught:
            call()
        assert caught.value.code == "service.timeout"
        assert caught.value.retryable


def test_unknown_names_are_told_with_the_nearest(services: Services) -> None:
    with pytest.raises(FlowError) as caught:
        services.call("clac", "add")
    assert caught.value.code == "service.unknown"
    assert "calc" in caught.value.hint
    for name in ("ad", "_hidden", "__init__", "base"):
        with pytest.raises(FlowError) as caught:
            services.call("calc", name)
        assert caught.value.code == "service.unknown_method"
    with pytest.raises(FlowError) as caught:
        services.call_async("calc", "flakey").result(60)
    assert "flaky" in caught.value.hint


def test_a_service_that_cannot_be_started_says_why_and_is_tried_again() -> None:
    tries: list[int] = []

    def make() -> Calculator:
        tries.append(1)
        if len(tries) == 1:
            raise FileNotFoundError("model.bin")
        return Calculator()

    services = make_services({"model": ServiceSpec(make)})
    with pytest.raises(ResourceError, match=r"model\.bin") as caught:
        services.call("model", "add", 1)
    assert caught.value.code == "service.start_failed"
    assert services.call("model", "add", 1) == 1
    services.close()


def test_a_coroutine_on_the_loop_cannot_block_it(services: Services) -> None:
    class Caller:
        async def call(self) -> Any:
            return services.call("calc", "slowly", 1)

        async def right(self) -> Any:
            return await asyncio.wrap_future(services.call_async("calc", "slowly", 1))

    callers = make_services({"caller": Caller})
    with pytest.raises(FlowError, match="block") as caught:
        callers.call("caller", "call")
    assert "call_service_async" in caught.value.hint
    assert callers.call("caller", "right") == 11
    callers.close()


def test_async_services_are_opened_and_closed_on_the_loop() -> None:
    steps: list[str] = []

    class Client:
        async def start(self) -> None:
            steps.append(threading.current_thread().name)

        async def stop(self) -> None:
            steps.append("stopped")

        async def ask(self) -> int:
            return 1

    services = make_services({"client": Client})
    assert services.call("client", "ask") == 1
    services.close()
    assert steps == ["weft-io", "stopped"]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"max_tries": 3}, "config.unknown_key"),
        ({"max_attempts": 0}, "config.bad_value"),
        ({"delay": "soon"}, "config.bad_value"),
    ],
)
def test_retry_policies_are_checked(given: dict[str, Any], code: str) -> None:
    with pytest.raises(FlowError) as caught:
        retry_policy(given)
    assert caught.value.code == code


def test_retry_policies_can_be_given_in_several_ways() -> None:
    assert retry_policy(None) == Policy()
    assert retry_policy(3) == Policy(max_attempts=3)
    given = {"max_attempts": 2, "delay": 0.5, "timeout_s": 4}
    assert retry_policy(given) == Policy(max_attempts=2, delay_s=0.5, timeout_s=4)
    assert ServiceSpec(Calculator, retry=given).seconds == 4


class OpensSlowly(Calculator):
    async def open(self) -> None:  # type: ignore[override]
        await asyncio.sleep(0)

    def later(self, fails: int) -> Any:
        return self.flaky_async(fails)


def test_a_coroutine_never_waits_for_its_own_loop() -> None:
    retry = {"max_attempts": 3, "delay": 0}
    made = make_services({"calc": OpensSlowly, "again": ServiceSpec(OpensSlowly, retry=retry)})

    async def ask(name: str, method: str) -> Any:
        return made.call(name, method, 1)

    for method in ("add", "later"):
        for _ in range(2):
            with pytest.raises((FlowError, ResourceError), match="would block all others"):
                run_soon(ask("calc", method)).result(60)
    assert made.call("calc", "add", 1) == 1
    with pytest.raises(FlowError, match="would block all others"):
        run_soon(ask("calc", "later")).result(60)
    assert made.call("again", "later", 2) == 3
    with pytest.raises(ResourceError) as caught:
        made.call("again", "later", 99)
    assert caught.value.code == "service.failed"
    made.close()
