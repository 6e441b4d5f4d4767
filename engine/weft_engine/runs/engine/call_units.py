"""Units that are one call of one node."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from weft_engine.compiler.taps import VIEW
from weft_engine.nodes.port_type import PortType
from weft_engine.nodes.types import SKIP
from weft_engine.runs.engine.activations import Activation
from weft_engine.runs.engine.attempts import Attempts
from weft_engine.runs.engine.core import Core
from weft_engine.runs.engine.handover import HandedOver
from weft_engine.runs.engine.records import Records, records_of
from weft_engine.runs.engine.scope_run import ScopeRun
from weft_engine.runs.engine.story import failures
from weft_engine.runs.journal.errors import JournalError
from weft_engine.runs.planned import Planned
from weft_engine.runs.run import NodeResult, NodeState
from weft_engine.runs.tracker import describe


class CallUnits:
    """Starts calls, and does what follows from their ends."""

    def __init__(self, core: Core, attempts: Attempts) -> None:
        self.core = core
        self.attempts = attempts

    def start(self, scope: ScopeRun, unit: Planned) -> None:
        """Everything before it has ended."""
        core, node = self.core, unit.node
        if node.disabled:
            core.skip(scope, unit, "disabled")
            return
        if node.pinned is not None:
            self.pinned(scope, unit, node.pinned)
            return
        arguments = scope.arguments(unit)
        if arguments is None:
            core.skip(scope, unit)
            return
        if core.request.overrides and not scope.path:
            arguments |= core.request.overrides.get(unit.name, {})
        if core.gate.watching and core.at_gate(
            scope, unit, scope.path, "before", arguments, partial(self._begin, scope, unit)
        ):
            return
        self._begin(scope, unit, arguments)

    def _begin(self, scope: ScopeRun, unit: Planned, arguments: dict[str, Any]) -> None:
        if unit.light and unit.shared is not None:
            self._at_once(scope, unit, arguments)
            return
        activation = Activation(scope, unit, arguments, owner=self)
        if self.core.recorded is not None:
            activation.attempt = self.core.recorded.attempts(unit.path, scope.path) + 1
        if unit.parks and self.core.parts.waits.parked(activation):
            return
        self.proceed(activation)

    def proceed(self, activation: Activation) -> None:
        """Nothing keeps it from being called."""
        scope, unit = activation.scope, activation.unit
        activation.quiet = self.core.story.quiet(unit.path, scope.path)
        activation.began_at = self.core.clock.time()
        if activation.result is None:
            self.told(activation)
        self.attempts.begin(activation)

    def told(self, activation: Activation) -> None:
        """Tell that it begins."""
        scope, unit = activation.scope, activation.unit
        data: dict[str, Any] = {}
        if activation.attempt > 1 or unit.policy.max_attempts > 1:
            data = {"attempt": activation.attempt, "attempts": unit.policy.max_attempts}
        result = self.core.story.began(unit, scope.path, quiet=activation.quiet, **data)
        result.count_in = taken(unit, activation.arguments)
        activation.result = result

    def _at_once(self, scope: ScopeRun, unit: Planned, arguments: dict[str, Any]) -> None:
        """The short way, for what is called most: no activation is made unless it fails."""
        core, call = self.core, unit.shared
        quiet = bool(scope.path) and core.story.quiet(unit.path, scope.path)
        result = core.story.began(unit, scope.path, quiet=quiet)
        result.count_in = taken(unit, arguments) if unit.slots else 0
        began = core.clock.monotonic()
        ticket = (scope, unit, arguments, result, began, quiet)
        claim = core.handover.enter(ticket)
        try:
            results = call.results(call.method(**arguments))  # type: ignore[union-attr]
        except BaseException as error:  # noqa: BLE001 - whatever a node raises is its failure
            if not core.handover.leave(claim):
                core.post(self._late, ticket, {}, error)
                raise HandedOver from None
            self.attempts.answered(self._activation(ticket), {}, error, {})
            return
        if len(results) == 1:
            value = results[0]
            outputs = {} if value is SKIP else {unit.ports[0][0]: value}
        else:
            pairs = zip(unit.ports, results, strict=False)
            outputs = {port: value for (port, _), value in pairs if value is not SKIP}
        if not core.handover.leave(claim):
            core.post(self._late, ticket, outputs, None)
            raise HandedOver
        if core.gate.watching:
            self.gave(self._activation(ticket), outputs, {})
        else:
            self._complete(scope, unit, result, arguments, outputs, began, quiet)

    def _activation(self, ticket: tuple[Any, ...]) -> Activation:
        scope, unit, arguments, result, began, quiet = ticket
        activation = Activation(scope, unit, arguments, owner=self)
        activation.result, activation.began, activation.quiet = result, began, quiet
        activation.began_at = self.core.clock.time()
        return activation

    def adopt(self, ticket: Any) -> None:
        """A call in the run's thread takes long: go on without it."""
        activation = ticket if isinstance(ticket, Activation) else self._activation(ticket)
        self.attempts.adopt(activation)
        self.core.occupy(activation)
        if activation is not ticket:
            self.core.adopted[id(ticket)] = activation

    def _late(
        self, ticket: tuple[Any, ...], outputs: dict[str, Any], error: BaseException | None
    ) -> None:
        activation = self.core.adopted.pop(id(ticket), None)
        if activation is not None:
            self.attempts.came_late(activation, outputs, error, True, {})

    # Ends

    def gave(
        self, activation: Activation, outputs: dict[str, Any], variables: Mapping[str, Any]
    ) -> None:
        """It gave something."""
        scope, unit = activation.scope, activation.unit
        self._leave(activation)
        go = partial(self._gave, activation, variables)
        if self.core.gate.watching and self.core.at_gate(
            scope,
            unit,
            scope.path,
            "after",
            outputs,
            go,
            keep=partial(self._keep, activation, variables),
            gone=partial(self.core.cancelled, activation),
        ):
            return
        go(outputs)

    def _keep(
        self, activation: Activation, variables: Mapping[str, Any], outputs: dict[str, Any]
    ) -> None:
        """Write down what it gave while it stands at the gate."""
        self.core.recording.ended(
            activation.unit.path,
            activation.scope.path,
            "completed",
            outputs.items(),
            variables=variables,
            attempt=activation.attempt,
            started=activation.began_at,
        )

    def _gave(
        self, activation: Activation, variables: Mapping[str, Any], outputs: dict[str, Any]
    ) -> None:
        result = activation.result
        assert result is not None
        data: dict[str, Any] = {}
        if activation.failure is not None:
            data = failures(1, activation.failure)
        self._complete(
            activation.scope,
            activation.unit,
            result,
            activation.arguments,
            outputs,
            activation.began,
            activation.quiet,
            variables=variables,
            attempt=activation.attempt,
            began_at=activation.began_at,
            data=data,
        )

    def _complete(
        self,
        scope: ScopeRun,
        unit: Planned,
        result: NodeResult,
        arguments: Mapping[str, Any],
        outputs: dict[str, Any],
        began: float,
        quiet: bool,
        *,
        variables: Mapping[str, Any] | None = None,
        attempt: int = 1,
        began_at: float = 0.0,
        data: dict[str, Any] | None = None,
    ) -> None:
        core, story, path = self.core, self.core.story, scope.path
        if core.recording.kept:
            try:
                core.recording.ended(
                    unit.path,
                    path,
                    "completed",
                    outputs.items(),
                    variables=variables,
                    attempt=attempt,
                    started=began_at or core.clock.time(),
                )
            except JournalError as error:
                core.breaks(scope, unit, describe(error, unit.path, attempt, None))
                return
        name = unit.name
        if not quiet and attempt == 1 and not data and unit.ports:
            story.completed(unit, path, result, outputs, core.clock.monotonic() - began)
            given = {(name, port): value for port, value in outputs.items()}
            core.settle(scope, unit, given, variables)
            return
        found: dict[tuple[str, str], Any] = {}
        for port, value in outputs.items():
            found[name, port] = value
            kind = unit.kinds.get(port) or _ANY
            story.gave_at(unit.path, path, result, port, kind, value, quiet=quiet)
        if not unit.ports:
            self.view(scope, unit, result, arguments, quiet=quiet)
        result.attempts = attempt
        if attempt > 1:
            data = {**(data or {}), "attempt": attempt, "attempts": unit.policy.max_attempts}
        story.ended_at(
            unit.path,
            path,
            result,
            NodeState.COMPLETED,
            core.clock.monotonic() - began,
            quiet=quiet,
            **(data or {}),
        )
        core.settle(scope, unit, found, variables)

    def view(
        self,
        scope: ScopeRun,
        unit: Planned,
        result: NodeResult,
        arguments: Mapping[str, Any],
        *,
        quiet: bool = False,
    ) -> None:
        """Of a node without outputs, keep what it was given for looking at."""
        slot = next((slot for slot in unit.slots if slot.name in arguments), None)
        if slot is None:
            return
        live = [key for key in slot.keys if scope.value(key) is not SKIP]
        if live:
            wired = scope.planned.plan.compiled.wiring.output(*live[0])
            kind = wired.type if wired is not None else _ANY
            value = scope.value(live[0])
            self.core.story.gave_at(unit.path, scope.path, result, VIEW, kind, value, quiet=quiet)
            result.count_out[VIEW] = value.count if isinstance(value, Records) else 1

    def left_out(self, activation: Activation, failure: dict[str, Any]) -> None:
        """It failed and is left out."""
        self._leave(activation)
        self.core.skip(activation.scope, activation.unit, "error_skipped", failure=failure)

    def failed(self, activation: Activation, failure: dict[str, Any]) -> None:
        """It failed."""
        self._leave(activation)
        scope, unit, result = activation.scope, activation.unit, activation.result
        if result is None:
            self.told(activation)
            result = activation.result
        assert result is not None
        result.failure, result.attempts = failure, activation.attempt
        seconds = self.core.clock.monotonic() - activation.began if activation.began else 0.0
        self.core.recording.ended(
            unit.path,
            scope.path,
            "failed",
            failure=failure,
            attempt=activation.attempt,
            started=activation.began_at,
        )
        self.core.story.ended_at(
            unit.path, scope.path, result, NodeState.FAILED, seconds, failure=failure
        )
        self.core.unit_failed(scope, unit, failure)

    def stopped(self, activation: Activation) -> None:
        """It was stopped."""
        self._leave(activation)

    def _leave(self, activation: Activation) -> None:
        if activation.unit.parks:
            self.core.parts.waits.over(activation)
        if not activation.unit.light:
            self.core.executor.leave(activation.scope.path, activation.unit.unit.id)

    # Values that are there already

    def pinned(self, scope: ScopeRun, unit: Planned, pinned: Any) -> None:
        """Use what is pinned."""
        core = self.core
        names = [port for port, _ in unit.ports]
        given = pinned if isinstance(pinned, Mapping) else dict.fromkeys(names[:1], pinned)
        result = core.story.began(unit, scope.path)
        found: dict[tuple[str, str], Any] = {}
        for port, kind in unit.ports:
            if port in given:
                value = given[port]
                if kind.stream:
                    value = records_of(value if isinstance(value, list) else [value])
                found[unit.name, port] = value
                core.story.gave_at(unit.path, scope.path, result, port, kind, value)
        core.story.ended_at(unit.path, scope.path, result, NodeState.COMPLETED, 0.0, pinned=True)
        core.settle(scope, unit, found)


def taken(unit: Planned, arguments: Mapping[str, Any]) -> int:
    """How many records a call takes in."""
    if not unit.slots:
        return 0
    if unit.collects:
        return max(1, sum(len(arguments.get(port, ())) for port in unit.collects))
    return 1


_ANY = PortType("Any")
