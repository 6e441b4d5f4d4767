"""A unit on its way through a worker: sent, heard of, tried again, stopped."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from weft_engine.errors import KernelError, ResourceError, WeftError
from weft_engine.kernel.io_loop import io_loop
from weft_engine.nodes.types import SKIP
from weft_engine.runs.context import Place
from weft_engine.runs.executors.base import Resources, Sink, UnitOutcome, UnitTask
from weft_engine.runs.executors.remote_crew import Crew
from weft_engine.runs.executors.remote_failures import failure_from_data
from weft_engine.runs.executors.remote_messages import Arriving, note, place
from weft_engine.runs.executors.remote_room import Member
from weft_engine.runs.executors.threads import pool
from weft_engine.runs.journal.blobs import Blobs
from weft_engine.runs.journal.codec import Codec
from weft_engine.runs.run import NodeResult, NodeState
from weft_engine.runs.tracker import describe

GRACE_S: Final = 1.0
"""How long a unit that is stopped may take before its worker is killed."""

Done = Callable[[UnitOutcome], None]


@dataclass(frozen=True, slots=True)
class Home:
    """What all units of a run share."""

    crew: Crew
    codec: Codec
    run: int
    """The number of the run, among those of this process."""
    greet: Callable[[Member], None]
    """Tells a worker of the run, unless it knows."""
    blobs: Blobs | None
    """Where outputs go that a worker cannot keep itself."""


class RemoteUnit:
    """One unit; its handle, and what the crew talks to."""

    def __init__(
        self,
        home: Home,
        number: int,
        plan: str,
        task: UnitTask,
        sink: Sink,
        done: Done,
        *,
        repeatable: bool,
    ) -> None:
        """`repeatable`: it has no effects, so a worker's end does not matter, once."""
        self.needs: Resources = task.resources
        self.passed = 0
        self._home = home
        self._number = number
        self._plan = plan
        self._task = task
        self._sink = sink
        self._done = done
        self._repeatable = repeatable
        self._lock = threading.Lock()
        self._member: Member | None = None
        self._over = False
        self._cancelled = False
        self._results: dict[str, NodeResult] = {}
        self._arriving = Arriving(home.codec)

    # The handle

    def cancel(self) -> None:
        """Stop it soon; a worker that does not let go is killed."""
        with self._lock:
            if self._cancelled or self._over:
                return
            self._cancelled = True
            member = self._member
        if self._home.crew.withdraw(self):
            self._end(UnitOutcome(cancelled=True, attempt=self._task.attempt))
        elif member is not None:
            self._stop(member)

    def _stop(self, member: Member) -> None:
        # Sending may have to wait for a worker that does not listen.
        pool.run(lambda: member.send(note(self._home.codec, "cancel", self._number)))
        loop = io_loop()
        loop.call_soon_threadsafe(loop.call_later, GRACE_S, self._too_late, member)

    def _too_late(self, member: Member) -> None:
        if not self._over and member.job is self:
            pool.run(lambda: self._home.crew.dismiss(member, "it did not stop"))

    # What the crew says

    def begin(self, member: Member) -> None:
        """Work on it there."""
        with self._lock:
            self._member = member
            self._arriving = Arriving(self._home.codec)
        try:
            self._home.greet(member)
            self._send(member)
        except Exception as error:  # noqa: BLE001 - a value that cannot travel is its failure
            self._home.crew.release(member)
            self._fail(error)
            return
        if self._cancelled:
            self._stop(member)

    def hear(self, body: bytes) -> None:
        """Its worker says something; in one thread."""
        word, *rest = self._home.codec.decode(body)
        if word == "blob":
            if self._home.blobs is not None:
                self._home.blobs.save(rest[0])
            return
        number, *rest = rest
        if number != self._number:
            return
        if word == "told":
            for line in rest[0]:
                self._told(*line)
        elif word == "part":
            self._arriving.part(*rest)
        elif word == "ask":
            pool.run(self._answer)
        elif word == "done":
            self._ended(rest[0])

    def lost(self, why: str) -> None:
        """Its worker is gone."""
        if self._cancelled:
            self._end(UnitOutcome(cancelled=True, attempt=self._task.attempt))
            return
        error = _lost(why)
        if not self._repeatable:
            self._fail(error)
            return
        self._repeatable = False
        self._again(error)
        self._home.crew.submit(self)

    def refused(self, error: WeftError) -> None:
        """There is no worker for it."""
        self._fail(error)

    # Sending

    def _send(self, member: Member) -> None:
        task, codec, number = self._task, self._home.codec, self._number

        def placed(node: str, port: str, value: Any) -> list[Any]:
            where = f"{node}.{port}" if node else port
            return place(
                codec,
                value,
                where,
                lambda piece: member.send(note(codec, "part", number, node, port, piece)),
            )

        at = task.place or Place(task.unit.nodes[0], scope=task.scope, attempt=task.attempt)
        data = {
            "plan": self._plan,
            "unit": task.unit.id,
            "scope": task.scope,
            "key": task.key,
            "attempt": task.attempt,
            "idempotency_key": task.idempotency_key,
            "inputs": [[*key, placed(*key, value)] for key, value in task.inputs.items()],
            "arguments": {
                port: placed("", port, value) for port, value in (task.arguments or {}).items()
            },
            "place": _place_as_data(at),
            "states": self._states(),
        }
        member.send(note(codec, "unit", number, self._home.run, data, where=task.unit.nodes[0]))

    def _states(self) -> dict[str, str]:
        """What became of the nodes that it reads from, and of those that it does not."""
        nodes = {node for node, _ in self._task.inputs}
        nodes |= set(self._task.plan.compiled.flow.nodes) - set(self._task.unit.nodes)
        found = {node: self._sink.state(node) for node in nodes}
        return {node: str(state) for node, state in found.items() if state is not None}

    def _answer(self) -> None:
        """What nodes before it gave, which few nodes ask for."""
        at, member = self._task.place, self._member
        earlier = at.earlier() if at is not None and at.earlier is not None else {}
        if member is None:
            return
        try:
            body = note(self._home.codec, "answer", self._number, dict(earlier))
        except WeftError:
            body = note(self._home.codec, "answer", self._number, self._sendable(earlier))
        member.send(body)

    def _sendable(self, earlier: Mapping[str, Any]) -> dict[str, Any]:
        """Without what cannot be written."""
        found: dict[str, Any] = {}
        for name, value in earlier.items():
            try:
                self._home.codec.encode(value)
            except WeftError:
                continue
            found[name] = value
        return found

    # Hearing

    def _told(self, word: str, *rest: Any) -> None:
        if word == "result":
            node, data = rest
            result = self._results[node] = msgspec.convert(data, NodeResult)
            self._sink.result(node, result)
        elif word in ("say", "log", "progress"):
            getattr(self._sink, word)(*rest)

    def _ended(self, data: dict[str, Any]) -> None:
        outputs = {
            (node, port): value
            for node, port, placed in data["outputs"]
            if (value := self._arriving.value(node, port, placed)) is not SKIP
        }
        member = self._member
        if member is not None:
            self._home.crew.release(member)
        failure = failure_from_data(data["failure"]) if data["failure"] is not None else None
        if failure is not None and (data["fault"] or self._untold(data)):
            self._fail(failure)
            return
        self._end(
            UnitOutcome(
                outputs=outputs,
                failure=failure,
                failed_node=data["failed_node"],
                attempt=data["attempt"],
                cancelled=data["cancelled"],
                variables=data["variables"],
                described=data["described"],
                never_ran=data["never_ran"],
            )
        )

    def _untold(self, data: dict[str, Any]) -> bool:
        """Whether a stretch failed without any of its nodes being blamed."""
        return self._task.unit.kind == "stream" and data["described"] is None

    # Ends

    def _again(self, error: WeftError) -> None:
        for node, result in list(self._results.items()):
            if result.state is NodeState.RUNNING:
                failure = describe(error, node, 1, None)
                data = {"attempt": 1, "delay_s": 0, "failure": failure}
                self._sink.say("node_retrying", node, data)
        self._sink.log(self._task.unit.nodes[0], "warning", f"{error.message} It is tried again.")

    def _fail(self, error: BaseException) -> None:
        """It failed where none of its nodes could say so."""
        task = self._task
        if task.unit.kind != "stream":
            self._end(UnitOutcome(failure=error, attempt=task.attempt))
            return
        running = [n for n in task.unit.nodes if self._state(n) is NodeState.RUNNING]
        node = (running or list(task.unit.nodes))[0]
        failure = describe(error, node, 1, None)
        for name in running:
            result = self._results[name]
            result.state = NodeState.FAILED if name == node else NodeState.CANCELLED
            if name != node:
                self._sink.result(name, result)
                self._sink.say("node_cancelled", name, {})
        result = self._results.get(node) or NodeResult()
        result.state, result.failure = NodeState.FAILED, failure
        self._sink.result(node, result)
        self._sink.say("node_failed", node, {"failure": failure})
        self._end(
            UnitOutcome(
                failure=error,
                failed_node=node,
                described=failure,
                never_ran=[
                    n for n in task.unit.nodes if self._state(n) in (None, NodeState.QUEUED)
                ],
            )
        )

    def _state(self, node: str) -> NodeState | None:
        result = self._results.get(node)
        return result.state if result is not None else None

    def _end(self, found: UnitOutcome) -> None:
        with self._lock:
            if self._over:
                return
            self._over = True
        self._done(found)


def _place_as_data(at: Place) -> dict[str, Any]:
    signal = at.signal
    return {
        "path": at.path,
        "scope": at.scope,
        "index": at.index,
        "attempt": at.attempt,
        "variables": dict(at.variables) if at.variables is not None else None,
        "inputs": dict(at.inputs) if at.inputs is not None else None,
        "earlier": at.earlier is not None,
        "signal": [signal.name, signal.payload, signal.by] if signal is not None else None,
        "failure": dict(at.failure) if at.failure is not None else None,
        "settable": at.settable,
    }


def _lost(why: str) -> ResourceError:
    return ResourceError(
        f"The worker that worked on it is gone: {why}.",
        code="run.worker_lost",
        hint="A worker that was killed by SIGKILL was often short of memory: let the node work on "
        "less at a time, or say how much memory it needs. Let it retry if the worker was unlucky.",
        params={"reason": why},
        retryable=True,
    )


def unknown_plan(path: str) -> KernelError:
    """A scope that is no part of the program of its run."""
    return KernelError(f"The scope {path!r} is not in the program of the run.")
