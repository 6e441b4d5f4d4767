"""One attempt of a container: its scopes are started, and it is told their ends."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from weft_engine.compiler.calling import CALL, is_isolated
from weft_engine.kernel.operators.waiting import timed_out
from weft_engine.library.environment import names as names_of
from weft_engine.nodes.node_type import NodeInfo
from weft_engine.nodes.region import BODY, Drive, ScopeEnd, ScopeFailedError
from weft_engine.nodes.types import SKIP
from weft_engine.runs.context import in_attempt
from weft_engine.runs.engine.activations import Activation
from weft_engine.runs.engine.core import Core
from weft_engine.runs.engine.handover import HandedOver
from weft_engine.runs.engine.records import Records, RecordsWriter
from weft_engine.runs.engine.region_end import RegionEnd
from weft_engine.runs.engine.scope_run import ScopeRun
from weft_engine.runs.journal.base import StepRow
from weft_engine.runs.journal.errors import JournalError
from weft_engine.runs.tracker import describe


class RegionRun:
    """An attempt of a container under way; what its node type sees as `Region`."""

    def __init__(self, core: Core, activation: Activation) -> None:
        scope, unit = activation.scope, activation.unit
        self.core = core
        self.activation = activation
        self.scope = scope
        self.unit = unit
        self.values = activation.arguments
        self.node: Any = scope.planned.plan.compiled.nodes[unit.name].model_copy()
        self.info: NodeInfo = type(self.node).info
        self.scopes: dict[str, ScopeRun] = {}
        self.kept: dict[str, Any] = {}
        self.cancelled = False
        self.over = False
        self._sections: dict[str, str] = {}
        self._ends: deque[ScopeEnd] = deque()
        self._writers: dict[str, RecordsWriter] = {}
        self._drive: Drive | None = None
        self._driving = False
        self._begun = False
        self._then: Callable[[], None] | None = None
        self._end = RegionEnd(self)
        self._firsts: set[str] = set()
        recorded = core.recorded
        self._recorded: list[StepRow] = (
            recorded.ends(unit.path, scope.path, activation.attempt) if recorded is not None else []
        )

    # What the node type asks for

    def input(self, port: str) -> Any:
        """What arrived at an outer input."""
        if port in self.values:
            return self.values[port]
        work = self.unit.work
        found = work.input(port) if work is not None else None
        return found.default if found is not None else None

    def records(self, port: str) -> Iterator[Any]:
        """What arrived at an outer input that takes a stream."""
        value = self.values.get(port, SKIP)
        slot = next((slot for slot in self.unit.slots if slot.name == port), None)
        if value is SKIP or slot is None:
            return iter(())
        if isinstance(value, Records):
            return value.live()
        return iter(value if slot.hows[0] == "explode" or slot.multiple else [value])

    def names(self) -> Mapping[str, Any]:
        """What expressions of the container know beside `item`."""
        core, scope = self.core, self.scope
        inputs = core.run_scope.inputs if scope.inputs is None else scope.inputs
        return names_of(
            inputs,
            {"id": core.request.run_id, "node": self.unit.name},
            {**scope.variables_of(self.unit), **self.kept},
            index=scope.index,
            nodes=scope.before(self.unit),
        )

    def keep(self, variables: Mapping[str, Any]) -> None:
        """Set variables for scopes to come, and for what comes after the container."""
        self.kept.update(variables)

    def start(self, key: str, section: str = BODY, **given: Any) -> None:
        """Go through a section once."""
        name = key if section == BODY else f"{section}:{key}"
        if name in self.scopes or name in self._sections:
            raise ValueError(f"{self.unit.path} starts the scope {name!r} twice")
        self._sections[name] = section
        row = self._row(key, section)
        if row is not None:
            return  # its end is told in its turn
        if self.cancelled and section not in self._always():
            self._ends.append(ScopeEnd(section, key, "cancelled"))
            return
        self._open(name, key, section, given)

    def _open(self, name: str, key: str, section: str, given: Mapping[str, Any]) -> None:
        core, scope, unit = self.core, self.scope, self.unit
        plan = scope.planned.plan.inner.get(unit.name, {}).get(section)
        part = unit.name if section == BODY else f"{unit.name}@{section}"
        own = f"{part}:{key}{in_attempt(self.activation.attempt)}"
        path = f"{scope.path}/{own}" if scope.path else own
        calls = unit.node.type == CALL
        if calls and is_isolated(unit.node):
            self.scopes[name] = core.parts.children.start(self, key, path, given)
            return
        if plan is None:
            self._ends.append(ScopeEnd(section, key, "completed"))
            return
        variables = {**scope.variables_of(unit), **self.kept}
        if calls:
            variables = dict(plan.compiled.flow.variables)
        child = core.open_scope(
            plan,
            path,
            parent=scope,
            region=self,
            key=key,
            variables=variables,
            inputs=_inputs(plan.compiled.flow, given) if calls else scope.inputs,
            index=given.get("index", scope.index),
            steady=self.cancelled,
        )
        child.first = name in self._firsts
        if not calls:
            child.values.update({(unit.name, port): value for port, value in given.items()})
            child.capture()
        self.scopes[name] = child
        core.begin(child)

    def first(self, key: str) -> None:
        """A scope ends as soon as one of the values at its inner inputs is there."""
        self._firsts.add(key)
        scope = self.scopes.get(key)
        if scope is not None:
            scope.first = True

    def cancel(self, key: str | None = None) -> None:
        """Stop a scope; or, when none is named, the container itself."""
        if key is not None:
            scope = self.scopes.get(key)
            if scope is not None and not scope.over:
                self.core.close_scope(scope, "cancelled")
            return
        if self.cancelled:
            return
        self.cancelled = True
        for scope in list(self.scopes.values()):
            if not scope.over:
                self.core.close_scope(scope, "cancelled")
        self._go_on()

    def log(self, level: str, message: str) -> None:
        """Write a line into the log of the run."""
        self.core.story.log(self.unit.path, self.scope.path, level, message)

    def progress(self, done: float, total: float | None = None, failed: int = 0) -> None:
        """Say how far the container is."""
        self.core.story.progress(self.unit.path, self.scope.path, done, total, failed=failed)

    def emit(self, port: str, value: Any) -> None:
        """Give one record by an outer output that is a stream."""
        self._writers.setdefault(port, RecordsWriter()).take([value])

    # Driving it

    def begin(self) -> None:
        """Drive it until it waits for the first end."""
        limit = self.unit.policy.timeout_s
        if limit is not None:
            late = partial(self._too_late, limit)
            self.core.parts.moments.set(self.activation, "limit", limit, late)
        try:
            self._drive = self.node.drive(self)
        except Exception as error:  # noqa: BLE001 - whatever a node raises is its failure
            self._fail(error)
            return
        self._go_on()

    def _go_on(self) -> None:
        """Tell it the ends that are there, one after the other."""
        if self._driving or self.over or self._drive is None:
            return
        self._driving = True
        try:
            while not self.over:
                if self._begun:
                    end = self._next_end()
                    if end is None:
                        break
                    self._drive.send(end)
                else:
                    self._begun = True
                    next(self._drive)
        except StopIteration as done:
            self._returned(done.value)
        except HandedOver:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a node raises is its failure
            self._fail(error)
        finally:
            self._driving = False

    def _next_end(self) -> ScopeEnd | None:
        """Recorded ends first, in the order in which they came; each once its scope was started."""
        for row in self._recorded:
            if row.key not in self._sections:
                break
            self._recorded.remove(row)
            return self._restored(row, self._sections[row.key])
        return self._ends.popleft() if self._ends else None

    def _row(self, key: str, section: str) -> StepRow | None:
        name = key if section == BODY else f"{section}:{key}"
        return next((row for row in self._recorded if row.key == name), None)

    def _restored(self, row: StepRow, section: str) -> ScopeEnd:
        recorded = self.core.recorded
        exits = recorded.outputs(row) if recorded is not None else {}
        key = row.key.removeprefix(f"{section}:") if section != BODY else row.key
        plan = self.scope.planned.plan.inner.get(self.unit.name, {}).get(section)
        ports = plan.exits if plan is not None else {}
        return ScopeEnd(
            section,
            key,
            "failed" if row.state == "failed" else "completed",
            {**dict.fromkeys(ports, SKIP), **exits},
            row.failure,
            row.variables,
        )

    # Its scopes

    def has_exit(self, scope: ScopeRun) -> bool:
        """Whether one of the values at a scope's inner inputs is there."""
        return any(value is not SKIP for value in self._exits(scope).values())

    def scope_ended(self, scope: ScopeRun, state: Any) -> None:
        """A scope is over."""
        section = scope.planned.plan.section
        exits = self._exits(scope) if state == "completed" else {}
        variables = scope.set_variables()
        failure = scope.failure if state == "failed" else None
        end = ScopeEnd(section, scope.key, state, exits, failure, variables)
        name = scope.key if section == BODY else f"{section}:{scope.key}"
        if self.over:
            self._look_over()
            return
        if state == "cancelled":
            self._told(end)
            return
        try:
            self.core.recording.ended(
                self.unit.path,
                self.scope.path,
                state,
                [(port, value) for port, value in exits.items() if value is not SKIP],
                variables=variables,
                failure=failure,
                kind="scope",
                key=name,
                attempt=self.activation.attempt,
            )
        except JournalError as error:
            self.core.breaks(self.scope, self.unit, describe(error, self.unit.path, 1, None))
            return
        self._told(end)

    def _told(self, end: ScopeEnd) -> None:
        self._ends.append(end)
        self._go_on()

    def _exits(self, scope: ScopeRun) -> dict[str, Any]:
        plan = scope.planned.plan
        if plan.outputs:
            return {name: _single(scope, name) for name in plan.outputs}
        inside = self.info.inside
        many = {port.name for port in inside.inputs if port.multiple} if inside else set()
        found: dict[str, Any] = {}
        for port, edges in plan.exits.items():
            values = [_plain(scope.value((edge.source, edge.source_port))) for edge in edges]
            live = [value for value in values if value is not SKIP]
            if port in many:
                found[port] = live or SKIP
            else:
                found[port] = live[0] if live else SKIP
        return found

    def _always(self) -> tuple[str, ...]:
        return self.info.inside.always if self.info.inside is not None else ()

    # Its end

    def _returned(self, values: Mapping[str, Any] | None) -> None:
        if self.cancelled:
            self._finish_cancelled()
            return
        outputs: dict[str, Any] = {}
        for port, kind in self.unit.ports:
            if kind.stream and port in self.streams():
                value: Any = (values or {}).get(port)
                if value is not SKIP:
                    value = self._writers.get(port, RecordsWriter()).finish()
            else:
                value = (values or {}).get(port, SKIP)
            if value is not SKIP:
                outputs[port] = value
        self._close(partial(self._end.gave, outputs, {}))

    def streams(self) -> set[str]:
        """Its outer outputs that are streams."""
        work = self.unit.work
        return {port.name for port in work.outputs if port.type.stream} if work else set()

    def _fail(self, error: BaseException) -> None:
        if self.cancelled:
            self._finish_cancelled()
            return
        if isinstance(error, ScopeFailedError):
            failure = dict(error.end.failure or {})
            if not failure:
                failure = describe(error, self.unit.path, self.activation.attempt, None)
        else:
            failure = describe(error, self.unit.path, self.activation.attempt, self.values)
            if self.scope.path:
                failure["scope"] = self.scope.path
        self._close(partial(self._end.failed, failure, error))

    def _finish_cancelled(self) -> None:
        self._close(self._end.cancelled)

    def _close(self, then: Any) -> None:
        """Scopes that are still under way are stopped first."""
        self.over = True
        self.core.parts.moments.clear(self.activation)
        self._then = then
        for scope in list(self.scopes.values()):
            if not scope.over:
                self.core.close_scope(scope, "cancelled")
        self._look_over()

    def _look_over(self) -> None:
        if self._then is not None and all(scope.over for scope in self.scopes.values()):
            then, self._then = self._then, None
            then()

    def _too_late(self, limit: float) -> None:
        if self.over or self.cancelled:
            return
        drive, self._drive = self._drive, None
        if drive is not None and not self._driving:
            drive.close()
        self._fail(timed_out(limit))

    def abandon(self) -> None:
        """Nobody waits for it any more."""
        for scope in list(self.scopes.values()):
            self.core.close_scope(scope, "cancelled")
            self.core.abandon(scope)
        if self._drive is not None and not self.over:
            drive, self._drive = self._drive, None
            drive.close()
            self._finish_cancelled()


def _plain(value: Any) -> Any:
    """A value at an inner input; a stream is a list there."""
    return value.listed() if isinstance(value, Records) else value


def _single(scope: ScopeRun, name: str) -> Any:
    """What an output node of a called flow gave: the value of its port, or all by port."""
    ports = list(scope.planned.plan.compiled.wiring.nodes[name].outputs)
    values = {port: _plain(scope.value((name, port))) for port in ports}
    if len(ports) == 1:
        return values[ports[0]]
    live = {port: value for port, value in values.items() if value is not SKIP}
    return live or SKIP


def _inputs(flow: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of a called flow, with defaults for those that are not given."""
    defaults = {name: declared.default for name, declared in flow.inputs.items()}
    return {**{name: value for name, value in defaults.items() if value is not None}, **given}
