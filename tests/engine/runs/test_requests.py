"""A request that fails is answered, and nothing else of the engine suffers from it."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from weft_engine.errors import FlowError
from weft_engine.runs import dispatcher, protocol
from weft_engine.runs.debug import Command
from weft_engine.runs.dispatcher import Dispatcher
from weft_engine.runs.events import RUN_ENDS, RunEvent
from weft_engine.runs.executor import Executor
from weft_engine.runs.journal.errors import full, unavailable
from weft_engine.runs.journal.memory import MemoryJournal
from weft_engine.runs.outbox import LONGEST_EVENT, Outbox
from weft_engine.runs.requests import Requests
from weft_engine.runs.run import RunRequest

WAIT_S = 60.0

HELLO: dict[str, Any] = {
    "format": "weft/1",
    "name": "Hello",
    "inputs": {"who": {"default": "you"}},
    "nodes": {"who": {"type": "flow.input", "settings": {"name": "who"}}},
}
WAITS: dict[str, Any] = {
    **HELLO,
    "nodes": {**HELLO["nodes"], "go": {"type": "control.signal", "settings": {"name": "go"}}},
    "edges": [{"source": "who", "source_port": "value", "target": "go", "target_port": "item"}],
}


class Breaking(MemoryJournal):
    """Fails in what it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.broken: dict[str, Exception] = {}

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_") and name != "broken":
            error = super().__getattribute__("broken").get(name)
            if error is not None:
                raise error
        return super().__getattribute__(name)


class Engine:
    """The supervisor without a process and a socket."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Breaking()
        self.pushed: list[protocol.Push] = []
        self.events: list[RunEvent] = []
        self._changed = threading.Condition()
        executor = Executor(folder, self.hear, self.store, "me")
        self.runs = Dispatcher(
            executor, self.store, lambda event: self.hear([event]), owner="me", workers=4
        )
        self.requests = Requests(self.runs, executor, self.answered)

    def answered(self, frame: bytes) -> None:
        with self._changed:
            self.pushed.append(protocol.decode_push(frame[protocol.HEADER :]))
            self._changed.notify_all()

    def hear(self, events: list[RunEvent]) -> None:
        with self._changed:
            self.events += events
            self._changed.notify_all()

    def until(self, holds: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(holds, WAIT_S), (self.events, self.pushed)

    def send(self, request: protocol.Request) -> None:
        self.requests.take(protocol.encode(request)[protocol.HEADER :])

    def run(self, run_id: str, flow: dict[str, Any]) -> None:
        self.send(protocol.Run(self.request(run_id, flow)))

    def request(self, run_id: str, flow: dict[str, Any]) -> RunRequest:
        return RunRequest(run_id=run_id, flow=flow, files_root=str(self.folder))

    def of(self, run_id: str) -> list[str]:
        return [event.type for event in self.events if event.run == run_id]

    def end(self, run_id: str) -> RunEvent:
        self.until(lambda: any(kind in RUN_ENDS for kind in self.of(run_id)))
        return next(e for e in reversed(self.events) if e.run == run_id)

    def park(self, run_id: str) -> None:
        self.run(run_id, WAITS)
        self.until(lambda: self.runs.parked == 1)

    def failure(self) -> dict[str, Any]:
        """Of the last answer."""
        found = getattr(self.pushed[-1], "failure", None)
        assert found is not None
        return dict(found)

    def lives(self) -> None:
        """It still does what it is for."""
        self.store.broken.clear()
        self.send(protocol.Ping(99))
        assert isinstance(self.pushed[-1], protocol.Pong)
        self.run("run_last", HELLO)
        end = self.end("run_last")
        assert end.type == "run_completed", end.data


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = Engine(tmp_path)
    yield made
    made.runs.leave()


def signal(number: int, run_id: str) -> protocol.Tell:
    plain = {"id": f"s{number}", "name": "go", "payload": number}
    return protocol.Tell(number, run_id, Command(kind="signal", signal=plain))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"op":"tell","id":4,"run_id":"x","command":{"kind":"dance"}}', "run.frame_malformed"),
        (b'{"op":"append","id":4}', "run.frame_malformed"),
        (b'{"op":"look","id":4}', "run.frame_malformed"),
        (b'{"op":"dance","id":4}', "run.frame_malformed"),
    ],
    ids=["command", "append", "look", "unknown"],
)
def test_nonsense_with_a_number_is_answered(engine: Engine, body: bytes, code: str) -> None:
    engine.requests.take(body)
    assert engine.failure()["code"] == code
    engine.lives()


@pytest.mark.parametrize(
    "body",
    [
        b'{"op":"run","request":{"run_id":"run_bad","last_seq":3,"flow":7}}',
        b'{"op":"resume","run_id":"run_bad","last_seq":3,"commands":[{"kind":"dance"}]}',
    ],
    ids=["run", "resume"],
)
def test_a_run_that_cannot_be_read_fails(engine: Engine, body: bytes) -> None:
    engine.requests.take(body)
    end = engine.end("run_bad")
    assert (end.type, end.seq, end.data["failure"]["code"]) == (
        "run_failed", 4, "run.frame_malformed"
    )  # fmt: skip
    engine.lives()


@pytest.mark.parametrize("body", [b"", b"abc", b"\xff", b"[]", b"{}", b'{"op":"forget"}'])
def test_other_nonsense_is_passed_over(engine: Engine, body: bytes) -> None:
    engine.requests.take(body)
    assert not engine.pushed
    engine.lives()


@pytest.mark.parametrize("error", [ValueError("a mistake"), full("it", "no room")], ids=repr)
def test_whatever_fails_is_answered(engine: Engine, error: Exception) -> None:
    code = getattr(error, "code", "kernel.internal")
    engine.park("run_1")
    engine.store.broken = dict.fromkeys(("signal", "references", "forget"), error)
    engine.send(signal(1, "run_1"))
    assert engine.failure()["code"] == code
    engine.send(protocol.References(2))
    assert engine.failure()["code"] == code
    engine.send(protocol.Forget(["run_0"]))
    engine.store.broken = {"append": error}
    engine.send(protocol.Append(3, "nowhere", [{}]))
    engine.until(lambda: getattr(engine.pushed[-1], "id", 0) == 3)
    assert engine.failure()
    engine.lives()
    engine.send(signal(4, "run_1"))  # nothing of the run was lost
    assert engine.end("run_1").type == "run_completed"


def test_a_run_that_cannot_begin_fails_alone(engine: Engine) -> None:
    engine.run("run_0", HELLO)
    engine.end("run_0")
    engine.store.broken = {"acquire": full("it", "no room")}
    engine.run("run_1", HELLO)
    end = engine.end("run_1")
    assert (end.type, end.data["failure"]["code"]) == ("run_failed", "journal.full")
    assert "room" in end.data["failure"]["hint"]
    engine.lives()


def test_a_parked_run_is_cancelled_where_that_cannot_be_written(engine: Engine) -> None:
    engine.park("run_1")
    engine.store.broken = {"acquire": full("it", "no room")}
    engine.send(protocol.Cancel("run_1"))
    assert engine.end("run_1").type == "run_cancelled"
    engine.lives()


def test_a_run_waits_while_the_journal_does_not_answer(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "_AGAIN_S", 0.01)
    engine.store.broken = {"entry": unavailable("it", "it is away")}
    engine.send(protocol.Resume("run_1", 5, [], engine.request("run_1", HELLO)))
    assert engine.of("run_1") == []
    assert engine.runs.parked == 1
    engine.store.broken.clear()
    end = engine.end("run_1")
    assert (end.type, engine.events[0].seq) == ("run_completed", 6)


@pytest.mark.parametrize("call", ["wakes", "steps", "acquire", "entry"])
def test_a_run_goes_on_when_the_journal_answers_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    monkeypatch.setattr(dispatcher, "_AGAIN_S", 0.01)
    engine.park("run_1")
    later = threading.Event()
    real = engine.runs._later

    def waits(*given: Any) -> None:
        real(*given)
        later.set()

    monkeypatch.setattr(engine.runs, "_later", waits)
    store = engine.store.signal

    def stored(run_id: str, row: Any) -> bool:
        found = store(run_id, row)
        engine.store.broken = {call: unavailable("it", "it is away")}
        return found

    monkeypatch.setattr(engine.store, "signal", stored)
    engine.send(signal(1, "run_1"))
    told = engine.pushed[-1]
    assert isinstance(told, protocol.Told)
    assert told.accepted
    assert later.wait(WAIT_S)
    assert not set(RUN_ENDS) & set(engine.of("run_1"))
    engine.store.broken.clear()
    assert engine.end("run_1").type == "run_completed"


def test_a_flow_that_is_not_valid_is_its_own_problem(engine: Engine) -> None:
    engine.run("run_1", {"format": "weft/1", "name": "Bad", "nodes": {"x": {"type": "no.such"}}})
    assert engine.end("run_1").data["failure"]["code"] == "flow.invalid"
    engine.lives()


# Events


class Socket:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.frames = protocol.FrameReader()
        self.events: list[RunEvent] = []
        self.heard = threading.Condition()

    def sendall(self, data: bytes) -> None:
        with self.heard:
            for body in self.frames.feed(data):
                push = protocol.decode_push(body)
                assert isinstance(push, protocol.Events)
                self.events += push.events
            self.heard.notify_all()


CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)


@pytest.mark.parametrize(
    "data",
    [
        {"message": "half \ud83d of a sign"},
        {"message": FlowError("an object")},
        {"message": {("a", 1): "key"}},
        {"message": CIRCLE},
        {"message": "x" * LONGEST_EVENT},
    ],
    ids=["surrogate", "object", "key", "circle", "too long"],
)
def test_an_event_whose_data_cannot_be_sent_is_sent_all_the_same(data: dict[str, Any]) -> None:
    link = Socket()
    outbox = Outbox(link)  # type: ignore[arg-type]
    sent = [
        RunEvent(seq=1, at="t", type="log", run="r", node=None, data={"message": "before"}),
        RunEvent(seq=2, at="t", type="log", run="r", node="n", data={**data, "scope": "s"}),
        RunEvent(seq=3, at="t", type="run_completed", run="r", node=None, data={}),
    ]
    outbox.events(sent)
    with link.heard:
        assert link.heard.wait_for(lambda: len(link.events) == 3, WAIT_S)
    assert [event.seq for event in link.events] == [1, 2, 3]
    assert link.events[1].data["scope"] == "s"
    assert (link.events[0], link.events[2]) == (sent[0], sent[2])
    outbox.close()
