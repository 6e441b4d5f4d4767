"""Called flows that are runs of their own, as the run that calls them sees them.

A child is one activation of the run that called it: it is counted, stopped and left behind like
others. What its nodes do is told as events of this run, with `child_run`, at the paths that they
would have if the flow were part of this one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import msgspec

from weft_engine.compiler.calling import called
from weft_engine.compiler.program import Program
from weft_engine.runs.context import digest_of, idempotency_key
from weft_engine.runs.debug import Command
from weft_engine.runs.engine.activations import Activation
from weft_engine.runs.engine.control import RunControl
from weft_engine.runs.engine.core import Core
from weft_engine.runs.engine.scope_run import ScopeRun
from weft_engine.runs.events import RunEvent
from weft_engine.runs.executors.threads import pool
from weft_engine.runs.planned import Key, Planned
from weft_engine.runs.run import NodeResult, RunRequest
from weft_engine.runs.tracker import describe

_MARK: Final = 12


@dataclass(frozen=True, slots=True)
class ChildEnd:
    """How a child ended."""

    state: str
    failure: Mapping[str, Any] | None = None
    values: Mapping[Key, Any] = field(default_factory=dict)
    """What its output nodes gave."""
    results: Mapping[str, NodeResult] = field(default_factory=dict)


class ChildHost(Protocol):
    """Where children run."""

    def program(self, request: RunRequest) -> Program:
        """The program of a child; raises `FlowError` when its flow is not valid."""
        ...

    def run(
        self,
        request: RunRequest,
        program: Program,
        emit: Callable[[list[RunEvent]], None],
        control: RunControl,
    ) -> ChildEnd:
        """Run a child, or go on with it, in the calling thread."""
        ...


def child_id(run_id: str, path: str, scope: str) -> str:
    """What the child is called that an activation begins: the same after a crash."""
    return f"{run_id}.{digest_of(run_id, path, scope)[:_MARK]}"


def _identity(run_id: str, path: str, scope: str) -> str:
    """The id that it has in the first attempt of everything around it."""
    return f"{run_id}.{idempotency_key(run_id, path, scope)[:_MARK]}"


class Children:
    """The children of one run."""

    def __init__(self, core: Core, host: ChildHost | None) -> None:
        self.core = core
        self._host = host
        self._live: list[Child] = []

    def start(self, region: Any, key: str, path: str, given: Mapping[str, Any]) -> ScopeRun:
        """Begin a child for a container; it ends as a scope of that container.

        Raises:
            FlowError: the called flow is not valid.
        """
        core, unit = self.core, region.unit
        data = core.request.flows.get(called(unit.node))
        if self._host is None or data is None:
            raise LookupError(f"the flow {called(unit.node)!r} is not known here")
        request = msgspec.structs.replace(
            RunRequest(run_id=child_id(core.request.run_id, unit.path, path), flow=data),
            inputs=dict(given),
            parent=core.request.run_id,
            identity=_identity(core.run_scope.identity, unit.path, path),
            flows=core.request.flows,
            env=core.request.env,
            files_root=core.request.files_root,
            confined=core.request.confined,
            allow_hosts=core.request.allow_hosts,
            tenant=core.request.tenant,
            priority=core.request.priority,
            durability=core.request.durability,
            parallelism=core.request.parallelism,
        )
        program = self._host.program(request)
        scope = core.open_scope(program.top, path, parent=region.scope, region=region, key=key)
        child = Child(self, scope, unit, request, program)
        self._live.append(child)
        core.when_durable(self._begin, child, self._host)  # it may have effects at once
        return scope

    def _begin(self, child: "Child", host: ChildHost) -> None:
        if child.scope.over or child.scope.closing:
            self.gone(child)
        else:
            child.begin(host)

    def signal(self, plain: Mapping[str, Any]) -> bool:
        """Give a signal to the child that waits for it; False when none does."""
        return any(child.take(plain) for child in self._live)

    def gone(self, child: "Child") -> None:
        """It has ended."""
        self._live.remove(child)


class Child:
    """One of them under way."""

    def __init__(
        self,
        children: Children,
        scope: ScopeRun,
        unit: Planned,
        request: RunRequest,
        program: Program,
    ) -> None:
        self.children = children
        self.core = children.core
        self.scope = scope
        self.unit = unit
        self.request = request
        self.program = program
        self.control = RunControl()
        self._activation = Activation(scope, unit, {}, owner=self)
        self._waits: dict[tuple[str, str], Mapping[str, Any]] = {}
        """What its nodes wait for, by node and scope as it names them itself."""
        self._used: list[str] = []
        """The ids of signals that were handed on to it."""

    def begin(self, host: ChildHost) -> None:
        """Let it run, on a thread."""
        self._activation.handle = self
        self.core.entered(self._activation)
        self._say("node_progress", self.unit.path, self.scope.parent, {"counts": {}})
        token = self._activation.token

        def work() -> None:
            try:
                end = host.run(self.request, self.program, self._heard, self.control)
            except BaseException as error:  # noqa: BLE001 - it is told as the child's failure
                end = ChildEnd("failed", describe(error, None, 1, None))
            self.core.post(self._ended, end, token)

        pool.run(work)

    def cancel(self) -> None:
        """Stop it."""
        self.control.cancel()

    # What it tells

    def _heard(self, events: list[RunEvent]) -> None:
        self.core.post(self._tell, events)

    def _tell(self, events: list[RunEvent]) -> None:
        for event in events:
            if event.node is None:
                continue
            own = str(event.data.get("scope", ""))
            data = {**event.data, "scope": self._place(own), "child_run": self.request.run_id}
            self.core.story.voice.say(event.type, f"{self.unit.path}/{event.node}", data)
            if event.type == "node_waiting":
                self._waits[event.node, own] = event.data
                for row in self.core.parts.waits.kept():
                    if self.take(msgspec.structs.asdict(row)):
                        self.core.parts.waits.forget(row)

    def _say(self, kind: str, path: str, around: ScopeRun | None, data: dict[str, Any]) -> None:
        data["child_run"] = self.request.run_id
        self.core.story.say(kind, path, around.path if around is not None else "", data)

    def _place(self, scope: str) -> str:
        joint = "/" if scope and not scope.startswith("#") else ""
        return f"{self.scope.path}{joint}{scope}"

    # Signals

    def take(self, plain: Mapping[str, Any]) -> bool:
        """Hand on a signal that one of its nodes waits for."""
        for (node, scope), wait in self._waits.items():
            path = f"{self.unit.path}/{node}"
            names = [f"{path}@{self._place(scope)}", wait.get("signal")]
            if wait.get("kind") == "approval":
                names.append(path)
            if plain.get("name") in names:
                del self._waits[node, scope]
                self._used.append(str(plain.get("id") or ""))
                self.control.send(
                    Command(kind="signal", signal={**plain, "name": f"{node}@{scope}"})
                )
                return True
        return False

    # Its end

    def _ended(self, end: ChildEnd, token: int) -> None:
        core, scope, activation = self.core, self.scope, self._activation
        self.children.gone(self)
        core.story.results.update(
            {f"{self.unit.path}/{name}": result for name, result in end.results.items()}
        )
        if token != activation.token:
            return  # nobody waits for it any more
        core.left(activation)
        for signal_id in filter(None, self._used):
            core.recording.take(signal_id)
        scope.values.update(end.values)
        if end.state == "failed":
            scope.failure = self._failure(end.failure or {})
        if scope.closing:
            core.look_closed(scope)
        elif end.state == "cancelled":
            core.close_scope(scope, "cancelled")
        else:
            core.scope_done(scope)

    def _failure(self, failure: Mapping[str, Any]) -> dict[str, Any]:
        """Its failure, placed where it is seen from here."""
        node, own = failure.get("node"), str(failure.get("scope") or "")
        return {
            **failure,
            "node": f"{self.unit.path}/{node}" if node else self.unit.path,
            "scope": self._place(own),
        }

    def stopped(self, activation: Activation) -> None:
        """Nothing more to do: its nodes tell their own ends."""
