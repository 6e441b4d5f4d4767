"""The reference: one go through the nodes of a scope."""

import asyncio
import inspect
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.engine.flows.models import MODELS, composed
from tests.engine.flows.reference_flow import GONE, Called, FailedError
from weft_engine.errors import Failure, WeftError
from weft_engine.flow.model import Edge, Node
from weft_engine.nodes.node_type import SKIP
from weft_engine.nodes.ports import Work
from weft_engine.nodes.region import Signal

Key = tuple[str, str]
"""An output: node, port."""


@dataclass
class Scope:
    """One go through the nodes of a scope."""

    called: Called
    path: str
    container: str | None
    section: str
    variables: dict[str, Any]
    values: dict[Key, Any] = field(default_factory=dict)
    """Outputs of its nodes and, to begin with, of those around."""
    outer: dict[str, Any] = field(default_factory=dict)
    """Single values of nodes before the containers around, for expressions."""
    index: int | None = None
    order: list[str] = field(default_factory=list)
    set: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Node → the variables that it set, or that it kept as a container."""
    first: bool = False
    failure: dict[str, Any] | None = None

    def go(self, members: list[str]) -> None:
        """Go through the nodes. In a race a failure is like a way not taken, until the end."""
        lost: FailedError | None = None
        for name in members:
            self.order.append(name)
            try:
                self._node(name)
            except FailedError as failed:
                if not self.first:
                    raise
                lost = lost or failed
                self._outputs(name, {})
            if self.first and any(value is not GONE for value in self._arrived().values()):
                return
        if lost is not None:
            raise lost

    # What it gave

    def given(self, members: list[str]) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for name in members:
            ports = {
                port: _live(value)
                for (node, port), value in self.values.items()
                if node == name and value is not GONE
            }
            if ports:
                found[name] = ports
        return found

    def exits(self) -> dict[str, Any]:
        """What arrived at the inner inputs of the section."""
        return {port: SKIP if v is GONE else v for port, v in self._arrived().items()}

    def _arrived(self) -> dict[str, Any]:
        if self.container is None:
            return {}
        found: dict[str, Any] = {}
        for port in self.called.inside(self.container).inputs:
            if port.section != self.section:
                continue
            live = [
                _live(value)
                for edge in self.called.flow.edges
                if (edge.target, edge.target_port) == (self.container, port.name)
                and self.called.parent(edge.source) == self.container
                and (value := self.values.get((edge.source, edge.source_port), GONE)) is not GONE
            ]
            if port.multiple:
                found[port.name] = live or GONE
            else:
                found[port.name] = live[0] if live else GONE
        return found

    # Variables and names

    def _before(self, name: str) -> AbstractSet[str]:
        """The nodes before one, along edges; a node that does not take part leads nowhere."""
        found: AbstractSet[str] = frozenset()
        todo = [name]
        while todo:
            for node in self.called.before(todo.pop(), self.container) - found:
                if self.called.wiring.nodes[node].state == "runs":
                    found |= {node}
                    todo.append(node)
        return found

    def sees(self, name: str) -> dict[str, Any]:
        """The variables as a node sees them."""
        before = self._before(name)
        found = dict(self.variables)
        for node in self.order:
            if node in before:
                found.update(self.set.get(node, {}))
        return found

    def after(self, kept: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """All variables that were set in it."""
        found: dict[str, Any] = {}
        for node in self.order:
            found.update(kept.get(node, {}))
        return found

    def known(self, name: str) -> dict[str, Any]:
        """Outputs of nodes before one, for expressions."""
        before = self._before(name)
        found = dict(self.outer)
        for node in sorted(before):
            ports = {
                port.name: self.values.get((node, port.name), GONE)
                for port in self.called.works[node].outputs
                if not self._stream(node, port.name)
            }
            live = {port: value for port, value in ports.items() if value is not GONE}
            if live and len(self.called.works[node].outputs) == 1:
                found[node] = next(iter(live.values()))
            elif live:
                found[node] = live
        return found

    # Nodes

    def _stream(self, node: str, port: str) -> bool:
        wired = self.called.wiring.output(node, port)
        return wired is not None and wired.type.stream

    def _outputs(self, name: str, given: Mapping[str, Any]) -> None:
        """Note what the ports of a node gave; those that are not named gave nothing."""
        ports = [port.name for port in self.called.works[name].outputs]
        if self.called.flow.nodes[name].on_error == "route" and "error" not in ports:
            ports.append("error")
        for port in ports:
            value = given.get(port, GONE)
            self.values[name, port] = GONE if value is SKIP else value

    def _node(self, name: str) -> None:
        node, work = self.called.flow.nodes[name], self.called.works[name]
        if node.disabled:
            self._outputs(name, {})
        elif node.pinned is not None:
            self._pinned(name, node)
        elif work.kind == "build":
            self._build(name, work)
        elif self.called.wiring.nodes[name].lifted:
            self._lifted(name, node, work)
        else:
            self._once(name, node, work)

    def _pinned(self, name: str, node: Node) -> None:
        ports = [port.name for port in self.called.works[name].outputs]
        pinned = node.pinned
        given = pinned if isinstance(pinned, Mapping) else dict.fromkeys(ports[:1], pinned)
        self._outputs(name, given)

    def _edges(self, name: str, port: str) -> list[Edge]:
        keys = self.called.wiring.nodes[name].inputs.get(port, ())
        return [self.called.edges[key] for key in keys]

    def _sent(self, edge: Edge) -> Any:
        """What an edge brings, converted; in step with its origin when the target is lifted."""
        value = self.values.get((edge.source, edge.source_port), GONE)
        how = self.called.wiring.edges[edge.id].how
        if value is GONE or how == "lift":
            return value
        if how == "collect":
            return _live(value)
        if self._stream(edge.source, edge.source_port):
            return _live(value)
        if how == "explode":
            return list(value)
        return [value] if how == "single" else value

    def _arguments(self, name: str, work: Work, at: int | None) -> dict[str, Any] | None:
        """The arguments of a call; None when something required is missing."""
        found: dict[str, Any] = {}
        for port in work.inputs:
            live = []
            for edge in self._edges(name, port.name):
                value = self._sent(edge)
                if at is not None and self.called.wiring.edges[edge.id].how == "lift":
                    value = value[at] if value is not GONE else SKIP
                if value is not GONE and value is not SKIP:
                    live.append(value)
            if live:
                found[port.name] = live if port.multiple else live[0]
            elif port.required:
                return None
        return found

    def _once(self, name: str, node: Node, work: Work) -> None:
        arguments = self._arguments(name, work, None)
        self._outputs(name, {} if arguments is None else self._call(name, node, work, arguments))

    def _lifted(self, name: str, node: Node, work: Work) -> None:
        lengths = {
            len(value)
            for keys in self.called.wiring.nodes[name].inputs.values()
            for key in keys
            if self.called.wiring.edges[key].how == "lift"
            and (value := self._sent(self.called.edges[key])) is not GONE
        }
        if not lengths:
            self._outputs(name, {})
            return
        assert len(lengths) == 1, f"{name} reads streams that are not in step"
        for port in work.inputs:
            gone = all(self._sent(edge) is GONE for edge in self._edges(name, port.name))
            if port.required and gone:
                self._outputs(name, {})
                return
        many = {port.name for port in work.outputs if port.type.stream}
        ports = [port.name for port in work.outputs]
        if node.on_error == "route" and "error" not in ports:
            ports.append("error")
        columns: dict[str, list[Any]] = {port: [] for port in ports}
        for at in range(lengths.pop()):
            arguments = self._arguments(name, work, at)
            got = {} if arguments is None else self._call(name, node, work, arguments, f"#{at}")
            for port, column in columns.items():
                value = got.get(port, SKIP)
                value = SKIP if value is GONE else value
                if port not in many:
                    column.append(value)
                elif value is not SKIP:
                    column.extend(value)
        self._outputs(name, columns)

    def _build(self, name: str, work: Work) -> None:
        streams: dict[str, Any] = {}
        for port in work.inputs:
            live = [s for e in self._edges(name, port.name) if (s := self._sent(e)) is not GONE]
            if live:
                streams[port.name] = live if port.multiple else live[0]
            elif port.required:
                self._outputs(name, {})
                return
        node = self.called.nodes[name]
        try:
            made = MODELS.get(node.type, composed)(node, **streams)
        except WeftError as error:
            raise self._failed(name, error) from error
        ports = [port.name for port in work.outputs]
        given = dict(zip(ports, made if work.named else [made], strict=True)) if ports else {}
        self._outputs(name, self._unwrapped(name, given))

    def _unwrapped(self, name: str, given: Mapping[str, list[Any]]) -> dict[str, Any]:
        """An operator's port may carry one value: its one record, if there is one."""
        return {
            port: records if self._stream(name, port) else (records[0] if records else GONE)
            for port, records in given.items()
        }

    def _call(
        self, name: str, node: Node, work: Work, arguments: dict[str, Any], record: str = ""
    ) -> dict[str, Any]:
        """What one call gives, by port."""
        self.called.run.calls.append(f"{self.called.prefix}{name}@{self.path}{record}")
        try:
            if work.kind == "container":
                return self.called.run.drive(self, name, arguments, record)
            return self._results(name, work, self._answer(name, work, arguments, record))
        except Exception as error:  # noqa: BLE001 - whatever a node raises is its failure
            failed = error if isinstance(error, FailedError) else self._failed(name, error, record)
            return self._instead(node, work, failed, arguments)

    def _answer(self, name: str, work: Work, arguments: dict[str, Any], record: str) -> Any:
        # Fresh, as in every scope: what a node keeps on itself is gone with it.
        made: Any = self.called.nodes[name].model_copy()
        if work.takes_context:
            arguments = {**arguments, "ctx": Ctx(self, name, record)}
        answer = made.process(**arguments)
        if inspect.isasyncgen(answer):
            return asyncio.run(_read(answer))
        return asyncio.run(_wait(answer)) if inspect.isawaitable(answer) else answer

    def _results(self, name: str, work: Work, answer: Any) -> dict[str, Any]:
        if work.by_name:
            return dict(answer)
        if not work.outputs:
            return {}
        values = tuple(answer) if work.named else (answer,)
        found: dict[str, Any] = {}
        for port, value in zip(work.outputs, values, strict=True):
            many = port.type.stream and value is not SKIP
            found[port.name] = list(value if value is not None else ()) if many else value
        return found

    def _instead(
        self, node: Node, work: Work, failed: FailedError, arguments: dict[str, Any]
    ) -> dict[str, Any]:
        """What leaves a node that failed, by its policy."""
        if node.on_error == "fail":
            raise failed
        if node.on_error == "continue":
            return {port.name: [] if port.type.stream else None for port in work.outputs}
        if node.on_error == "route":
            item = arguments
            if (
                len(arguments) == 1
                and not work.inputs[0].multiple
                and work.inputs[0].name in arguments
            ):
                item = next(iter(arguments.values()))
            return {"error": {**failed.failure, "item": item}}
        return {}

    def _failed(self, name: str, error: Exception, record: str = "") -> FailedError:
        failure = Failure.of(
            error, node=f"{self.called.prefix}{name}", scope=f"{self.path}{record}" or None
        )
        return FailedError(failure.model_dump(mode="json"))


class Ctx:
    """What a node may ask for."""

    run_id = "run_test"
    event = None
    http: Any = None
    files: Any = None
    attempt = 1
    idempotency_key = "reference"

    def __init__(self, scope: Scope, node: str, record: str = "") -> None:
        self._scope = scope
        self._record = record
        self.node_id = node
        self.logger: Any = Silent()
        self.scope = f"{scope.path}{record}"
        self.index = scope.index
        self.inputs = scope.called.inputs
        self.failure = scope.failure

    @property
    def variables(self) -> Mapping[str, Any]:
        return self._scope.sees(self.node_id)

    @property
    def nodes(self) -> Mapping[str, Any]:
        return self._scope.known(self.node_id)

    @property
    def signal(self) -> Signal | None:
        return self._scope.called.run.signals.get(self.node_id)

    def set_variable(self, name: str, value: Any) -> None:
        assert not self._record, "variables are set from single values"
        self._scope.set.setdefault(self.node_id, {})[name] = value

    def progress(self, done: float, total: float | None = None) -> None:
        """Nobody looks."""

    def cancelled(self) -> bool:
        return False

    def now(self) -> datetime:
        return datetime(2030, 1, 1, tzinfo=UTC)


class Silent:
    def info(self, message: str, /, *args: Any) -> None: ...

    warning = error = info


def _live(value: Any) -> Any:
    """The records of a stream without those that were skipped; values as they are."""
    if isinstance(value, list):
        return [record for record in value if record is not SKIP]
    return value


async def _read(answer: Any) -> list[Any]:
    return [record async for record in answer]


async def _wait(answer: Any) -> Any:
    return await answer
