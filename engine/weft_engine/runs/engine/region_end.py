"""The end of a container's attempt: what it gave, or why it failed, told and written down."""

from functools import partial
from typing import TYPE_CHECKING, Any

from weft_engine.nodes.spec import ERROR_PORT
from weft_engine.runs.engine.activations import Activation
from weft_engine.runs.engine.policies import judge
from weft_engine.runs.engine.records import records_of
from weft_engine.runs.engine.story import failures
from weft_engine.runs.journal.errors import JournalError
from weft_engine.runs.run import NodeState
from weft_engine.runs.tracker import LIVED_WITH, describe

if TYPE_CHECKING:
    from weft_engine.runs.engine.core import Core
    from weft_engine.runs.engine.region_run import RegionRun


class RegionEnd:
    """Ends one attempt of a container: it gave something, failed, or is tried again."""

    def __init__(self, region: "RegionRun") -> None:
        self.region = region

    def gave(self, outputs: dict[str, Any], data: dict[str, Any]) -> None:
        """It gave something; the gate may look at it first."""
        core, scope, unit = self.region.core, self.region.scope, self.region.unit
        go = partial(self.complete, data)
        if core.gate.watching and core.at_gate(
            scope, unit, scope.path, "after", outputs, go, gone=self.cancelled
        ):
            return
        go(outputs)

    def complete(self, data: dict[str, Any], outputs: dict[str, Any]) -> None:
        """It has ended; what follows may start."""
        core, scope, unit = self.region.core, self.region.scope, self.region.unit
        activation = self.region.activation
        scope.regions.pop(unit.number, None)
        try:
            core.recording.ended(
                unit.path,
                scope.path,
                "completed",
                outputs.items(),
                variables=self.region.kept,
                attempt=activation.attempt,
                started=activation.began_at,
            )
        except JournalError as error:
            core.breaks(scope, unit, describe(error, unit.path, activation.attempt, None))
            return
        found: dict[tuple[str, str], Any] = {}
        assert activation.result is not None
        for port, value in outputs.items():
            kind = unit.kinds[port]
            found[unit.name, port] = value
            core.story.gave_at(
                unit.path,
                scope.path,
                activation.result,
                port,
                kind,
                value,
                quiet=activation.quiet,
            )
        tell_end(core, activation, NodeState.COMPLETED, **data)
        core.settle(scope, unit, found, self.region.kept or None)

    def failed(self, failure: dict[str, Any], error: BaseException) -> None:
        """It failed: its policy says what that means."""
        core, scope, unit = self.region.core, self.region.scope, self.region.unit
        activation, values = self.region.activation, self.region.values
        if scope.closing:
            self.cancelled()
            return
        given = next(iter(values.values()), None) if unit.simple else values
        attempt = activation.attempt - activation.earlier
        verdict = judge(unit, error, given, attempt, opened=True)
        if verdict.kind == "again":
            core.parts.regions.again(activation, failure, verdict.delay_s)
            return
        if verdict.kind == "fail":
            self._fail(failure)
            return
        line = f"{failure.get('message', '')} ({LIVED_WITH[unit.policy.on_error]})"
        core.story.log(unit.path, scope.path, "warning", line)
        if verdict.kind == "skip":
            scope.regions.pop(unit.number, None)
            core.skip(scope, unit, "error_skipped", failure=failure)
        else:
            outputs = dict(verdict.outputs or {})
            if ERROR_PORT in outputs:
                outputs[ERROR_PORT] = {**failure, "item": given}
            for port in self.region.streams() & set(outputs):
                outputs[port] = records_of([])
            self.gave(outputs, failures(1, failure))

    def _fail(self, failure: dict[str, Any]) -> None:
        core, scope, unit = self.region.core, self.region.scope, self.region.unit
        activation = self.region.activation
        assert activation.result is not None
        activation.result.failure = failure
        core.recording.ended(
            unit.path,
            scope.path,
            "failed",
            failure=failure,
            attempt=activation.attempt,
            started=activation.began_at,
        )
        tell_end(core, activation, NodeState.FAILED, failure=failure)
        core.unit_failed(scope, unit, failure)
        core.look_closed(scope)

    def cancelled(self) -> None:
        """It was stopped, and nothing in it is under way any more."""
        tell_end(self.region.core, self.region.activation, NodeState.CANCELLED)
        self.region.core.look_closed(self.region.scope)


def tell_end(core: "Core", activation: Activation, state: NodeState, **data: Any) -> None:
    """A container is at work no more: tell how it ended, and after how many attempts."""
    scope, unit, result = activation.scope, activation.unit, activation.result
    scope.regions.pop(unit.number, None)
    assert result is not None
    result.attempts = activation.attempt
    if activation.attempt > 1:
        attempts = unit.policy.max_attempts + activation.earlier
        data = {"attempt": activation.attempt, "attempts": attempts, **data}
    core.story.ended_at(
        unit.path,
        scope.path,
        result,
        state,
        core.clock.monotonic() - activation.began,
        quiet=activation.quiet,
        **data,
    )
