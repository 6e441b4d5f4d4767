"""What cannot mean what it says is refused, with a hint what to do."""

from collections.abc import Callable
from typing import Any

import pytest

from weft_engine.errors import WeftError
from weft_engine.kernel import (
    DataStream,
    JobFailedError,
    LocalEnvironment,
    MapFunction,
    ProcessFunction,
    Session,
    Tumbling,
)
from weft_engine.kernel.state.hashing import UnstableKeyError


def refused(stream: DataStream[Any]) -> WeftError:
    """The error of the operator that a job fails with."""
    with pytest.raises(WeftError) as caught:
        stream.execute_and_collect()
    cause = caught.value.__cause__
    assert isinstance(cause, WeftError)
    assert cause.hint
    return cause


class CountingMap(MapFunction[Any, int]):
    def open(self, context: Any) -> None:
        self.count = context.state.value("count", 0)

    def process(self, value: Any) -> int:
        self.count.update(self.count.value() + 1)
        return int(self.count.value())


class CountingProcess(ProcessFunction[Any, int]):
    def open(self, context: Any) -> None:
        self.count = context.state.value("count", 0)

    def process(self, value: Any, context: Any) -> Any:
        self.count.update(self.count.value() + 1)
        yield self.count.value()


def test_state_needs_keys_wherever_it_is() -> None:
    letters = LocalEnvironment().from_collection("abc")
    for stream in (letters.map(CountingMap()), letters.process(CountingProcess())):
        error = refused(stream)
        assert error.code == "state.no_key"
        assert "'count'" in error.message
    together = letters.key_by(lambda letter: None)
    assert together.map(CountingMap()).execute_and_collect() == [1, 2, 3]
    assert together.process(CountingProcess()).execute_and_collect() == [1, 2, 3]


class Timed(ProcessFunction[Any, str]):
    def __init__(self, *, processing: bool = False) -> None:
        self.processing = processing

    def process(self, value: Any, context: Any) -> Any:
        context.set_timer(10, processing=self.processing)

    def on_timer(self, time: int, context: Any) -> Any:
        yield "fired"


def test_a_timer_for_event_time_needs_event_times() -> None:
    keyed = LocalEnvironment().from_collection([1]).key_by(lambda n: n)
    assert refused(keyed.process(Timed())).code == "timer.no_times"
    assert keyed.process(Timed(processing=True)).execute_and_collect() == ["fired"]
    timed = LocalEnvironment().from_collection([1]).assign_timestamps(lambda n: n)
    assert timed.key_by(lambda n: n).process(Timed()).execute_and_collect() == ["fired"]


@pytest.mark.parametrize("value", ["text", b"bytes", {"a": 1}])
def test_a_process_function_gives_records_and_not_their_parts(value: Any) -> None:
    stream = LocalEnvironment().from_collection([value])
    whole: DataStream[Any] = stream.process(lambda v, context: v)
    error = refused(whole)
    assert error.code == "node.bad_output"
    assert "return a list" in error.hint.lower()
    listed: DataStream[Any] = stream.process(lambda v, context: [v])
    assert listed.execute_and_collect() == [value]


KEYED: dict[str, Callable[[Any], DataStream[Any]]] = {
    "count": lambda keyed: keyed.count(),
    "reduce": lambda keyed: keyed.reduce(lambda held, item: held),
    "process": lambda keyed: keyed.process(CountingProcess()),
    "window": lambda keyed: keyed.window(Tumbling(2)).count(),
    "session": lambda keyed: keyed.window(Session(2)).count(),
}


@pytest.mark.parametrize("parallelism", [1, 2])
@pytest.mark.parametrize("name", KEYED)
def test_a_list_cannot_be_a_key_wherever_it_is(name: str, parallelism: int) -> None:
    env = LocalEnvironment("keys", {"parallelism": parallelism})
    letters = env.from_collection([1]).assign_timestamps(lambda number: number)
    with pytest.raises(JobFailedError) as caught:
        KEYED[name](letters.key_by(lambda number: [number])).execute_and_collect()
    cause = caught.value.__cause__
    assert isinstance(cause, UnstableKeyError)
    assert "tuple(...)" in cause.hint
    assert "on the record 1" in str(caught.value)


def test_what_a_function_cannot_hash_is_its_own_affair() -> None:
    numbers = LocalEnvironment().from_collection([1]).key_by(lambda number: number)
    with pytest.raises(JobFailedError) as caught:
        numbers.map(lambda number: {[]}).execute_and_collect()
    assert type(caught.value.__cause__) is TypeError
