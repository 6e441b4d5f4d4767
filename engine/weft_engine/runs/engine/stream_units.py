"""Units that are a stretch of nodes on the kernel."""

from functools import partial
from typing import Any

from weft_engine.runs.context import Place
from weft_engine.runs.engine.activations import Activation
from weft_engine.runs.engine.core import Core
from weft_engine.runs.engine.mistakes import mistake
from weft_engine.runs.engine.records import records_of
from weft_engine.runs.engine.scope_run import ScopeRun
from weft_engine.runs.executors.base import UnitOutcome, UnitTask
from weft_engine.runs.journal.errors import JournalError
from weft_engine.runs.planned import Key, Planned
from weft_engine.runs.run import NodeState
from weft_engine.runs.tracker import describe


class StreamUnits:
    """Starts stretches, and does what follows from their ends."""

    def __init__(self, core: Core) -> None:
        self.core = core

    def start(self, scope: ScopeRun, unit: Planned) -> None:
        """Everything before it has ended."""
        inputs = {f"{node}.{port}": scope.value((node, port)) for node, port in unit.inputs}
        if self.core.request.overrides and not scope.path:
            inputs |= self._overridden(unit)
        if self.core.gate.watching and self.core.at_gate(
            scope, unit, scope.path, "before", inputs, partial(self._begin, scope, unit)
        ):
            return
        self._begin(scope, unit, inputs)

    def _overridden(self, unit: Planned) -> dict[str, Any]:
        """Values in the place of what arrives at ports of a node that is a stretch of its own."""
        found: dict[str, Any] = {}
        given = self.core.request.overrides.get(unit.name, {}) if len(unit.unit.nodes) == 1 else {}
        for port, value in given.items():
            for source in unit.sources.get(port, ()):
                stream = isinstance(value, list)
                name = f"{source['source']}.{source['source_port']}"
                found[name] = records_of(value) if stream else value
        return found

    def _begin(self, scope: ScopeRun, unit: Planned, inputs: dict[str, Any]) -> None:
        core = self.core
        activation = Activation(scope, unit, inputs, owner=self)
        if unit.effects:
            core.when_durable(self._enter, activation, activation.token)
        else:
            self._enter(activation, activation.token)

    def _enter(self, activation: Activation, token: int) -> None:
        core = self.core
        if activation.scope.over or activation.scope.closing:
            return
        core.entered(activation)
        core.place(activation, partial(self._launch, activation, token))

    def _launch(self, activation: Activation, token: int) -> None:
        if token != activation.token or activation.stopped:
            return
        core, scope, unit = self.core, activation.scope, activation.unit
        activation.resting = False
        activation.began = core.clock.monotonic()
        activation.began_at = core.clock.time()
        given = activation.arguments
        task = UnitTask(
            request=core.request,
            plan=scope.planned.plan,
            unit=unit.unit,
            scope=scope.path,
            inputs={(node, port): given[f"{node}.{port}"] for node, port in unit.inputs},
            variables=scope.variables_of(unit),
            place=Place(
                path=unit.path,
                scope=scope.path,
                index=scope.index,
                variables=scope.variables_of(unit),
                inputs=scope.inputs,
                earlier=partial(scope.before, unit),
                failure=core.handling,
            ),
        )
        quiet = core.story.quiet(unit.path, scope.path)
        done = partial(core.post, self._ended, activation, token)
        core.story.voice.flush()
        activation.handle = core.executor.submit(task, core.sink(scope, quiet=quiet), done)

    def _ended(self, activation: Activation, token: int, found: UnitOutcome) -> None:
        if token != activation.token:
            return
        core, scope, unit = self.core, activation.scope, activation.unit
        core.left(activation)
        if found.cancelled or (activation.is_set() and found.failure is None):
            core.look_closed(scope)
        elif found.failure is not None:
            failure = found.described or describe(mistake(found.failure), None, 1, None)
            if scope.path:
                failure["scope"] = scope.path
            self._record(activation, {}, failure=failure, failed=found.failed_node)
            if found.failed_node is None and found.described is None:
                core.fail(failure)
            else:
                core.unit_failed(scope, unit, failure)
            core.look_closed(scope)
        elif core.gate.watching and core.at_gate(
            scope,
            unit,
            scope.path,
            "after",
            {f"{node}.{port}": value for (node, port), value in found.outputs.items()},
            partial(self._gave, activation),
            keep=partial(self._keep, activation),
            gone=partial(self.stopped, activation),
        ):
            return
        else:
            self._settle(activation, found.outputs)

    def _gave(self, activation: Activation, values: dict[str, Any]) -> None:
        self._settle(activation, _by_key(activation, values))

    def _keep(self, activation: Activation, values: dict[str, Any]) -> None:
        self._record(activation, _by_key(activation, values))

    def _settle(self, activation: Activation, outputs: dict[Key, Any]) -> None:
        scope, unit = activation.scope, activation.unit
        try:
            self._record(activation, outputs)
        except JournalError as error:
            self.core.breaks(scope, unit, describe(error, unit.path, 1, None))
            return
        self.core.settle(scope, unit, outputs)

    def _record(
        self,
        activation: Activation,
        outputs: dict[Key, Any],
        *,
        failure: dict[str, Any] | None = None,
        failed: str | None = None,
    ) -> None:
        """One row a node, all in one group."""
        core, scope, unit = self.core, activation.scope, activation.unit
        if not core.recording.kept:
            return
        for name in unit.unit.nodes:
            path = scope.planned.prefix + name
            result = core.story.results.get(path)
            if failure is not None and name != failed:
                continue
            skipped = result is not None and result.state is NodeState.SKIPPED
            given = {port: value for (node, port), value in outputs.items() if node == name}
            kept = result.outputs if result is not None else {}
            core.recording.ended(
                path,
                scope.path,
                "failed" if failure else "skipped" if skipped else "completed",
                given.items(),
                failure=failure or (result.failure if result is not None else None),
                started=activation.began_at,
                shown={port: ref for port, ref in kept.items() if port not in given},
            )

    def skip(self, scope: ScopeRun, unit: Planned) -> None:
        """Nothing of it runs, because something before it failed."""
        for name in unit.unit.nodes:
            self.core.recording.ended(scope.planned.prefix + name, scope.path, "skipped")
            self.core.story.skipped(
                scope.planned.prefix + name,
                scope.path,
                "input_failed",
                scope.planned.sources.get(name),
            )
        self.core.settle(scope, unit, {})

    def stopped(self, activation: Activation) -> None:
        """It was left behind: its nodes are shown as stopped."""
        for name in activation.unit.unit.nodes:
            result = self.core.story.results.get(activation.scope.planned.prefix + name)
            if result is None:
                continue
            if result.state is NodeState.RUNNING:
                result.state = NodeState.CANCELLED
            elif result.state is NodeState.QUEUED:
                result.state, result.reason = NodeState.IDLE, "never_ran"


def _by_key(activation: Activation, values: dict[str, Any]) -> dict[Key, Any]:
    """Outputs by node and port, from their names at the gate."""
    reads = {f"{node}.{port}": (node, port) for node, port in activation.unit.reads}
    return {reads[name]: value for name, value in values.items()}
