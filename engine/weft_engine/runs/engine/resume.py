"""What a run did before: rows of the journal, put back in the place of the work."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from weft_engine.nodes.port_type import PortType
from weft_engine.nodes.types import SKIP
from weft_engine.runs.engine.scope_run import ScopeRun
from weft_engine.runs.journal.base import SignalRow, StepRow, WakeRow
from weft_engine.runs.journal.values import ValueStore
from weft_engine.runs.planned import Key, Planned
from weft_engine.runs.run import NodeState

if TYPE_CHECKING:
    from weft_engine.runs.engine.core import Core

Place = tuple[str, str]
ANY: Final = PortType("Any")


class Recorded:
    """The rows of a run that goes on.

    Nobody's code runs for what has ended: its outputs are those that were recorded, and it is told
    again with `restored`. Containers are driven anew and given the ends that were recorded.
    """

    def __init__(
        self,
        values: ValueStore,
        steps: Iterable[StepRow] = (),
        wakes: Iterable[WakeRow] = (),
        signals: Iterable[SignalRow] = (),
    ) -> None:
        self.values = values
        self.signals = list(signals)
        self.heard: list[str] = []
        """Signals that had their effect, which was not said of them before the run was left."""
        self._ended: dict[Place, StepRow] = {}
        self._attempts: dict[Place, int] = {}
        self._ends: dict[Place, list[StepRow]] = {}
        self._tried: dict[Place, list[StepRow]] = {}
        self.stops: list[StepRow] = []
        """What was written down of breakpoints; see `debugging_journal`."""
        self._wakes = {(row.node, row.scope): row for row in wakes}
        self._began: float | None = None
        had: set[str] = set()
        for row in steps:
            place = row.node, row.scope
            began = row.started or row.ended
            if began and (self._began is None or began < self._began):
                self._began = began
            if row.kind == "stop":
                self.stops.append(row)
                continue
            if row.kind == "scope":
                self._ends.setdefault(place, []).append(row)
                continue
            if row.kind == "retry":
                self._tried.setdefault(place, []).append(row)
                continue
            if row.signal:
                had.add(row.signal)
            self._attempts[place] = max(self._attempts.get(place, 0), row.attempt)
            if row.state != "started":
                self._ended[place] = row
        for signal in self.signals:
            if signal.id in had and not signal.taken:
                signal.taken = True
                self.heard.append(signal.id)

    def passed(self, now: float) -> float:
        """Seconds since the first of it began, waits included, as far as its rows tell."""
        return max(now - self._began, 0.0) if self._began is not None else 0.0

    def attempts(self, path: str, scope: str) -> int:
        """How often an activation was begun."""
        return self._attempts.get((path, scope), 0)

    def wake(self, path: str, scope: str) -> WakeRow | None:
        """What an activation waits for."""
        return self._wakes.get((path, scope))

    def wakes_below(self, path: str, scope: str) -> list[Place]:
        """Where something waits in the run that was called at a path, as a scope."""
        inside = f"{path}/"
        return [
            place
            for place in self._wakes
            if place[0].startswith(inside) and place[1].startswith(scope)
        ]

    def waits(self) -> Iterable[WakeRow]:
        """What activations waited for when the run was left."""
        return self._wakes.values()

    def ended(self, path: str, scope: str) -> StepRow | None:
        """The end of an activation."""
        return self._ended.get((path, scope))

    def ends(self, path: str, scope: str, attempt: int) -> list[StepRow]:
        """The ends of the scopes of a container's attempt, in the order in which they ended."""
        return [row for row in self._ends.get((path, scope), ()) if row.attempt == attempt]

    def tried(self, path: str, scope: str) -> StepRow | None:
        """The last attempt of a container that failed and was to be followed by another."""
        return max(self._tried.get((path, scope), ()), key=_attempt, default=None)

    def tried_elsewhere(self, path: str, scope: str, run_id: str) -> int:
        """How many of these attempts another run made, which this one was forked from."""
        rows = self._tried.get((path, scope), ())
        return max((row.attempt for row in rows if row.key != run_id), default=0)

    def outputs(self, row: StepRow) -> dict[str, Any]:
        """What an activation or a scope gave."""
        return {port: self.values.get(stored) for port, stored in row.outputs.items()}

    def restore(self, core: "Core", scope: ScopeRun, unit: Planned) -> bool:
        """Put the end of a unit in its place; False when it has not ended."""
        rows = [
            self._ended.get((scope.planned.prefix + name, scope.path)) for name in unit.unit.nodes
        ]
        whole = [row for row in rows if row is not None]
        failed = next((row for row in whole if row.state == "failed"), None)
        if failed is None and len(whole) < len(rows):
            return False
        ended = {
            name: row
            for name, row in zip(unit.unit.nodes, rows, strict=True)
            if row is not None and (failed is None or row is failed)
        }
        if core.gate.awaits(unit.path, scope.path, "after"):
            values = {
                f"{name}.{port}" if unit.unit.kind == "stream" else port: value
                for name, row in ended.items()
                for port, value in self.outputs(row).items()
            }
            go = partial(self._let_go, core, scope, unit, ended)
            core.at_gate(scope, unit, scope.path, "after", values, go)
            return True
        outputs: dict[Key, Any] = {}
        variables: dict[str, Any] = {}
        for name, row in ended.items():
            given = self.outputs(row)
            outputs |= {(name, port): value for port, value in given.items()}
            variables |= row.variables
            _tell(core, scope, unit, name, row, given)
        if failed is not None:
            core.unit_failed(scope, unit, dict(failed.failure or {}))
        else:
            core.settle(scope, unit, outputs, variables or None)
        return True

    def _let_go(
        self,
        core: "Core",
        scope: ScopeRun,
        unit: Planned,
        rows: Mapping[str, StepRow],
        values: Mapping[str, Any],
    ) -> None:
        """A unit that had ended stood at the gate: its values may have been replaced there."""
        outputs: dict[Key, Any] = {}
        variables: dict[str, Any] = {}
        for name, row in rows.items():
            head = f"{name}." if unit.unit.kind == "stream" else ""
            given = {
                port: values[f"{head}{port}"] for port in row.outputs if f"{head}{port}" in values
            }
            outputs |= {(name, port): value for port, value in given.items()}
            variables |= row.variables
            core.recording.ended(
                row.node,
                row.scope,
                row.state,
                given.items(),
                variables=row.variables,
                failure=row.failure,
                attempt=row.attempt,
                started=row.started,
                shown=row.shown,
            )
            _tell(core, scope, unit, name, row, given)
        core.settle(scope, unit, outputs, variables or None)


def _attempt(row: StepRow) -> int:
    return row.attempt


def _tell(
    core: "Core",
    scope: ScopeRun,
    unit: Planned,
    name: str,
    row: StepRow,
    outputs: Mapping[str, Any],
) -> None:
    story, path = core.story, scope.planned.prefix + name
    sources = scope.planned.sources.get(name) or {}
    if row.state == "skipped":
        more: dict[str, Any] = {"failure": row.failure} if row.failure else {}
        reason = "error_skipped" if row.failure else "input_skipped"
        story.skipped(path, scope.path, reason, sources, restored=True, **more)
        return
    quiet = story.quiet(path, scope.path)
    result = story.began_at(path, sources, scope.path, quiet=quiet)
    wiring = scope.planned.plan.compiled.wiring
    for port, value in outputs.items():
        wired = wiring.output(name, port)
        if value is not SKIP and wired is not None:
            story.gave_at(path, scope.path, result, port, wired.type, value, quiet=quiet)
    for port, ref in row.shown.items():
        wired = wiring.output(name, port)
        story.showed_at(path, scope.path, result, port, wired.type if wired else ANY, ref)
    result.attempts = row.attempt
    data: dict[str, Any] = {"restored": True}
    if row.state == "failed":
        result.failure = data["failure"] = row.failure
    state = NodeState.FAILED if row.state == "failed" else NodeState.COMPLETED
    seconds = max(row.ended - row.started, 0.0) if row.started else 0.0
    story.ended_at(path, scope.path, result, state, seconds, quiet=quiet, **data)
