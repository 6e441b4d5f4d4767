"""Runs one operator or function alone, in memory, for tests of whoever writes one.

    harness = OperatorHarness("keyed_process", {"fn": CountWords()}, key=str.lower)
    harness.push(["to", "be", "To"])
    assert harness.output() == [("to", 1), ("be", 1), ("to", 2)]

Context, keyed state, timers, counters and log are real; only the clock stands still until `tick`
moves it.
"""

import logging
import pickle
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Final, Self

from weft_engine.kernel.batch import MAX_TIME, MIN_TIME, Batch, Event, Idle, Watermark
from weft_engine.kernel.checkpoint.memory import Memory
from weft_engine.kernel.physical import KEY_GROUPS, OperatorSpec
from weft_engine.kernel.policy import PLAIN, Policy
from weft_engine.kernel.runtime.operator import (
    Later,
    Partitioner,
    Pull,
    SourceOperator,
    StreamOperator,
)
from weft_engine.kernel.settings import Settings
from weft_engine.kernel.state import make_store
from weft_engine.kernel.state.api import KeyedStore, Timers
from weft_engine.kernel.streaming import make
from weft_engine.kernel.streaming.function_context import keys_of

_PATIENCE_S: Final = 60.0
"""How long it waits for something asynchronous before it takes it for lost."""


class HarnessContext:
    """The `OperatorContext` of a harness; what the operator does can be looked at here."""

    def __init__(
        self,
        spec: OperatorSpec,
        batch_size: int,
        now: int,
        services: Mapping[str, Any],
        settings: Settings,
    ) -> None:
        self.job = "test"
        self.spec = spec
        self.subtask = 0
        self.parallelism = 1
        self.attempt = 0
        self.restored = 0
        self.peers: Sequence[Any] = ()
        self.alive: Sequence[int] = ()
        self.batch_size = batch_size
        self.config: Mapping[str, Any] = {}
        self.log = logging.LoggerAdapter(logging.getLogger("weft.test"), {})
        self.events: list[list[Event]] = [[] for _ in range(spec.outputs + 1)]
        self.counters: dict[str, int] = {}
        self.clock = now
        self.cancelled = False
        groups = range(KEY_GROUPS)
        self.state: KeyedStore = make_store(settings, groups, KEY_GROUPS, "op", self.now, None)
        self.timers: Timers = self.state.timers()
        self.woken = threading.Event()
        self._services = services

    def emit(self, batch: Batch, output: int = 0, operator: int = -1) -> None:
        """Keep it."""
        if not len(batch):
            raise AssertionError("an operator emitted an empty batch")
        for column in (batch.times, batch.keys):
            if column is not None and len(column) != len(batch):
                raise AssertionError("an operator emitted a batch of uneven lists")
        self.events[output].append(batch)

    def partitioner(self, output: int = 0) -> Partitioner | None:
        """There is no edge."""
        return None

    def emit_watermark(self, time: int) -> None:
        """Keep it."""
        self.events[0].append(Watermark(time))

    def emit_idle(self) -> None:
        """Keep it."""
        self.events[0].append(Idle())

    def wake(self) -> None:
        """Let whoever waits look again."""
        self.woken.set()

    def wait(self, ready: Callable[[], bool]) -> None:
        """Wait until the condition holds."""
        while not ready():
            if not self.woken.wait(_PATIENCE_S):
                raise AssertionError("nothing happened while the operator waited")
            self.woken.clear()

    def pause(self, seconds: float) -> None:
        """Move the clock."""
        self.clock += round(seconds * 1000)

    def check(self) -> None:
        """Nobody cancels a harness."""

    def now(self) -> int:
        """What the clock says."""
        return self.clock

    def call_service(self, name: str, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a service that the harness was given."""
        return getattr(self._services[name], method)(*args, **kwargs)

    def call_service_async(self, name: str, method: str, *args: Any, **kwargs: Any) -> Any:
        """The same; the future is already done."""
        future: Future[Any] = Future()
        try:
            future.set_result(self.call_service(name, method, *args, **kwargs))
        except Exception as exc:  # noqa: BLE001 - it is raised where the result is taken
            future.set_exception(exc)
        return future

    def count(self, counter: Any, by: int = 1, operator: int = -1) -> None:
        """Count."""
        self.counters[counter] = self.counters.get(counter, 0) + by

    def measured(self, records_in: int = 0, records_out: int = 0, busy_ns: int = 0) -> None:
        """Nobody asks."""

    def count_records(self, operator: int, records_in: int, records_out: int) -> None:
        """Nobody asks."""


class OperatorHarness:
    """One operator in one subtask.

    Takes a kind with its parameters, or an operator with its spec. `key` (or `keys`, one an input)
    is what `key_by` would be given; `timed` whether records have event times.
    """

    def __init__(
        self,
        kind: str | StreamOperator,
        params: Mapping[str, Any] | None = None,
        *,
        key: Callable[[Any], Any] | None = None,
        keys: tuple[Callable[[Any], Any] | None, ...] = (),
        timed: bool = False,
        outputs: int | None = None,
        inputs: int = 1,
        policy: Policy = PLAIN,
        batch_size: int = 1024,
        now: int = 0,
        services: Mapping[str, Any] | None = None,
        subtask: int = 0,
        parallelism: int = 1,
        config: Mapping[str, Any] | None = None,
        settings: Settings | None = None,
        snapshot: bytes | None = None,
        peers: Sequence[Any] | None = None,
    ) -> None:
        self._again = {name: value for name, value in locals().items() if name != "self"}
        params = dict(params or {})
        if outputs is None:
            outputs = 1 + len(params.get("sides", ()))
        name = kind if isinstance(kind, str) else "operator"
        self.spec = OperatorSpec(
            "op", name, name, params, key, keys, outputs, inputs, policy, timed=timed
        )
        self.operator = make(self.spec) if isinstance(kind, str) else kind
        self.context = HarnessContext(
            self.spec, batch_size, now, services or {}, settings or Settings()
        )
        self.context.subtask, self.context.parallelism = subtask, parallelism
        self.context.config = config or {}
        self._storage = Memory()
        pieces: list[Any] = []
        if snapshot is not None:
            found = pickle.loads(snapshot)  # noqa: S301 - our own
            self.context.restored, pieces, parts, self._storage.data, self.context.clock = found
            self.context.state.restore(self._storage, [parts])
        self.context.peers = pieces if peers is None else peers
        self.operator.open(self.context)
        self.operator.restore(pieces)
        self._checkpoint = self.context.restored

    # What comes in

    def push(
        self,
        values: Iterable[Any],
        times: Sequence[int] | None = None,
        keys: Sequence[Any] | None = None,
        port: int = 0,
    ) -> Self:
        """A batch from an input; keys are found as behind a `key_by` if none are given."""
        batch = Batch(list(values), None if times is None else list(times))
        keyed = self.spec.key is not None or any(self.spec.keys)
        if keys is not None:
            batch.keys = list(keys)
        elif keyed:
            batch.keys = keys_of(batch, self.spec, port)
        if len(batch):
            self.operator.process(port, batch)
        return self

    def watermark(self, time: int) -> Self:
        """Event time moves on."""
        passed = self.operator.advance(time)
        if passed is not None:
            self.context.emit_watermark(passed)
        return self

    def tick(self, milliseconds: int = 0) -> Self:
        """Processing time moves on; what is due on the way happens in its turn."""
        until = self.context.clock + milliseconds
        while (due := self.operator.due()) is not None and due <= until:
            self.context.clock = max(self.context.clock, due)
            self.operator.tick(self.context.clock)
        self.context.clock = until
        return self

    def end(self) -> Self:
        """All inputs end; waits for what is under way."""
        self.watermark(MAX_TIME)
        for port in range(self.spec.inputs):
            self.operator.ended(port)
        self.settle()
        self.operator.finish()
        return self

    def settle(self) -> Self:
        """Wait until nothing is under way."""
        self.operator.poll()
        while self.operator.busy:
            if not self.context.woken.wait(_PATIENCE_S):
                raise AssertionError("nothing happened while the operator was busy")
            self.context.woken.clear()
            self.operator.poll()
        return self

    def pull(self, limit: int = 1024) -> Pull:
        """Ask a source."""
        assert isinstance(self.operator, SourceOperator)
        return self.operator.pull(limit)

    def read(self, limit: int = 1024) -> Self:
        """Ask a source until it has ended or has nothing for now."""
        while self.pull(limit).state == "more":
            pass
        return self

    # What came of it

    def output(self, output: int = 0) -> list[Any]:
        """The records emitted so far."""
        return [value for batch in self.batches(output) for value in batch.values]

    def timed_output(self, output: int = 0) -> list[tuple[Any, int | None]]:
        """The records emitted so far with their times."""
        return [
            pair
            for batch in self.batches(output)
            for pair in zip(batch.values, _times(batch), strict=True)
        ]

    def side(self, name: str) -> list[Any]:
        """The records of a side output."""
        return self.output(1 + tuple(self.spec.params["sides"]).index(name))

    def failures(self) -> list[Any]:
        """What went to the failure output."""
        return self.output(self.spec.outputs)

    def batches(self, output: int = 0) -> list[Batch]:
        """The batches emitted so far."""
        return [event for event in self.context.events[output] if isinstance(event, Batch)]

    def reached(self) -> int:
        """The last watermark that was passed on."""
        times = [event.time for event in self.context.events[0] if isinstance(event, Watermark)]
        return times[-1] if times else MIN_TIME

    # Checkpoints

    def snapshot(self) -> bytes:
        """All state, as it would stand in a checkpoint."""
        return self.begin_snapshot()()

    def begin_snapshot(self) -> Callable[[], bytes]:
        """Freeze all state as it is now; calling the result writes it, later."""
        self._checkpoint += 1
        found = self.operator.snapshot(self._checkpoint)
        keyed = self.context.state.snapshot(self._checkpoint, full=False)
        number, clock = self._checkpoint, self.context.clock

        def write() -> bytes:
            parts = keyed.write(self._storage, f"{number}/op")
            pieces = found.pieces if isinstance(found, Later) else found
            if isinstance(found, Later) and not found.done:
                raise AssertionError("the snapshot is not complete before the barrier is back")
            return pickle.dumps((number, pieces or [], parts, self._storage.data, clock))

        return write

    def prepared(self) -> Any:
        """What a sink prepares at a barrier."""
        return self.operator.prepare(self._checkpoint + 1)

    def restored(
        self, snapshot: bytes | None = None, *, peers: Sequence[Any] | None = None
    ) -> "OperatorHarness":
        """Another subtask that goes on from a snapshot; from one of now when None is given.

        `peers` are the pieces of all subtasks of a source; its own when None. It is given the
        same parameters; an operator object must be given anew, by its kind.
        """
        data = self.snapshot() if snapshot is None else snapshot
        return OperatorHarness(**{**self._again, "snapshot": data, "peers": peers})

    def close(self) -> None:
        """Close the operator and its state."""
        self.operator.close()
        self.context.state.close()


def _times(batch: Batch) -> Sequence[int | None]:
    return [None] * len(batch) if batch.times is None else batch.times
