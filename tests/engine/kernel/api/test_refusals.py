"""What cannot mean what it says is refused, with a hint what to do."""

from typing import Any

import pytest

from weft_engine.errors import WeftError
from weft_engine.kernel import DataStream, LocalEnvironment, MapFunction, ProcessFunction


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
