"""The other end: works on units in a process of its own, as threads of the engine would.

It is the guest of a worker of the kernel (`kernel/backends/worker.py`), whichever way that was
started: forked, or as an actor of Ray.
"""

import contextlib
import logging
import threading
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import Any

from weft_engine.nodes.region import Signal
from weft_engine.runs.context import Place
from weft_engine.runs.executors.base import Handle, UnitOutcome, UnitTask
from weft_engine.runs.executors.remote_failures import failure_as_data
from weft_engine.runs.executors.remote_messages import Arriving, note, place
from weft_engine.runs.executors.worker_runs import HostedRun, Programs, UnfitWorkerError
from weft_engine.runs.executors.worker_sink import Telling
from weft_engine.runs.journal.codec import Codec
from weft_engine.surroundings import hide

log = logging.getLogger(__name__)


class _Working:
    """A unit under way here."""

    def __init__(self, codec: Codec) -> None:
        self.arriving = Arriving(codec)
        self.cancelled = threading.Event()
        self.answers: SimpleQueue[Any] = SimpleQueue()
        self.handle: Handle | None = None


class Guest:
    """Has a worker of the kernel for itself."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        hide()
        self._send = send
        self._codec = Codec()
        self._programs = Programs()
        self._runs: dict[int, HostedRun] = {}
        self._units: dict[int, _Working] = {}
        self._lock = threading.Lock()
        self._notes: SimpleQueue[bytes | None] = SimpleQueue()
        threading.Thread(target=self._serve, name="weft-guest", daemon=True).start()

    def take(self, body: bytes) -> None:
        """Hear a note."""
        self._notes.put(body)

    def close(self) -> bool:
        """Nobody wants anything any more."""
        self._notes.put(None)
        with self._lock:
            units = list(self._units.values())
        for unit in units:
            unit.cancelled.set()
        return not units

    def _serve(self) -> None:
        while (body := self._notes.get()) is not None:
            word, *rest = self._codec.decode(body)
            try:
                getattr(self, f"_{word}")(*rest)
            except Exception:
                log.exception("a worker cannot follow the note %r", word)

    # What it is told

    def _program(self, data: dict[str, Any]) -> None:
        self._programs.learn(data)
        # What values may be is for the node types to say.
        self._codec = self._programs.codec

    def _run(self, number: int, data: dict[str, Any]) -> None:
        self._runs[number] = HostedRun(data, self._programs, self._blob)

    def _over(self, number: int) -> None:
        run = self._runs.pop(number, None)
        if run is not None:
            run.close()

    def _leave(self, number: int, scope: str, unit: int) -> None:
        run = self._runs.get(number)
        if run is not None:
            run.leave(scope, unit)

    def _part(self, number: int, node: str, port: str, piece: bytes) -> None:
        self._working(number).arriving.part(node, port, piece)

    def _answer(self, number: int, value: Any) -> None:
        self._working(number).answers.put(value)

    def _cancel(self, number: int) -> None:
        with self._lock:
            working = self._units.get(number)
        if working is not None:
            working.cancelled.set()
            if working.handle is not None:
                working.handle.cancel()

    def _unit(self, number: int, run: int, data: dict[str, Any]) -> None:
        working = self._working(number)
        telling = Telling(partial(self._told, number), data["states"])
        done = partial(self._done, number, telling)
        try:
            hosted = self._runs[run]
            task = self._task(number, hosted, data, working)
            working.handle = hosted.executor().submit(task, telling, done)
        except Exception as error:  # noqa: BLE001 - whatever it is, the run must know
            fault = error if isinstance(error, UnfitWorkerError) else UnfitWorkerError.of(error)
            done(UnitOutcome(failure=fault))
        if working.cancelled.is_set() and working.handle is not None:
            working.handle.cancel()

    def _working(self, number: int) -> _Working:
        with self._lock:
            return self._units.setdefault(number, _Working(self._codec))

    def _task(
        self, number: int, run: HostedRun, data: dict[str, Any], working: _Working
    ) -> UnitTask:
        plan, unit = run.find(data["plan"], data["unit"])
        at = data["place"]
        signal = at["signal"]
        earlier = partial(self._earlier, number, working) if at["earlier"] else None
        return UnitTask(
            request=run.request,
            plan=plan,
            unit=unit,
            scope=data["scope"],
            inputs={
                (node, port): working.arriving.value(node, port, placed)
                for node, port, placed in data["inputs"]
            },
            key=data["key"],
            arguments={
                port: working.arriving.value("", port, placed)
                for port, placed in data["arguments"].items()
            },
            attempt=data["attempt"],
            idempotency_key=data["idempotency_key"],
            place=Place(
                path=at["path"],
                scope=at["scope"],
                index=at["index"],
                attempt=at["attempt"],
                variables=at["variables"],
                inputs=at["inputs"],
                earlier=earlier,
                signal=Signal(*signal) if signal is not None else None,
                failure=at["failure"],
                cancel=working.cancelled,
                settable=at["settable"],
            ),
        )

    # What it says

    def _earlier(self, number: int, working: _Working) -> Any:
        self._send(note(self._codec, "ask", number))
        return working.answers.get()

    def _told(self, number: int, lines: list[Any]) -> None:
        self._send(note(self._codec, "told", number, lines))

    def _blob(self, data: bytes) -> None:
        self._send(note(self._codec, "blob", data))

    def _done(self, number: int, telling: Telling, found: UnitOutcome) -> None:
        telling.flush()
        try:
            outputs = [
                [
                    node,
                    port,
                    place(self._codec, value, f"{node}.{port}", self._parts(number, node, port)),
                ]
                for (node, port), value in found.outputs.items()
            ]
            body = note(self._codec, "done", number, _said(found) | {"outputs": outputs})
        except Exception as error:  # noqa: BLE001 - a value that cannot travel is a failure, too
            lost = UnitOutcome(failure=error, attempt=found.attempt)
            body = note(self._codec, "done", number, _said(lost) | {"outputs": []})
        with self._lock:
            self._units.pop(number, None)
        with contextlib.suppress(OSError):
            self._send(body)

    def _parts(self, number: int, node: str, port: str) -> Callable[[bytes], None]:
        return lambda piece: self._send(note(self._codec, "part", number, node, port, piece))


def _said(found: UnitOutcome) -> dict[str, Any]:
    failure = found.failure
    return {
        "failure": failure_as_data(failure) if failure is not None else None,
        "fault": isinstance(failure, UnfitWorkerError),
        "failed_node": found.failed_node,
        "attempt": found.attempt,
        "cancelled": found.cancelled,
        "variables": dict(found.variables),
        "described": found.described,
        "never_ran": list(found.never_ran),
    }
