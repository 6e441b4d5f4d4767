"""One run that another one called, as an activation of that."""

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from weft_engine.compiler.program import Program
from weft_engine.runs.debug import Breakpoint, Command
from weft_engine.runs.engine.activations import Activation
from weft_engine.runs.engine.control import RunControl
from weft_engine.runs.engine.scope_run import ScopeRun
from weft_engine.runs.events import RunEvent
from weft_engine.runs.executors.threads import pool
from weft_engine.runs.journal.base import SignalRow, WakeRow
from weft_engine.runs.journal.errors import JournalError
from weft_engine.runs.planned import Planned
from weft_engine.runs.run import RunRequest
from weft_engine.runs.tracker import describe

if TYPE_CHECKING:
    from weft_engine.runs.engine.children import ChildEnd, Children

_ALWAYS: Final = frozenset(
    {"node_failed", "node_waiting", "breakpoint_hit", "breakpoint_left", "log"}
)
"""What is told also of children of which there are too many to tell everything."""
_AGAIN_S: Final = 1.0
"""How soon a signal is handed on again that could not be written down with the child."""


class Child:
    """A child under way, standing still, or waiting."""

    def __init__(
        self,
        children: "Children",
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
        self.stops: dict[str, str] = {}
        """What stands in it, by `at` as this run names it: as the child does."""
        self.told: Literal["go", "wait"] = "go"
        """What it was told last."""
        self.parked = False
        """It waits, and only its journal holds it."""
        self._resting = False
        """Nothing is under way in it."""
        self._stepping = False
        self._leaving = False
        self._let_go = False
        self._away = threading.Event()
        """Set while no thread is at work for it."""
        self._away.set()
        self._wakes: list[WakeRow] = []
        self._activation = Activation(scope, unit, {}, owner=self)
        self._quiet = False
        self._waits: dict[tuple[str, str], Mapping[str, Any]] = {}
        """What its nodes wait for, by node and scope as it names them itself."""
        self._used: list[str] = []
        """The ids of signals that were handed on to it."""

    def begin(self) -> None:
        """Let it run, on a thread."""
        core, path = self.core, self.unit.path
        self._activation.handle = self
        self._quiet = core.story.quiet(f"{path}/*", self.scope.path)
        core.entered(self._activation)
        around = self.scope.parent.path if self.scope.parent is not None else ""
        data = {"counts": {}, "child_run": self.request.run_id}
        core.story.say("node_progress", path, around, data)
        if core.recorded is not None:
            for place in core.recorded.wakes_below(path, self.scope.path):
                core.recording.unpark(*place)  # it says anew what it waits for
            self.set_breakpoints(self.request.breakpoints)  # it may know others from before
        self._launch()

    def _launch(self) -> None:
        host, token = self.children.host, self._activation.token
        assert host is not None
        self.told = "go"
        self.follow()
        control, places, away = self.control, self.core.places.places, threading.Event()
        self._away = away

        def work() -> None:
            try:
                end = host.run(self.request, self.program, self._heard, control, places)
            except BaseException as error:  # noqa: BLE001 - it is told as the child's failure
                end = self.children.broke(describe(error, None, 1, None))
            away.set()
            self.core.post(self._ended, end, token)

        pool.run(work)

    def let_go(self) -> threading.Event:
        """Leave it where it is: the run breaks off here. What is returned is set once it is."""
        self._let_go = True
        self.control.let_go()
        return self._away

    def cancel(self) -> None:
        """Stop it."""
        if self._let_go:
            return
        if self.parked:
            self._wake()
        self._rests(False)
        self.control.cancel()

    # Standing still, and going on

    def follow(self) -> None:
        """Stand still or go on, as the gate of the run says."""
        if self._stepping or self.parked:
            return
        way = self.core.gate.way_into(self.scope)
        if way == "wait" and self.told == "go":
            self.told = "wait"
            self.control.box.put((Command(kind="pause"),))
        elif way == "stop":
            self._go(Command(kind="pause"), Command(kind="step_over"))
        elif way == "go" and self.told == "wait":
            self._go(Command(kind="resume"))

    def _go(self, *commands: Command) -> None:
        self.told = "go"
        self._rests(False)
        for command in commands:
            self.control.box.put((command,))

    def _rests(self, rests: bool) -> None:
        """It stands still, or goes on: the run has nothing under way there."""
        if rests != self._resting:
            self._resting = rests
            self.core.active += -1 if rests else 1

    def leave(self) -> None:
        """The run is left to the journal while this stands still."""
        if self._resting and not self.parked and not self._leaving:
            self._leaving = True
            self.control.halt()

    def set_breakpoints(self, points: Sequence[Breakpoint]) -> None:
        """These take the place of all earlier ones."""
        self.request = msgspec.structs.replace(self.request, breakpoints=list(points))
        if not self.parked:
            self.control.box.put((Command(kind="breakpoints", breakpoints=list(points)),))

    def tell(self, command: Command) -> None:
        """Let what stands in it go on, or hold another value."""
        at = self._own(command)
        if command.kind == "edit":
            self.control.box.put((at,))
            return
        self._stepping = True
        self.core.gate.openings += 1  # it moves, although the gate stays closed for all others
        self._go(at)

    def judge(self, command: Command) -> None:
        """Refuse what it cannot do; from any thread."""
        if self.control.judge is not None:
            self.control.judge(self._own(command))

    def _own(self, command: Command) -> Command:
        at = self.stops.get(command.at) if command.at else next(iter(self.stops.values()), None)
        return msgspec.structs.replace(command, at=at)

    # What it tells

    def _heard(self, events: list[RunEvent]) -> None:
        self.core.post(self._tell, events)

    def _tell(self, events: list[RunEvent]) -> None:
        for event in events:
            if event.node is None:
                self._moved(event)
                continue
            own = str(event.data.get("scope", ""))
            place, path = self._place(own), f"{self.unit.path}/{event.node}"
            data = {**event.data, "scope": place, "child_run": self.request.run_id}
            stops = event.type == "breakpoint_hit"
            if stops or event.type == "breakpoint_left":
                at = data["at"] = f"{path}@{place}"
                stops = stops and at not in self.stops  # else it is told of another value there
                self._stop(event, at)
            if not self._quiet or event.type in _ALWAYS:
                self.core.story.voice.say(event.type, path, data)
            if stops:
                self._stands(event.data["reason"])
            if event.type == "node_waiting":
                self._waits[event.node, own] = event.data
                self._take_kept()

    def _moved(self, event: RunEvent) -> None:
        """It stands still, unless it was told meanwhile to go on."""
        if event.type == "run_paused" and event.data.get("reason") != "waiting":
            self._rests(self.told == "wait")

    def _stop(self, event: RunEvent, at: str) -> None:
        if event.type == "breakpoint_hit":
            self.stops[at] = str(event.data["at"])
            return
        self.stops.pop(at, None)
        if self.stops:
            return
        gate = self.core.gate
        gate.goes_on_inside(self.unit.path, self.scope.path)
        stands = gate.stands or self.children.stopped or gate.reason == "asked"
        if self.told == "wait" and gate.closed and not stands:
            gate.open()  # it had been told to go on before it stopped, and heard it afterwards

    def _stands(self, reason: Any) -> None:
        if self._stepping:
            self._stepping, self.core.gate.reason = False, reason
        self.told = "wait"
        self.core.gate.stands_inside(self.unit.path, self.scope.path, reason)

    def _place(self, scope: str) -> str:
        joint = "/" if scope and not scope.startswith("#") else ""
        return f"{self.scope.path}{joint}{scope}"

    # Waiting

    def take(self, plain: Mapping[str, Any]) -> bool:
        """Hand on a signal that one of its nodes waits for."""
        for (node, scope), wait in list(self._waits.items()):
            path = f"{self.unit.path}/{node}"
            names = [f"{path}@{self._place(scope)}", wait.get("signal")]
            if wait.get("kind") == "approval":
                names.append(path)
            if plain.get("name") not in names:
                continue
            if self.parked and self.core.gate.closed:
                self._wake_soon()
                return False  # it is kept until the child says again that it waits
            signal = {**plain, "name": f"{node}@{scope}"}
            try:
                fresh = self._hand_on(signal)
            except JournalError:
                self.core.after(_AGAIN_S, self._take_kept)
                return False
            if fresh:
                self._wake()
                self._waits.pop((node, scope), None)
                self.control.box.put((Command(kind="signal", signal=signal),))
            return True
        return False

    def _take_kept(self) -> None:
        """Hand on what was sent before anything waited for it."""
        for row in self.core.parts.waits.kept():
            if self.take(msgspec.structs.asdict(row)):
                self.core.parts.waits.forget(row)

    def _hand_on(self, signal: dict[str, Any]) -> bool:
        """Write a signal down with the child, whose it is from then on; False if it was before."""
        signal_id, host = str(signal.get("id") or ""), self.children.host
        assert host is not None
        row = SignalRow(
            id=signal_id, name=signal["name"], payload=signal.get("payload"), by=signal.get("by")
        )
        fresh = host.hand_on(self.request, row) if signal_id else None
        if fresh is None:
            self._used.append(signal_id)  # it needs it again should it begin anew
        else:
            self.core.recording.take(signal_id)
        return fresh is not False

    def next_due(self) -> float | None:
        """When it goes on; None while it does not wait for a moment."""
        return min((row.due for row in self._wakes if row.due is not None), default=None)

    def listed(self) -> list[dict[str, Any]]:
        """What it waits for."""
        return [msgspec.structs.asdict(self._here(row)) for row in self._wakes]

    def _here(self, row: WakeRow) -> WakeRow:
        """What one of its nodes waits for, as this run names it."""
        path, place = f"{self.unit.path}/{row.node}", self._place(row.scope)
        return msgspec.structs.replace(row, node=path, scope=place)

    def _park(self, wakes: Sequence[WakeRow]) -> None:
        """It waits: the run has nothing under way there, and wakes it when it is time."""
        self.parked = True
        self._rests(True)
        self._wakes = list(wakes)
        for row in self._wakes:
            self.core.recording.park(self._here(row))
        if not self.control.box.empty():
            self._wake_soon()  # it left without hearing what it was told last
            return
        due = self.next_due()
        if due is not None:
            self.core.after(max(due - self.core.clock.time(), 0.0), self._due, self._wakes)
        self._take_kept()

    def _due(self, wakes: list[WakeRow]) -> None:
        if self.parked and self._wakes is wakes:
            self._wake_soon()

    def _wake_soon(self) -> None:
        if self.core.gate.closed:
            self.core.gate.later(self._wake)
        else:
            self._wake()

    def _wake(self) -> None:
        """Let it go on where it was left."""
        if not self.parked or (self.scope.over and not self.scope.closing):
            return
        self.parked = self._leaving = False
        self._rests(False)
        self._forget_wakes()
        self._waits.clear()
        self.control = _again(self.control)
        self.stops.clear()
        self.set_breakpoints(self.request.breakpoints)
        self._launch()

    def _forget_wakes(self) -> None:
        for row in map(self._here, self._wakes):
            self.core.recording.unpark(row.node, row.scope)
        self._wakes = []

    # Its end

    def _ended(self, end: "ChildEnd", token: int) -> None:
        core, scope, activation = self.core, self.scope, self._activation
        core.story.results.update(
            {f"{self.unit.path}/{name}": result for name, result in end.results.items()}
        )
        if token != activation.token:
            self.children.gone(self)
            return  # nobody waits for it any more
        if end.state == "parked" and not scope.closing:
            self._park(end.wakes)
            return
        self.children.gone(self)
        self._rests(False)
        core.left(activation)
        for signal_id in filter(None, self._used):
            core.recording.take(signal_id)
        scope.values.update(end.values)
        if end.state == "failed":
            scope.failure = self._failure(end.failure or {})
        core.gate.left_inside(self.unit, scope, stepping=self._stepping)
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


def _again(control: RunControl) -> RunControl:
    """The mailbox of a run that goes on, with what it was told and has not heard."""
    fresh = RunControl()
    while not control.box.empty():
        message = control.box.get()
        if message and isinstance(message[0], Command):
            fresh.box.put(message)
    return fresh
