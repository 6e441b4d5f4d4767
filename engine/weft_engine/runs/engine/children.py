"""Called flows that are runs of their own, as the run that calls them sees them.

A child is one activation of the run that called it: it is stopped and left behind like others. It
takes no place among what may be under way at a time, as what it does takes places itself. What its
nodes do is told as events of this run, with `child_run`, at the paths that they would have if the
flow were part of this one; there breakpoints, steps, values and signals reach them, too. Where the
gate of the run is closed the children stand still, and when one of them stops, the gate closes.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from weft_engine.compiler.calling import called
from weft_engine.compiler.program import Program
from weft_engine.runs.context import digest_of, idempotency_key
from weft_engine.runs.debug import Breakpoint, Command
from weft_engine.runs.encode import encode
from weft_engine.runs.engine.child import Child
from weft_engine.runs.engine.control import RunControl
from weft_engine.runs.engine.core import Core
from weft_engine.runs.engine.debugging_points import usable
from weft_engine.runs.engine.scope_run import ScopeRun
from weft_engine.runs.events import RunEvent
from weft_engine.runs.journal.base import SignalRow, WakeRow
from weft_engine.runs.levels import later_rounds
from weft_engine.runs.planned import Key
from weft_engine.runs.run import NodeResult, RunRequest

if TYPE_CHECKING:
    from weft_engine.runs.engine.places import Places

_LET_GO_S: Final = 2.0
"""How long is waited for what is let go; what takes longer is left behind."""
_MARK: Final = 9
_AT: Final = frozenset({"step_over", "step_into", "step_out", "edit"})
"""What is said to one stopped activation."""


@dataclass(frozen=True, slots=True)
class ChildEnd:
    """How a child ended, or that it waits."""

    state: str
    """`completed`, `failed`, `cancelled`; `parked`: its journal holds it."""
    failure: Mapping[str, Any] | None = None
    values: Mapping[Key, Any] = field(default_factory=dict)
    """What its output nodes gave."""
    results: Mapping[str, NodeResult] = field(default_factory=dict)
    wakes: Sequence[WakeRow] = ()
    """What it waits for."""


class ChildHost(Protocol):
    """Where children run."""

    def prepare(self, request: RunRequest, *, known: bool) -> tuple[RunRequest, Program]:
        """What a child is, and its program.

        Args:
            request: What it is asked for.
            known: Whether the journal may hold it already; then it goes on as it began.

        Raises:
            FlowError: its flow is not valid.
        """
        ...

    def run(
        self,
        request: RunRequest,
        program: Program,
        emit: Callable[[list[RunEvent]], None],
        control: RunControl,
        places: "Places",
    ) -> ChildEnd:
        """Run a child, or go on with it, in the calling thread."""
        ...

    def hand_on(self, request: RunRequest, signal: SignalRow) -> bool | None:
        """Keep a signal for a child; False if it has had that one, None where nothing is kept.

        Raises:
            JournalError: its journal cannot be written.
        """
        ...


def child_id(run_id: str, path: str, scope: str) -> str:
    """What the child is called that an activation begins: the same after a crash.

    It is as long for a child of a child: the id of the outermost run, and a part behind a dot.
    """
    return _named(run_id, digest_of(run_id, path, scope))


def _taking_over(request: RunRequest, path: str, scope: str) -> dict[str, Any]:
    """What a child is forked from: the one that was called there in the attempt before."""
    first = request.children.get(path) if request.retry else None
    if request.forked_from is None or first is None or later_rounds(path, scope) & {*first}:
        return {}
    return {"forked_from": child_id(request.forked_from, path, scope), "retry": True}


def _identity(run_id: str, path: str, scope: str) -> str:
    """The id that it has in the first attempt of everything around it."""
    return _named(run_id, idempotency_key(run_id, path, scope))


def _named(run_id: str, digest: str) -> str:
    mark = base64.urlsafe_b64encode(bytes.fromhex(digest))[:_MARK].decode()
    return f"{run_id.partition('.')[0]}.{mark}"


class Children:
    """The children of one run."""

    def __init__(self, core: Core, host: ChildHost | None) -> None:
        self.core = core
        self.host = host
        self.live: list[Child] = []

    def start(self, region: Any, key: str, path: str, given: Mapping[str, Any]) -> ScopeRun:
        """Begin a child for a container; it ends as a scope of that container.

        Raises:
            FlowError: the called flow is not valid.
        """
        core, unit = self.core, region.unit
        name = called(unit.node)
        data = core.request.flows.get(name)
        if self.host is None or data is None:
            raise LookupError(f"the flow {name!r} is not known here")
        run_id = core.request.run_id
        request = msgspec.structs.replace(
            RunRequest(run_id=child_id(run_id, unit.path, path), flow=data),
            inputs=dict(given),
            parent=run_id,
            called_by={"run": run_id, "node": unit.path, "scope": path, "flow": name},
            identity=_identity(core.run_scope.identity_at(unit.path, path), unit.path, path),
            **_taking_over(core.request, unit.path, path),
            flows=core.request.flows,
            flow_ids=core.request.flow_ids,
            env=core.request.env,
            files_root=core.request.files_root,
            confined=core.request.confined,
            allow_hosts=core.request.allow_hosts,
            tenant=core.request.tenant,
            priority=core.request.priority,
            durability=core.request.durability,
            parallelism=core.request.parallelism,
            breakpoints=_below(unit.path, core.gate.said),
        )
        request, program = self.host.prepare(request, known=core.recorded is not None)
        scope = core.open_scope(program.top, path, parent=region.scope, region=region, key=key)
        child = Child(self, scope, unit, request, program)
        child.request = msgspec.structs.replace(request, breakpoints=self.points(child))
        self.live.append(child)
        core.when_durable(self._begin, child, None)  # it may have effects at once
        return scope

    def _begin(self, child: Child, _: None) -> None:
        if child.scope.over or child.scope.closing:
            self.gone(child)
        else:
            child.begin()

    def gone(self, child: Child) -> None:
        """It has ended."""
        self.live.remove(child)

    def broke(self, failure: Mapping[str, Any]) -> ChildEnd:
        """How a child ended that could not even run."""
        return ChildEnd("failed", failure)

    def points(self, child: Child, said: Sequence[Breakpoint] | None = None) -> list[Breakpoint]:
        """The breakpoints that a child has; those that it cannot have are told."""
        path, scope = child.unit.path, child.scope.path
        below = _below(path, self.core.gate.said if said is None else said)
        found, wrong = usable(below, child.program)
        for error in wrong:
            line = f"{error.message} {error.hint}"
            self.core.story.log(path, scope, "warning", line)
        return found

    # Standing still, and going on

    def follow(self) -> None:
        """Let children stand still or go on as the gate says now."""
        for child in list(self.live):
            child.follow()

    @property
    def held(self) -> bool:
        """Whether a child stands still."""
        return any(child.told != "go" for child in self.live)

    @property
    def stopped(self) -> bool:
        """Whether something stands at a breakpoint in one of them."""
        return any(child.stops for child in self.live)

    @property
    def parked(self) -> bool:
        """Whether a child waits for a moment or a signal."""
        return any(child.parked for child in self.live)

    def leave(self) -> bool:
        """Let the children go that stand still, as the run does; whether all are gone."""
        for child in self.live:
            child.leave()
        return all(child.parked for child in self.live)

    def let_go(self) -> None:
        """The run breaks off, and may go on elsewhere with them: they stop, and do not end."""
        until = monotonic() + _LET_GO_S
        for away in [child.let_go() for child in self.live]:
            away.wait(max(until - monotonic(), 0.0))

    def next_due(self) -> float | None:
        """When the first of those that wait goes on."""
        dues = [due for child in self.live if (due := child.next_due()) is not None]
        return min(dues, default=None)

    def listed(self) -> list[dict[str, Any]]:
        """What those that wait do wait for, as `run_paused` tells it."""
        return [wait for child in self.live for wait in child.listed()]

    # What the run is told

    def signal(self, plain: Mapping[str, Any]) -> bool:
        """Give a signal to the child that waits for it; False when none does."""
        return any(child.take(plain) for child in self.live)

    def breakpoints(self, said: Sequence[Breakpoint]) -> None:
        """The breakpoints of the run are these now."""
        for child in self.live:
            child.set_breakpoints(self.points(child, said))

    def command(self, command: Command) -> bool:
        """Do what one of the children is told; False when it is nothing for them."""
        child = self._meant(command)
        if child is None:
            return False
        child.tell(command)
        return True

    def judge(self, command: Command) -> bool:
        """Refuse what a child cannot do, from any thread; False when it is nothing for them.

        Raises:
            FlowError: as the gate of the child does.
        """
        child = self._meant(command)
        if child is None:
            return False
        child.judge(command)
        return True

    def _meant(self, command: Command) -> Child | None:
        """The child with the stopped activation that is meant; the first one if none is named."""
        if command.kind not in _AT or (command.at is None and self.core.gate.stands):
            return None
        for child in list(self.live):
            if command.at in child.stops if command.at is not None else child.stops:
                return child
        return None


_SHOWN_BYTES: Final = 64 * 1024


def introduction(request: RunRequest) -> dict[str, Any]:
    """What the first event of a child tells of the call; nothing of other runs.

    Inputs are told where they are small; larger ones are read from the nodes that give them.
    """
    by = request.called_by
    if by is None:
        return {}
    inputs = {name: value for name, value in request.inputs.items() if _small(value)}
    flow_id = request.flow_ids.get(by["flow"])
    return {"called_by": {**by, "flow_id": flow_id, "inputs": inputs}}


def _small(value: Any) -> bool:
    try:
        return len(encode(value)) <= _SHOWN_BYTES
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError):
        return False


def _below(path: str, said: Sequence[Breakpoint]) -> list[Breakpoint]:
    """The breakpoints in a called flow, at the paths that it has for its nodes."""
    inside = f"{path}/"
    return [
        msgspec.structs.replace(point, node=point.node.removeprefix(inside))
        for point in said
        if point.node.startswith(inside)
    ]
