"""The reference: a container at work."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.engine.flows.reference_flow import Called, FailedError, inputs_of
from tests.engine.flows.reference_scope import Scope
from weft_engine.library.environment import names
from weft_engine.nodes.node_type import SKIP
from weft_engine.nodes.region import BODY, ScopeEnd, ScopeFailedError


@dataclass
class Region:
    """A container at work: what is started waits until the container waits for it."""

    scope: Scope
    name: str
    arguments: dict[str, Any]
    record: str = ""
    waiting: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = field(default_factory=list)
    """Key, section, what is given, and the variables it begins with."""
    races: set[str] = field(default_factory=set)
    kept: dict[str, Any] = field(default_factory=dict)
    emitted: dict[str, list[Any]] = field(default_factory=dict)

    def drive(self) -> dict[str, Any]:
        node: Any = self.scope.called.nodes[self.name]
        driving = node.drive(self)
        try:
            next(driving)
            while True:
                at = self.scope.called.run.pick(self.waiting)
                end = self._run(*self.waiting.pop(at))
                driving.send(end)
        except StopIteration as stop:
            found = dict(stop.value)
        except ScopeFailedError as error:
            raise FailedError(dict(error.end.failure or {})) from error
        for port in self.scope.called.works[self.name].outputs:
            if port.type.stream and found.get(port.name) is not SKIP:
                found[port.name] = self.emitted.get(port.name, [])
        self.scope.set[self.name] = self.kept
        return found

    def _run(self, key: str, section: str, given: dict[str, Any], seen: dict[str, Any]) -> ScopeEnd:
        around, called = self.scope, self.scope.called
        path = f"{around.path}{self.record}/" if around.path or self.record else ""
        shown = self.name if section == BODY else f"{self.name}@{section}"
        if called.flow.nodes[self.name].type == "flow.call":
            return self._call_flow(key, f"{path}{shown}:{key}", given)
        index = given.get("index", around.index)
        scope = Scope(
            called, f"{path}{shown}:{key}", self.name, section, seen,
            dict(around.values), around.known(self.name), index,
        )  # fmt: skip
        scope.values |= {(self.name, port): value for port, value in given.items()}
        scope.first = key in self.races
        try:
            scope.go(called.members(self.name, section))
        except FailedError as failed:
            return ScopeEnd(section, key, "failed", failure=failed.failure)
        return ScopeEnd(section, key, "completed", scope.exits(), variables=scope.after(scope.set))

    def _call_flow(self, key: str, path: str, given: dict[str, Any]) -> ScopeEnd:
        run, node = self.scope.called.run, self.scope.called.nodes[self.name]
        flow = run.flows[node.flow]  # type: ignore[attr-defined]
        prefix = f"{self.scope.called.prefix}{self.name}/"
        called = Called(run, flow, inputs_of(flow, given), prefix)
        scope = Scope(called, path, None, BODY, dict(flow.variables))
        handlers = called.handlers()
        try:
            scope.go([name for name in called.members(None, BODY) if name not in handlers])
        except FailedError as failed:
            return ScopeEnd(BODY, key, "failed", failure=failed.failure)
        exits: dict[str, Any] = {}
        for name in called.leaves():
            ports = scope.given([name]).get(name, {})
            if len(called.works[name].outputs) == 1:
                exits[name] = next(iter(ports.values()), SKIP)
            elif called.works[name].outputs:
                exits[name] = ports or SKIP
        return ScopeEnd(BODY, key, "completed", exits)

    # What containers may ask for

    def input(self, port: str) -> Any:
        """What arrived at an outer input."""
        if port in self.arguments:
            return self.arguments[port]
        definition = self.scope.called.works[self.name].input(port)
        assert definition is not None
        return SKIP if self.scope._edges(self.name, port) else definition.default

    def records(self, port: str) -> Iterator[Any]:
        """What arrived at an outer input that takes a stream."""
        return iter(self.arguments[port])

    def names(self) -> Mapping[str, Any]:
        """The names for expressions."""
        return names(
            self.scope.called.inputs,
            {"id": "run_test", "node": self.name},
            {**self.scope.sees(self.name), **self.kept},
            index=self.scope.index,
            nodes=self.scope.known(self.name),
        )

    def keep(self, variables: Mapping[str, Any]) -> None:
        """Set variables."""
        self.kept.update(variables)

    def start(self, key: str, section: str = BODY, /, **given: Any) -> None:
        """Go through a section."""
        seen = {**self.scope.sees(self.name), **self.kept}
        self.waiting.append((key, section, given, seen))

    def first(self, key: str) -> None:
        """End with the first value."""
        self.races.add(key)

    def cancel(self, key: str) -> None:
        """Never started, so that nothing is to be stopped."""

    def log(self, level: str, message: str) -> None:
        """Nobody listens."""

    def progress(self, done: float, total: float | None = None, failed: int = 0) -> None:
        """Nobody looks."""

    def emit(self, port: str, value: Any) -> None:
        """Give one record."""
        self.emitted.setdefault(port, []).append(value)
