"""Units that call a node for every record of a stream, each call an activation of its own."""

from collections import deque
from collections.abc import Mapping
from functools import partial
from itertools import islice
from time import monotonic
from typing import Any, Final

from weft_engine.nodes.types import SKIP
from weft_engine.runs.engine.activations import Activation
from weft_engine.runs.engine.attempts import Attempts
from weft_engine.runs.engine.core import Core
from weft_engine.runs.engine.map_rows import absent, rows
from weft_engine.runs.engine.records import RecordsWriter
from weft_engine.runs.engine.scope_run import ScopeRun
from weft_engine.runs.engine.story import failures
from weft_engine.runs.journal.base import StepRow
from weft_engine.runs.journal.errors import JournalError
from weft_engine.runs.pace import Pace
from weft_engine.runs.planned import Planned
from weft_engine.runs.run import NodeState
from weft_engine.runs.tracker import describe

_AT_ONCE: Final = 64
"""For how many records it is written down at a time that their calls begin."""
_AHEAD: Final = 4
"""How many calls may be done before the oldest is, by how many may be under way."""


class MapUnits:
    """Starts them."""

    def __init__(self, core: Core, attempts: Attempts) -> None:
        self.core = core
        self.attempts = attempts

    def start(self, scope: ScopeRun, unit: Planned) -> None:
        """Everything before it has ended."""
        core = self.core
        if unit.node.disabled:
            core.skip(scope, unit, "disabled")
            return
        if unit.node.pinned is not None:
            core.parts.calls.pinned(scope, unit, unit.node.pinned)
            return
        if absent(scope, unit):
            core.skip(scope, unit)
            return
        MapRun(core, self.attempts, scope, unit).go_on()


class MapRun:
    """One of them under way."""

    def __init__(self, core: Core, attempts: Attempts, scope: ScopeRun, unit: Planned) -> None:
        self.core = core
        self.attempts = attempts
        self.scope = scope
        self.unit = unit
        self.quiet = core.story.quiet(unit.path, scope.path)
        self.result = core.story.began(unit, scope.path, quiet=self.quiet)
        self.began = core.clock.monotonic()
        self.began_at = core.clock.time()
        overrides = core.request.overrides.get(unit.name, {}) if not scope.path else {}
        self._rows = rows(scope, unit, overrides)
        self._next = 0
        """The number of the next record to be read."""
        self._ahead: deque[tuple[int, dict[str, Any] | None]] = deque()
        """Records that were read and not yet called for, by number."""
        self._announcing = False
        self._fresh = False
        """Whether anything was called in this run, and not in what it goes on from."""
        self._given = 0
        """The number of the next record whose results go on."""
        self._done: dict[int, Mapping[str, Any] | None] = {}
        self._active: set[Activation] = set()
        self._writers = {port: RecordsWriter(gaps=not self._many(port)) for port, _ in unit.ports}
        self._lived_with = 0
        self._first_failure: dict[str, Any] | None = None
        self._ended = False
        self._all_read = False
        self._pace = Pace()
        self._pulling = False

    def _many(self, port: str) -> bool:
        work = self.unit.work
        found = work.output(port) if work is not None else None
        return found is not None and found.type.stream

    def go_on(self) -> None:
        """Call it for as many records as there is room for."""
        if self._pulling:
            return
        self._pulling = True
        most = max(self.unit.concurrency, 1)
        try:
            while not self._ended and not self._all_read and not self.scope.closing:
                if self.core.gate.closed:
                    self.core.gate.later(self.go_on)
                    break
                if not self._ahead:
                    self._fill()
                if self._announcing or not self._ahead or self._ended:
                    break
                first, _ = self._ahead[0]
                if len(self._active) >= most or first - self._given >= _AHEAD * most:
                    break
                self._pull()
        finally:
            self._pulling = False
        if self._all_read and not self._active and not self._ended:
            self._finish()

    def _fill(self) -> None:
        """Read some records ahead; that their calls begin is written down for all at once."""
        recording = self.core.recording
        announces = self.unit.effects and recording.waits
        try:
            for arguments in islice(self._rows, _AT_ONCE if announces else 1):
                self._ahead.append((self._next, arguments))
                self._next += 1
        except Exception as error:  # noqa: BLE001 - a stream that cannot be read, or is uneven
            self._break(describe(error, self.unit.path, 1, None))
            return
        self._all_read = not self._ahead
        if announces and self._ahead:
            for number, arguments in self._ahead:
                if arguments is not None and self._row(number) is None:
                    place = f"{self.scope.path}#{number}"
                    recording.started(self.unit.path, place, self._attempt(place))
            self._announcing = True
            self.core.when_durable(self._announced, None, None)

    def _announced(self, _: None, __: None) -> None:
        self._announcing = False
        self.go_on()

    def _attempt(self, place: str) -> int:
        recorded = self.core.recorded
        return 1 if recorded is None else recorded.attempts(self.unit.path, place) + 1

    def _pull(self) -> None:
        number, arguments = self._ahead.popleft()
        if arguments is None:
            self._put(number, None)
            return
        if self._restored(number):
            return
        activation = Activation(self.scope, self.unit, arguments, key=str(number), owner=self)
        activation.began_at = self.core.clock.time()
        activation.quiet = activation.announced = True
        activation.attempt = self._attempt(activation.place)
        self._active.add(activation)
        core = self.core
        if core.gate.watching and core.at_gate(
            self.scope,
            self.unit,
            activation.place,
            "before",
            arguments,
            partial(self._begin, activation),
            gone=partial(self.stopped, activation),
        ):
            return
        self._begin(activation, arguments)

    def _begin(self, activation: Activation, arguments: dict[str, Any]) -> None:
        if activation.stopped:
            self.stopped(activation)
            return
        activation.arguments = arguments
        self._fresh = True
        self.result.count_in += 1
        if self.unit.parks and self.core.parts.waits.parked(activation):
            return
        self.attempts.begin(activation)

    def woken(self, activation: Activation) -> None:
        """What it waited for has come."""
        self.attempts.begin(activation)

    def _row(self, number: int) -> StepRow | None:
        """The end of the call for a record, when that was before."""
        recorded = self.core.recorded
        if recorded is None:
            return None
        row = recorded.ended(self.unit.path, f"{self.scope.path}#{number}")
        return row if row is not None and row.state != "failed" else None

    def _restored(self, number: int) -> bool:
        recorded, row = self.core.recorded, self._row(number)
        if recorded is None or row is None:
            return False
        self.result.count_in += 1
        if row.failure is not None:
            self._live_with(row.failure)
        outputs = None if row.state == "skipped" else recorded.outputs(row)
        place = f"{self.scope.path}#{number}"
        if outputs is not None and self.core.gate.awaits(self.unit.path, place, "after"):
            activation = Activation(self.scope, self.unit, {}, key=str(number), owner=self)
            activation.attempt, activation.began_at = row.attempt, row.started
            self._active.add(activation)
            self.gave(activation, outputs, {})
        else:
            self._put(number, outputs)
        return True

    # Ends of calls

    def gave(
        self, activation: Activation, outputs: dict[str, Any], variables: Mapping[str, Any]
    ) -> None:
        """A call gave something."""
        core = self.core
        go = partial(self._gave, activation)
        if core.gate.watching and core.at_gate(
            self.scope,
            self.unit,
            activation.place,
            "after",
            outputs,
            go,
            keep=partial(self._record, activation, "completed", activation.failure),
            gone=partial(self.stopped, activation),
        ):
            return
        go(outputs)

    def _gave(self, activation: Activation, outputs: dict[str, Any]) -> None:
        if activation.failure is not None:
            self._live_with(activation.failure)
        self._one_over(activation, "completed", outputs, activation.failure)

    def left_out(self, activation: Activation, failure: dict[str, Any]) -> None:
        """A call failed and is left out."""
        self._live_with(failure)
        self._one_over(activation, "skipped", None, failure)

    def _live_with(self, failure: Mapping[str, Any]) -> None:
        self._lived_with += 1
        self._first_failure = self._first_failure or dict(failure)

    def _one_over(
        self,
        activation: Activation,
        state: Any,
        outputs: dict[str, Any] | None,
        failure: Mapping[str, Any] | None,
    ) -> None:
        core = self.core
        self._active.discard(activation)
        try:
            self._record(activation, state, failure, outputs or {})
        except JournalError as error:
            self._break(describe(error, self.unit.path, activation.attempt, None))
            return
        if self.unit.parks:
            core.parts.waits.over(activation)
        self.result.attempts = max(self.result.attempts, activation.attempt)
        self._put(int(activation.key), outputs)
        self._tell_progress()
        self.go_on()

    def _record(
        self,
        activation: Activation,
        state: Any,
        failure: Mapping[str, Any] | None,
        outputs: Mapping[str, Any],
    ) -> None:
        self.core.recording.ended(
            self.unit.path,
            activation.place,
            state,
            outputs.items(),
            failure=failure,
            attempt=activation.attempt,
            started=activation.began_at,
        )

    def failed(self, activation: Activation, failure: dict[str, Any]) -> None:
        """A call failed, and with it the unit."""
        self._active.discard(activation)
        self.core.recording.ended(
            self.unit.path,
            activation.place,
            "failed",
            failure=failure,
            attempt=activation.attempt,
            started=activation.began_at,
        )
        self.result.attempts = max(self.result.attempts, activation.attempt)
        if self.unit.parks:
            self.core.parts.waits.over(activation)
        self._fail(failure)

    def stopped(self, activation: Activation) -> None:
        """A call was stopped."""
        self._active.discard(activation)
        if not self._ended:
            self._ended = True
            self._tell(NodeState.CANCELLED)
        if not self._active:
            self.core.executor.leave(self.scope.path, self.unit.unit.id)

    def _put(self, number: int, outputs: Mapping[str, Any] | None) -> None:
        """Hand results on in the order of the records."""
        self._done[number] = outputs
        while self._given in self._done:
            given = self._done.pop(self._given)
            self._given += 1
            for port, writer in self._writers.items():
                value = SKIP if given is None else given.get(port, SKIP)
                if not self._many(port):
                    writer.take([value])
                elif value is not SKIP and value is not None:
                    writer.take(list(value))

    # Its end

    def _finish(self) -> None:
        self._ended = True
        core, scope, unit = self.core, self.scope, self.unit
        core.executor.leave(scope.path, unit.unit.id)
        found: dict[tuple[str, str], Any] = {}
        for port, kind in unit.ports:
            records = self._writers[port].finish()
            found[unit.name, port] = records
            core.story.gave_at(
                unit.path, scope.path, self.result, port, kind, records, quiet=self.quiet
            )
        if not unit.ports:
            wired = dict.fromkeys(slot.name for slot in unit.slots)
            core.parts.calls.view(scope, unit, self.result, wired, quiet=self.quiet)
        data = failures(self._lived_with, self._first_failure or {}) if self._lived_with else {}
        if core.recorded is not None and self._given and not self._fresh:
            data["restored"] = True
        self._tell(NodeState.COMPLETED, **data)
        core.settle(scope, unit, found)

    def _fail(self, failure: dict[str, Any]) -> None:
        if self._ended:
            return
        self._ended = True
        core = self.core
        self.result.failure = failure
        self._tell(NodeState.FAILED, failure=failure)
        for activation in list(self._active):
            activation.stop()
            if activation.resting:
                core.left_behind(activation)
        if not self._active:
            core.executor.leave(self.scope.path, self.unit.unit.id)
        core.unit_failed(self.scope, self.unit, failure)
        core.look_closed(self.scope)

    def _break(self, failure: dict[str, Any]) -> None:
        if self.scope.path:
            failure["scope"] = self.scope.path
        self._fail(failure)

    def _tell(self, state: NodeState, **data: Any) -> None:
        self._tell_progress()
        self.result.count_out = {
            port: self.result.count_out.get(port, writer.count)
            for port, writer in self._writers.items()
        }
        self.core.story.ended_at(
            self.unit.path,
            self.scope.path,
            self.result,
            state,
            self.core.clock.monotonic() - self.began,
            quiet=self.quiet,
            **data,
        )

    def _tell_progress(self) -> None:
        ended = self._ended and not self._pace.behind
        if self.quiet or ended or not self._pace.due(monotonic(), anyway=self._ended):
            return
        counts = {"in": self.result.count_in, "out": self._counts()}
        data = {"counts": counts, "done": self._given, "failed": self._lived_with}
        self.core.story.say("node_progress", self.unit.path, self.scope.path, data)

    def _counts(self) -> dict[str, int]:
        return {port: writer.count for port, writer in self._writers.items()}
