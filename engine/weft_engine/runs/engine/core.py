"""The state of a run and its transitions: what is ready, under way, over.

Everything here happens in one thread at a time and in a fixed order: messages come in by the
mailbox, activations go out to the executor. Nothing waits.
"""

import heapq
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from weft_engine.compiler.program import ScopePlan
from weft_engine.runs.context import RunScope
from weft_engine.runs.debug import Command
from weft_engine.runs.engine.activations import Activation
from weft_engine.runs.engine.clock import Clock
from weft_engine.runs.engine.control import RunControl
from weft_engine.runs.engine.gate import Gate, Stop
from weft_engine.runs.engine.handover import Handover
from weft_engine.runs.engine.parts import Parts
from weft_engine.runs.engine.places import Share
from weft_engine.runs.engine.recording import Recording
from weft_engine.runs.engine.scope_run import ScopeRun
from weft_engine.runs.engine.sink import NodeSink
from weft_engine.runs.engine.story import Story
from weft_engine.runs.executors.base import Executor
from weft_engine.runs.planned import Key, Planned, planned
from weft_engine.runs.run import NodeState, RunRequest

if TYPE_CHECKING:
    from weft_engine.runs.engine.resume import Recorded

GRACE_S: Final = 2.0
"""How long what is cancelled may take to let go."""


class Core:
    """One run."""

    def __init__(
        self,
        request: RunRequest,
        *,
        control: RunControl,
        story: Story,
        scope: RunScope,
        executor: Executor,
        recording: Recording,
        recorded: "Recorded | None" = None,
        gate: Gate,
        clock: Clock,
        places: Share,
    ) -> None:
        self.request = request
        self.control = control
        self.story = story
        self.run_scope = scope
        self.executor = executor
        self.recording = recording
        self.recorded = recorded
        """What the run did before, when it goes on."""
        self.gate = gate
        self.clock = clock
        self.places = places
        self.handover = Handover()
        self.parts: Parts
        self.ready: deque[tuple[ScopeRun, Planned]] = deque()
        self.held: list[tuple[Callable[..., None], Any, Any]] = []
        """What goes on when the rows before it are on disk: whatever has effects."""
        self.active = 0
        """How many activations executors work on."""
        self.adopted: dict[int, Activation] = {}
        """Calls in the run's thread that another thread took over for."""
        self.timers: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._timers = 0
        self.choose: Callable[[int], int] | None = None
        """In tests: which of so many ready units goes next."""
        self.policy = request.failure_policy
        self.failure: dict[str, Any] | None = None
        """Why the run fails."""
        self.cancelling = False
        self.over = False
        self.never_ran: list[str] = []
        self.finished: Callable[[ScopeRun], None] = _nobody
        """Told when a scope that no container opened is over."""
        self.top: ScopeRun
        self.outermost: list[ScopeRun] = []
        """Scopes that no container opened."""
        self.handling: Mapping[str, Any] | None = None
        """Why the run failed, while its error handler is at work."""

    # Scopes

    def open_scope(self, plan: ScopePlan, path: str = "", **more: Any) -> ScopeRun:
        """Start to go through a scope."""
        scope = ScopeRun(planned(plan), path, **more)
        if scope.region is None:
            self.outermost.append(scope)
        return scope

    def begin(self, scope: ScopeRun) -> None:
        """Make the first units of a scope ready."""
        units = scope.planned.units
        for number in scope.planned.first:
            self.ready.append((scope, units[number]))
        if not units:
            self.scope_done(scope)

    def settle(
        self,
        scope: ScopeRun,
        unit: Planned,
        outputs: Mapping[Key, Any],
        variables: Mapping[str, Any] | None = None,
    ) -> None:
        """A unit has ended; what follows may start. What has effects waits for the rows itself."""
        if outputs:
            scope.values.update(outputs)
        if variables:
            scope.set_by[unit.number] = variables
            for name in variables:
                self.story.say("variable_set", unit.path, scope.path, {"name": name})
        scope.left -= 1
        self.release(scope, unit)

    def when_durable(self, fn: Callable[..., None], one: Any, other: Any) -> None:
        """Do what has effects: once the rows of everything that led to it are on disk."""
        if self.recording.waits:
            self.held.append((fn, one, other))
        else:
            fn(one, other)

    def release(self, scope: ScopeRun, unit: Planned) -> None:
        """What follows a unit may start."""
        if scope.over or scope.closing:
            return
        waiting, units = scope.waiting, scope.planned.units
        for number in unit.followers:
            left = waiting[number] - 1
            waiting[number] = left
            if not left:
                self.ready.append((scope, units[number]))
        if scope.first and scope.region is not None and scope.region.has_exit(scope):
            self.close_scope(scope, "completed")
        elif not scope.left:
            self.scope_done(scope)

    def scope_done(self, scope: ScopeRun) -> None:
        """Every unit of a scope has ended."""
        if scope.over or scope.closing:
            return
        failed = scope.failure is not None
        if scope.first and scope.region is not None and scope.region.has_exit(scope):
            failed = False
        self._end_scope(scope, "failed" if failed else "completed")

    def _end_scope(self, scope: ScopeRun, state: str) -> None:
        scope.over = True
        if scope.region is not None:
            scope.region.scope_ended(scope, state)
        else:
            self.finished(scope)

    def close_scope(self, scope: ScopeRun, state: Any) -> None:
        """End a scope before all of it has: what is under way in it is stopped first."""
        if scope.over or scope.closing:
            return
        scope.closing = state
        scope.cancelled = True
        self.parts.waits.drop(scope)
        for activation in list(scope.active):
            activation.stop()
            if activation.resting:
                self.left_behind(activation)
        for region in list(scope.regions.values()):
            region.cancel()
        self.gate.dropped(scope)
        if scope.active or scope.regions:
            self.after(GRACE_S, self.abandon, scope)
        self.look_closed(scope)

    def look_closed(self, scope: ScopeRun) -> None:
        """End a scope that is being closed, when nothing in it is under way any more."""
        if scope.closing and not scope.over and not scope.active and not scope.regions:
            self._end_scope(scope, scope.closing)

    def abandon(self, scope: ScopeRun) -> None:
        """What does not let go in time is left behind."""
        if scope.over:
            return
        for region in list(scope.regions.values()):
            region.abandon()
        for activation in list(scope.active):
            self.left_behind(activation)
        self.look_closed(scope)

    # Activations on executors

    def entered(self, activation: Activation) -> None:
        """An activation is under way."""
        activation.scope.active.add(activation)
        self.active += 1

    def place(self, activation: Activation, go: Callable[[], None]) -> None:
        """Go on with an activation as soon as fewer are under way than may be."""
        activation.placed = self.places.take(
            partial(self.post, self._placed, activation, activation.token, go)
        )
        if activation.placed:
            go()
        else:
            activation.resting = True

    def occupy(self, activation: Activation) -> None:
        """An activation is at work already: what comes after it waits for room."""
        self.places.occupy()
        activation.placed = True

    def _placed(self, activation: Activation, token: int, go: Callable[[], None]) -> None:
        if token != activation.token or activation not in activation.scope.active:
            self.places.give()
            return
        activation.placed, activation.resting = True, False
        go()

    def left(self, activation: Activation) -> None:
        """An activation is not under way any more."""
        if activation in activation.scope.active:
            activation.scope.active.discard(activation)
            self.active -= 1
            if activation.placed:
                activation.placed = False
                self.places.give()

    def left_behind(self, activation: Activation) -> None:
        """Nobody waits for an activation any more."""
        activation.token += 1
        self.left(activation)
        self.cancelled(activation)

    def cancelled(self, activation: Activation) -> None:
        """Tell that an activation was stopped."""
        result = activation.result
        if result is not None and result.state is NodeState.RUNNING and not activation.key:
            self.story.ended_at(
                activation.unit.path,
                activation.scope.path,
                result,
                NodeState.CANCELLED,
                self.clock.monotonic() - activation.began,
                quiet=activation.quiet,
            )

    def sink(self, scope: ScopeRun, *, quiet: bool = False) -> NodeSink:
        """What takes what nodes of a scope say."""
        return NodeSink(self.story, scope.planned.prefix, scope.path, quiet=quiet)

    # Failing

    def unit_failed(self, scope: ScopeRun, unit: Planned, failure: dict[str, Any]) -> None:
        """A unit has failed and its policy does not live with that."""
        if scope.failure is None:
            scope.failure = failure
        alone = scope.region is None
        if scope.first or (alone and self.policy == "best_effort" and self.handling is None):
            self.settle(scope, unit, {})
        elif alone and self.policy == "continue_independent" and self.handling is None:
            scope.poisoned.add(unit.number)
            self.settle(scope, unit, {})
        else:
            self.close_scope(scope, "failed")

    def breaks(self, scope: ScopeRun, unit: Planned, failure: dict[str, Any]) -> None:
        """The run cannot go on, whatever its policies: what a unit gave cannot be kept."""
        self.story.say("node_failed", unit.path, scope.path, {"failure": failure})
        result = self.story.results.get(unit.path)
        if result is not None:
            result.state, result.failure = NodeState.FAILED, failure
        self.fail(failure)

    def fail(self, failure: dict[str, Any]) -> None:
        """Fail the run."""
        if self.top.failure is None:
            self.top.failure = failure
        self.close_scope(self.top, "failed")

    def start(self, scope: ScopeRun, unit: Planned) -> None:
        """Everything before a unit has ended."""
        if scope.over or scope.closing:
            return
        parts, kind = self.parts, unit.unit.kind
        if scope.poisoned and not scope.poisoned.isdisjoint(unit.before):
            parts.skip(scope, unit)
        elif self.recorded is not None and self.recorded.restore(self, scope, unit):
            return
        elif kind == "call":
            parts.calls.start(scope, unit)
        elif kind == "stream":
            parts.streams.start(scope, unit)
        elif kind == "map":
            parts.maps.start(scope, unit)
        else:
            parts.regions.start(scope, unit)

    def skip(self, scope: ScopeRun, unit: Planned, reason: str | None = None, **data: Any) -> None:
        """A unit of calls, or a container, does not take part."""
        reason = reason or self._why(scope, unit)
        quiet = self.story.quiet(unit.path, scope.path)
        if not data.get("restored", False):
            self.recording.ended(unit.path, scope.path, "skipped", failure=data.get("failure"))
        self.story.skipped(unit.path, scope.path, reason, unit.sources, quiet=quiet, **data)
        self.settle(scope, unit, {})

    def _why(self, scope: ScopeRun, unit: Planned) -> str:
        results, prefix = self.story.results, scope.planned.prefix
        for slot in unit.slots:
            for name, _ in slot.keys:
                before = results.get(prefix + name)
                if before is not None and before.state is not NodeState.SKIPPED:
                    return "not_taken"
        return "input_skipped"

    # Time

    def after(self, seconds: float, fn: Callable[..., None], *args: Any) -> None:
        """Do something later, in the run's thread."""
        self._timers += 1
        heapq.heappush(self.timers, (self.clock.monotonic() + seconds, self._timers, fn, args))

    def fire(self) -> None:
        """Do what is due."""
        now = self.clock.monotonic()
        while self.timers and self.timers[0][0] <= now:
            _, _, fn, args = heapq.heappop(self.timers)
            fn(*args)

    # The gate

    def at_gate(
        self,
        scope: ScopeRun,
        unit: Planned,
        place: str,
        when: Any,
        values: dict[str, Any],
        go: Callable[[dict[str, Any]], None],
        *,
        keep: Callable[[dict[str, Any]], None] | None = None,
        gone: Callable[[], None] | None = None,
    ) -> bool:
        """Show an activation to the gate; whether that holds it, and goes on with `go` later.

        `keep` writes down what it gave, `gone` is called when it never goes on.
        """

        def going() -> None:
            if not scope.closing and not scope.over:
                go(stop.values)

        stop = Stop(scope, unit, place, when, values, going, keep, gone)
        return self.gate.before(stop) if when == "before" else self.gate.after(stop)

    # Messages

    def post(self, fn: Callable[..., None], *args: Any) -> None:
        """Let the run's thread do something; from any thread."""
        self.control.box.put((fn, *args))

    def command(self, command: Command) -> None:
        """Do what the run is told."""
        if command.kind == "signal":
            plain = command.signal or {}
            if not self.parts.children.signal(plain):
                self.parts.waits.signal(plain)
        elif not self.parts.children.command(command):
            self.gate.command(command)
            if command.kind == "breakpoints":
                self.parts.children.breakpoints(command.breakpoints)

    def break_off(self, *, lost: bool) -> None:
        """Stop what is under way without a word; lost runs leave those that they called."""
        if lost:
            self.parts.children.let_go()
        for scope in self.outermost:
            scope.let_go()

    def cancel(self) -> None:
        """Stop the run."""
        if not self.cancelling and not self.over:
            self.cancelling = True
            self.gate.give_up()
            self.close_scope(self.top, "cancelled")


def _nobody(_: ScopeRun) -> None:
    """Nobody wants to know."""
