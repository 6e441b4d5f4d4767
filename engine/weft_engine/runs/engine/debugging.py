"""The debugger of a run: holds it at breakpoints and steps, and lets values be replaced there."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, cast

from weft_engine.compiler.program import Program
from weft_engine.errors import FlowError
from weft_engine.runs.debug import Breakpoint, Command, not_stopped
from weft_engine.runs.engine.debugging_calls import GateForCalls
from weft_engine.runs.engine.debugging_journal import INSIDE, Key, past, write_points, write_stop
from weft_engine.runs.engine.debugging_points import Hit, Points
from weft_engine.runs.engine.debugging_values import references, replaced, shown_ports
from weft_engine.runs.engine.gate import Stop, When
from weft_engine.runs.engine.scope_run import ScopeRun
from weft_engine.runs.engine.stepping import Kind, Step, step_from
from weft_engine.runs.journal.base import StepRow
from weft_engine.runs.journal.errors import JournalError
from weft_engine.runs.journal.values import ValueStore

if TYPE_CHECKING:
    from weft_engine.runs.engine.core import Core

_STEPS: Final = frozenset({"step_over", "step_into", "step_out"})
_AFTERWARDS: Final = _STEPS | {"resume", "edit"}
"""What has to wait until a run that goes on stands again where it stood."""


class Debugger(GateForCalls):
    """The gate of a run that may have breakpoints.

    Args:
        program: What is run.
        points: The breakpoints that the run began with.
        rows: What an earlier part of the run wrote down of stops, when it goes on.
        values: Where values of these rows are.

    Raises:
        FlowError: `run.bad_breakpoint`.
    """

    def __init__(
        self,
        program: Program,
        points: Sequence[Breakpoint] = (),
        rows: Iterable[StepRow] = (),
        values: ValueStore | None = None,
    ) -> None:
        super().__init__()
        self.points = Points(program)
        self.stops: dict[str, Stop] = {}
        """What stands here, by `at`."""
        self._behind: list[Stop] = []
        """What came to a closed gate, or waits for the end of a step."""
        self._hits: dict[Key, tuple[Hit, str]] = {}
        """Of what stands here: what was counted, and the breakpoint that stopped it."""
        self._past = past(rows, values)
        self._awaited = self._past.standing
        self._given_up = False
        self._inside = {key for key in self._awaited if key[2] == INSIDE}
        self._pausing = False
        """It was told to pause, and has not taken that up."""
        said = points if self._past.points is None else self._past.points
        self.points.set(said)
        for mark in self._past.marks.values():
            for key, count in mark.counts.items():
                self.points.restore(key, count, stopped=key == mark.stopped)
        self._watch()

    def join(self, core: "Core") -> None:
        """Belong to a run from now on."""
        super().join(core)
        core.control.judge = self.judge
        self._tell_strange()

    @property
    def stepping(self) -> bool:
        """Whether the run is on its way to the end of a step."""
        return self._step is not None

    @property
    def said(self) -> Sequence[Breakpoint]:
        """Its breakpoints."""
        return self.points.said

    @property
    def stands(self) -> bool:
        """Whether an activation of the run itself is stopped here."""
        return bool(self.stops)

    @property
    def holds(self) -> bool:
        """Whether activations stand at the gate."""
        return bool(self.stops or self._behind or self._later)

    def awaits(self, path: str, place: str, when: When) -> bool:
        """Whether an activation stood here when the run was left, and is to stand here again."""
        return (path, place, when) in self._awaited

    # Activations

    def before(self, stop: Stop) -> bool:
        """Whether to hold an activation that is about to start."""
        if self._awaited:
            return self._again(stop)
        if self.closed:
            self._behind.append(stop)
            return True
        if self._waits(stop):
            self._past.edit(stop)
            return False
        if self._step is not None and self._step.widen():
            if self._behind:
                self._behind.append(stop)  # those that wait came first
                self._open_behind()
                return True
            self.core.parts.children.follow()
        way = self._step.way(stop) if self._step is not None else "go"
        if way == "wait":
            self._behind.append(stop)
            return True
        if stop.unit.unit.kind == "stream" and stop.values and not shown_ports(stop):
            return False  # all that it reads was skipped
        if self._hit(stop):
            return True
        if way == "stop":
            self._stand(stop, "step", Hit())
            return True
        return False

    def _waits(self, stop: Stop) -> bool:
        """Whether it began before the run was left, and waits for something since."""
        recorded = self.core.recorded
        return recorded is not None and recorded.wake(stop.unit.path, stop.place) is not None

    def after(self, stop: Stop) -> bool:
        """Whether to hold what an activation gave."""
        if stop.key in self._awaited:
            return self._again(stop)
        return self._hit(stop)

    def _hit(self, stop: Stop) -> bool:
        mark = self._past.edit(stop)
        if mark is not None:
            return False  # it was here before the run was left
        hit = self.points.hit(self.core, stop)
        if hit is None or not hit.counts:
            return False
        if hit.point is None:
            write_stop(self.core.recording, stop, hit.counts, "", standing=False)
            return False
        stop.hit, stop.node = hit.point.count, hit.point.said.node
        self._stand(stop, "breakpoint", hit)
        return True

    def _stand(self, stop: Stop, reason: Any, hit: Hit) -> None:
        """Hold an activation, and with it the run."""
        stop.reason = reason
        self.stops[stop.at] = stop
        self._hits[stop.key] = hit, hit.point.key if hit.point is not None else ""
        self._step = None
        if not self.closed:
            self.closed, self.reason = True, reason
        self._keep(stop)
        self._tell(stop)

    def _keep(self, stop: Stop) -> None:
        """Write down where it stands; what it gave is not to be lost, either."""
        if stop.keep is not None:
            with suppress(JournalError):  # what cannot be kept is told when it goes on
                stop.keep(stop.values)
        self._write(stop, standing=True)

    def _write(self, stop: Stop, *, standing: bool) -> None:
        hit, stopped = self._hits.get(stop.key, (Hit(), ""))
        try:
            write_stop(self.core.recording, stop, hit.counts, stopped, standing=standing)
        except JournalError as error:
            self.core.story.log(stop.node, stop.place, "warning", error.message)

    def _tell(self, stop: Stop) -> None:
        story = self.core.story
        data = {
            "at": stop.at,
            "when": stop.when,
            "reason": stop.reason,
            "hit": stop.hit,
            "values": references(story, stop),
            "edited": list(stop.edited),
        }
        story.say("breakpoint_hit", stop.node, stop.place, data)

    # Going on where the run was left

    def _again(self, stop: Stop) -> bool:
        """Before all that stood here does again, nothing else goes on."""
        if stop.key not in self._awaited:
            if self._leads_to_awaited(stop):
                self._past.edit(stop)
                return False
            self._behind.append(stop)
            return True
        mark = self._past.edit(stop)
        self._awaited.discard(stop.key)
        if mark is not None:
            stop.node, stop.reason, stop.hit = mark.node, mark.reason, mark.hit
            self.stops[stop.at] = stop
            self._hits[stop.key] = Hit(dict(mark.counts)), mark.stopped
            self.reason = "step" if mark.reason == "step" else "breakpoint"
            self._tell(stop)
        if not self._awaited:
            self._stands_again()
        return True

    def _leads_to_awaited(self, stop: Stop) -> bool:
        inside = f"{stop.unit.path}/"
        return any(path.startswith(inside) for path, _, _ in self._awaited) or any(
            path == stop.unit.path and when != "before" for path, _, when in self._awaited
        )

    def rest(self) -> bool:
        """Nothing is under way and nothing is ready: whether the gate let something go on."""
        if self._awaited:
            self._awaited.clear()  # it does not come this way any more
            if self.stops:
                self._stands_again()
                return not self.core.control.box.empty()
            heard = self._hear()
            return self._open_behind() or heard
        if self._step is None or self.closed:
            return False
        if self._behind or self.core.parts.children.held:
            self._step = Step()  # where it was to end nothing happens before something else has
            self._open_behind()
            return True
        if self.stops:
            self._step = None
            self.closed, self.reason = True, "step"
            return True
        return False

    # Commands

    def judge(self, command: Command) -> None:
        """Refuse what cannot be done; from any thread.

        Raises:
            FlowError: `run.bad_breakpoint`, `run.not_stopped`, `run.no_such_port`, `run.bad_value`.
        """
        if command.kind == "pause":
            self._pausing = True
        elif command.kind == "breakpoints":
            self.points.compiled(command.breakpoints)
        elif command.kind in _AFTERWARDS - {"resume"} and not self._awaited:
            if self.core.parts.children.judge(command):
                return
            stop = self._meant(command)
            if command.kind == "edit" and stop is not None:
                replaced(stop, command.port or "", command.value)

    def command(self, command: Command) -> bool:
        """Do what the run is told; False when it is nothing for the gate."""
        if self._awaited and command.kind in _AFTERWARDS:
            self._waiting.append(command)
            return True
        if self._awaited and command.kind == "pause":
            return True  # it will stand still as it is
        try:
            return self._do(command)
        except FlowError as error:
            self.core.story.log(command.at or "", "", "warning", f"{error.message} {error.hint}")
            return True

    def _do(self, command: Command) -> bool:
        if command.kind == "breakpoints":
            self.points.set(command.breakpoints)
            write_points(self.core.recording, command.breakpoints)
            self._tell_strange()
            self._watch()
        elif command.kind == "edit":
            self._edit(command)
        elif command.kind in _STEPS:
            self._go_step(command)
        elif command.kind == "pause":
            self._step, self._pausing = None, False
            return super().command(command)
        elif command.kind == "resume":
            self.open()
        else:
            return False
        return True

    def _meant(self, command: Command) -> Stop | None:
        """The stopped activation that is meant; None when the run is only paused."""
        paused = self.closed or self._pausing
        if command.at is None and not self.stops and paused and command.kind != "edit":
            return None
        at = command.at
        stop = self.stops.get(at) if at is not None else next(iter(self.stops.values()), None)
        if stop is None:
            raise not_stopped(at, sorted(self.stops))
        return stop

    def _edit(self, command: Command) -> None:
        stop = self._meant(command)
        if stop is None:
            return
        port, value = replaced(stop, command.port or "", command.value)
        for key in port.keys:
            stop.values[key] = value
        same = [one.name for one in shown_ports(stop) if one.keys == port.keys]
        stop.edited = [*stop.edited, *(name for name in same if name not in stop.edited)]
        self._keep(stop)
        self._tell(stop)

    def _go_step(self, command: Command) -> None:
        stop, kind = self._meant(command), cast("Kind", command.kind)
        if stop is None:
            self._step = Step()
        elif kind == "step_out" and stop.scope.parent is None:
            self.open()
            return
        else:
            self._step = step_from(kind, stop)
            self._leave(stop)
        self._take_step()

    def _take_step(self) -> None:
        self._watch()
        self._open_behind()

    def open(self) -> None:
        """Everything goes on, also what stands here."""
        self._step = None
        for stop in list(self.stops.values()):
            self._leave(stop)
        self._watch()
        self._open_behind()

    def _leave(self, stop: Stop) -> None:
        del self.stops[stop.at]
        self._write(stop, standing=False)
        self._hits.pop(stop.key, None)
        self.core.story.say("breakpoint_left", stop.node, stop.place, {"at": stop.at})
        self.core.post(stop.go)

    def _open_behind(self) -> bool:
        """Let what waits come to the gate again; whether there is any."""
        behind, self._behind = self._behind, []
        for stop in behind:
            self.core.post(self._come, stop)
        some = bool(behind or self._later)
        super().open()
        return some

    def _come(self, stop: Stop) -> None:
        if not self.watching or not self.before(stop):
            stop.go()

    def _watch(self) -> None:
        marked = self._past.marks or self._step is not None or self._behind
        self.watching = not self._given_up and bool(marked or self.points.active)

    def _tell_strange(self) -> None:
        for node in self.points.strange:
            self.core.story.log(node, "", "warning", "There is no such node for a breakpoint here.")

    # Ends

    def dropped(self, scope: ScopeRun) -> None:
        """A scope is being cancelled: let go of what stands here, it will not go on."""
        gone = [stop for stop in self.stops.values() if stop.scope is scope]
        for stop in gone:
            del self.stops[stop.at]
            self._hits.pop(stop.key, None)
            self.core.story.say("breakpoint_left", stop.node, stop.place, {"at": stop.at})
        gone += [stop for stop in self._behind if stop.scope is scope]
        self._behind = [stop for stop in self._behind if stop.scope is not scope]
        for stop in gone:
            if stop.gone is not None:
                stop.gone()
        if gone and not self.stops and self.closed and self.reason != "asked":
            self._open_behind()  # nobody could let it go on by what stands there

    def give_up(self) -> None:
        """The run is being cancelled: from now on nothing is held."""
        self._given_up = True
        self._awaited.clear()
        self._step = None
        self._watch()
        self._open_behind()
