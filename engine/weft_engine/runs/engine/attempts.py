"""Calls of nodes: attempts, time limits, retries, on executors and in the run's own thread."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol

from weft_engine.kernel.operators.waiting import timed_out
from weft_engine.nodes.types import SKIP
from weft_engine.runs.context import Context, Place
from weft_engine.runs.engine.activations import Activation
from weft_engine.runs.engine.core import Core
from weft_engine.runs.engine.handover import HandedOver
from weft_engine.runs.engine.policies import judge
from weft_engine.runs.executors.base import UnitOutcome, UnitTask
from weft_engine.runs.executors.calling import Site, answered
from weft_engine.runs.tracker import LIVED_WITH, again, describe


class Owner(Protocol):
    """Who started a call and is told its end."""

    def gave(
        self, activation: Activation, outputs: dict[str, Any], variables: Mapping[str, Any]
    ) -> None:
        """It has ended; what its ports gave, those not taken left out."""

    def left_out(self, activation: Activation, failure: dict[str, Any]) -> None:
        """It failed, and its policy is to leave it out."""

    def failed(self, activation: Activation, failure: dict[str, Any]) -> None:
        """It failed."""

    def stopped(self, activation: Activation) -> None:
        """It was stopped before its end."""


class Attempts:
    """Makes calls."""

    def __init__(self, core: Core) -> None:
        self.core = core

    def begin(self, activation: Activation) -> None:
        """Call a node for the first time, or once more."""
        unit = activation.unit
        if unit.light:
            self._here(activation)
            return
        core = self.core
        activation.resting = False
        core.entered(activation)
        core.place(activation, partial(self._announce, activation))

    def _announce(self, activation: Activation) -> None:
        """Where a node has effects, its attempt is on disk before it is called."""
        core, unit = self.core, activation.unit
        if unit.effects and core.recording.waits and not activation.announced:
            core.recording.started(unit.path, activation.place, activation.attempt)
            core.when_durable(self._launch, activation, activation.token)
        else:
            self._launch(activation, activation.token)

    def _launch(self, activation: Activation, token: int) -> None:
        if token != activation.token or activation.stopped:
            if token == activation.token:
                self._gone(activation)
            return
        core, unit, scope = self.core, activation.unit, activation.scope
        place = self.place(activation)
        task = UnitTask(
            request=core.request,
            plan=scope.planned.plan,
            unit=unit.unit,
            scope=scope.path,
            inputs={},
            key=activation.key,
            arguments=activation.arguments,
            attempt=activation.attempt,
            idempotency_key=core.run_scope.key_at(unit.path, activation.place),
            variables=place.variables or {},
            place=place,
        )
        if activation.attempt == 1 or activation.began == 0.0:
            activation.began = core.clock.monotonic()
        limit = unit.policy.timeout_s
        if limit is not None:
            core.after(limit, self._too_late, activation, token)
        done = partial(core.post, self._ended, activation, token)
        sink = core.sink(scope, quiet=activation.quiet)
        activation.handle = core.executor.submit(task, sink, done)

    def place(self, activation: Activation) -> Place:
        """What the node may know of where it is."""
        scope, unit = activation.scope, activation.unit
        asks = unit.work is None or unit.work.takes_context
        return Place(
            path=unit.path,
            scope=activation.place,
            index=int(activation.key) if activation.key.isdigit() else scope.index,
            attempt=activation.attempt,
            variables=scope.variables_of(unit) if asks else {},
            inputs=scope.inputs,
            earlier=partial(scope.before, unit) if asks else None,
            signal=activation.signal,
            failure=self.core.handling,
            cancel=activation,
            settable=not activation.key,
        )

    # In the run's own thread

    def _here(self, activation: Activation) -> None:
        core, unit = self.core, activation.unit
        activation.began = activation.began or core.clock.monotonic()
        node = activation.scope.planned.plan.compiled.nodes[unit.name]
        outputs: dict[str, Any] = {}
        error: BaseException | None = None
        ctx: Context | None = None
        opened = False
        claim = core.handover.enter(activation)
        try:
            site = Site(node, unit.work, routed=unit.routed)  # type: ignore[arg-type]
            sink = core.sink(activation.scope, quiet=activation.quiet)
            ctx = Context(
                core.run_scope, unit.name, self.place(activation), sink.log, sink.progress
            )
            site.open(ctx)
            opened = True
            try:
                call = site.call(ctx)
                results = answered(call, activation.arguments)
                ports = site.work.outputs
                outputs = {
                    port.name: value
                    for port, value in zip(ports, results, strict=True)
                    if value is not SKIP
                }
            finally:
                site.close()
        except BaseException as exc:  # noqa: BLE001 - whatever a node raises is its failure
            error = exc
        variables = ctx.set_variables() if ctx is not None else {}
        if not core.handover.leave(claim):
            core.post(self.came_late, activation, outputs, error, opened, variables)
            raise HandedOver
        self.answered(activation, outputs, error, variables, opened=opened)

    def adopt(self, activation: Activation) -> None:
        """A call in the run's thread takes long: go on without it."""
        kind = activation.unit.node.type
        for unit in activation.scope.planned.units:
            if unit.light and unit.node.type == kind:
                unit.light = False  # from now on they get a thread at once
        self.core.entered(activation)

    def came_late(
        self,
        activation: Activation,
        outputs: dict[str, Any],
        error: BaseException | None,
        opened: bool,
        variables: Mapping[str, Any],
    ) -> None:
        """A call that another thread took over for is done."""
        if activation not in activation.scope.active:
            return
        if activation.is_set():
            self._gone(activation)
            return
        self.core.left(activation)
        self.answered(activation, outputs, error, variables, opened=opened)

    # Ends

    def _ended(self, activation: Activation, token: int, found: UnitOutcome) -> None:
        if token != activation.token:
            return
        if activation.is_set() or found.cancelled:
            self._gone(activation)
            return
        self.core.left(activation)
        outputs = {port: value for (_, port), value in found.outputs.items()}
        self.answered(activation, outputs, found.failure, found.variables)

    def _gone(self, activation: Activation) -> None:
        core = self.core
        activation.token += 1
        core.left(activation)
        core.cancelled(activation)
        owner: Owner = activation.owner
        owner.stopped(activation)
        core.look_closed(activation.scope)

    def _too_late(self, activation: Activation, token: int) -> None:
        if token != activation.token or activation.stopped:
            return
        limit = activation.unit.policy.timeout_s or 0.0
        activation.token += 1
        activation.stop()  # the node may look; whatever it still gives counts for nothing
        activation.stopped = False
        self.core.left(activation)
        self.answered(activation, {}, timed_out(limit), {})

    def answered(
        self,
        activation: Activation,
        outputs: dict[str, Any],
        error: BaseException | None,
        variables: Mapping[str, Any],
        *,
        opened: bool = True,
    ) -> None:
        """An attempt is over."""
        owner: Owner = activation.owner
        if error is None:
            owner.gave(activation, outputs, variables)
            return
        unit, core = activation.unit, self.core
        failure = describe(error, unit.path, activation.attempt, activation.given)
        if activation.place:
            failure["scope"] = activation.place
        verdict = judge(unit, error, activation.given, activation.attempt, opened=opened)
        if verdict.kind == "again":
            self._again(activation, failure, verdict.delay_s)
            return
        if verdict.kind == "fail":
            owner.failed(activation, failure)
            return
        done = LIVED_WITH[unit.policy.on_error]
        line = f"{failure['message']} ({done})"
        core.story.log(unit.path, activation.scope.path, "warning", line)
        activation.failure = failure
        if verdict.kind == "skip":
            owner.left_out(activation, failure)
        else:
            owner.gave(activation, dict(verdict.outputs or {}), {})

    def _again(self, activation: Activation, failure: dict[str, Any], delay_s: float) -> None:
        core, path, scope = self.core, activation.unit.path, activation.scope
        line = again(activation.attempt, failure["message"], delay_s)
        core.story.log(path, scope.path, "warning", line)
        data = {"attempt": activation.attempt, "delay_s": delay_s, "failure": failure}
        core.story.say("node_retrying", path, activation.place, data)
        activation.attempt += 1
        activation.token += 1
        activation.announced = False
        activation.resting = True
        scope.active.add(activation)
        core.active += 1
        core.after(delay_s, self._once_more, activation, activation.token)

    def _once_more(self, activation: Activation, token: int) -> None:
        if token != activation.token or activation.stopped:
            return
        self.core.left(activation)
        activation.resting = False
        self.begin(activation)
