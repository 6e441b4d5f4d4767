"""The end of a container: what it gave, or why it failed, told and written down."""

from functools import partial
from typing import TYPE_CHECKING, Any

from weft_engine.nodes.spec import ERROR_PORT
from weft_engine.runs.engine.policies import judge
from weft_engine.runs.engine.records import records_of
from weft_engine.runs.engine.story import failures
from weft_engine.runs.journal.errors import JournalError
from weft_engine.runs.run import NodeState
from weft_engine.runs.tracker import LIVED_WITH, describe

if TYPE_CHECKING:
    from weft_engine.runs.engine.region_run import RegionRun


class RegionEnd:
    """Ends one container."""

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
        scope.regions.pop(unit.number, None)
        try:
            core.recording.ended(
                unit.path,
                scope.path,
                "completed",
                outputs.items(),
                variables=self.region.kept,
                started=self.region.began_at,
            )
        except JournalError as error:
            core.breaks(scope, unit, describe(error, unit.path, 1, None))
            return
        found: dict[tuple[str, str], Any] = {}
        for port, value in outputs.items():
            kind = unit.kinds[port]
            found[unit.name, port] = value
            core.story.gave_at(
                unit.path,
                scope.path,
                self.region.result,
                port,
                kind,
                value,
                quiet=self.region.quiet,
            )
        seconds = core.clock.monotonic() - self.region.began
        core.story.ended_at(
            unit.path,
            scope.path,
            self.region.result,
            NodeState.COMPLETED,
            seconds,
            quiet=self.region.quiet,
            **data,
        )
        core.settle(scope, unit, found, self.region.kept or None)

    def failed(self, failure: dict[str, Any], error: BaseException) -> None:
        """It failed, for good: its policy says what that means."""
        core, scope, unit = self.region.core, self.region.scope, self.region.unit
        given = next(iter(self.region.values.values()), None) if unit.simple else self.region.values
        known = error if isinstance(error, Exception) else None
        verdict = judge(unit, known or error, given, unit.policy.max_attempts, opened=True)
        if verdict.kind == "fail":
            scope.regions.pop(unit.number, None)
            self.region.result.failure = failure
            seconds = core.clock.monotonic() - self.region.began
            core.story.ended_at(
                unit.path,
                scope.path,
                self.region.result,
                NodeState.FAILED,
                seconds,
                failure=failure,
            )
            core.recording.ended(
                unit.path, scope.path, "failed", failure=failure, started=self.region.began_at
            )
            core.unit_failed(scope, unit, failure)
            core.look_closed(scope)
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

    def cancelled(self) -> None:
        """It was stopped, and nothing in it is under way any more."""
        region = self.region
        core, scope, unit = region.core, region.scope, region.unit
        scope.regions.pop(unit.number, None)
        seconds = core.clock.monotonic() - region.began
        core.story.ended_at(
            unit.path,
            scope.path,
            region.result,
            NodeState.CANCELLED,
            seconds,
            quiet=region.quiet,
        )
        core.look_closed(scope)
