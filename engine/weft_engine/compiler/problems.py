"""Problems of a flow, as data: what is wrong, where, and what would put it right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from weft_engine.compiler.scopes import Scopes
from weft_engine.compiler.wiring import OutputWiring, Wiring
from weft_engine.errors import preview
from weft_engine.flow.model import Edge, Flow, Node
from weft_engine.flow.ops import Op, Patch
from weft_engine.flow.topology import chains, incoming, part, reach
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.spec import NodeSpec, Port

Severity = Literal["error", "warning", "info"]
SEVERITIES: Final[tuple[Severity, ...]] = ("error", "warning", "info")


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Fix(_Data):
    """A change that would solve a problem."""

    code: str
    """The kind of fix, to say it in another language with `params`."""
    title: str
    params: dict[str, JsonValue] = {}
    patch: Patch


class Problem(_Data):
    """One thing that is wrong with a flow."""

    code: str
    severity: Severity = "error"
    message: str
    hint: str = ""
    node: str | None = None
    port: str | None = None
    edge: str | None = None
    path: tuple[str | int, ...] | None = None
    """Where in the settings of the node."""
    params: dict[str, JsonValue] = {}
    fixes: tuple[Fix, ...] = ()


@dataclass
class Facts:
    """What the rules of a check look at."""

    flow: Flow
    catalogue: Catalogue
    wiring: Wiring
    scopes: Scopes
    flows: Mapping[str, Any] | None = None
    """The flows that can be called; None when they are not known."""
    specs: dict[str, NodeSpec] = field(init=False)
    searches: int = 100
    """How many more times a fix may be searched for: a flow with more problems needs other help."""
    _after: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        found = {key: self.catalogue.spec_of(node) for key, node in self.flow.nodes.items()}
        self.specs = {key: spec for key, spec in found.items() if spec is not None}

    def may_search(self) -> bool:
        """Whether to look around in the flow for a fix once more."""
        self.searches -= 1
        return self.searches >= 0

    @cached_property
    def into(self) -> dict[str, list[Edge]]:
        """The edges into each node from outside it."""
        return {
            name: [edge for edge in edges if not self.lies_in(edge.source, name)]
            for name, edges in incoming(self.flow).items()
        }

    @cached_property
    def misplaced(self) -> frozenset[str]:
        """The edges that have no place in any scope."""
        return frozenset(edge.id for edge in (*self.scopes.leaving, *self.scopes.mixed))

    def lies_in(self, node: str, container: str) -> bool:
        """Whether a node lies in a container, at once or deeper."""
        return container != node and container in self.chains.get(node, ())

    def senders(self, edge: Edge) -> dict[str, OutputWiring]:
        """The outputs of its source from which an edge to its target may start."""
        wired = self.wiring.nodes[edge.source]
        return wired.inner if self.lies_in(edge.target, edge.source) else wired.outputs

    def takers(self, edge: Edge) -> Sequence[Port]:
        """The inputs of its target at which an edge from its source may end."""
        spec = self.specs.get(edge.target)
        if spec is None:
            return ()
        if not self.lies_in(edge.source, edge.target):
            return spec.inputs
        return spec.inside.inputs if spec.inside is not None else ()

    def port_of(self, edge: Edge) -> Port | None:
        """The input at which an edge ends."""
        return next((port for port in self.takers(edge) if port.name == edge.target_port), None)

    def edges_to(self, edge: Edge) -> list[Edge]:
        """All edges into the port at which an edge ends, with itself when it is drawn."""
        inner = self.lies_in(edge.source, edge.target)
        found = self.exits.get(edge.target, []) if inner else self.into.get(edge.target, [])
        return [other for other in found if other.target_port == edge.target_port]

    @cached_property
    def exits(self) -> dict[str, list[Edge]]:
        """The edges from inside each container to it."""
        found: dict[str, list[Edge]] = {}
        for edge in self.flow.edges if self.scopes.inside else ():
            if self.lies_in(edge.source, edge.target):
                found.setdefault(edge.target, []).append(edge)
        return found

    @cached_property
    def outputs(self) -> list[tuple[str, str, OutputWiring]]:
        """Every output port of the nodes that are not disabled."""
        return [
            (name, port, sent)
            for name in sorted(self.flow.nodes)
            if self.enabled(name)
            for port, sent in self.wiring.nodes[name].outputs.items()
        ]

    @cached_property
    def used(self) -> set[tuple[str, str]]:
        """The output ports that something is connected to."""
        return {(edge.source, edge.source_port) for edge in self.flow.edges}

    @cached_property
    def chains(self) -> dict[str, tuple[str, ...]]:
        """For each node the containers it lies in, the outermost first, and itself last."""
        return chains(self.flow, self.scopes.inside)

    def level(self, source: str, target: str) -> tuple[str, str]:
        """The nodes between which an edge counts: its ends, or the containers they lie in."""
        a, b = self.chains.get(source), self.chains.get(target)
        return (part(a, b) if a and b else None) or (source, target)

    def leads_back(self, source: str, target: str) -> bool:
        """Whether an edge between two nodes would close a circle."""
        one, other = self.level(source, target)
        if other not in self._after:
            self._after[other] = reach(self._successors, other)
        return source == target or one in self._after[other]

    @cached_property
    def _successors(self) -> dict[str, list[str]]:
        found: dict[str, set[str]] = {}
        for edge in self.flow.edges:
            one, other = self.level(edge.source, edge.target)
            if self.scopes.inside.get(one) == self.scopes.inside.get(other):
                found.setdefault(one, set()).add(other)
        return {name: sorted(others) for name, others in found.items()}

    def nodes(self) -> list[tuple[str, Node]]:
        """All nodes in the order of the flow."""
        return [(key, self.flow.nodes[key]) for key in self.wiring.order]

    def label(self, node: str) -> str:
        """What to call a node in a sentence: by its name, else by the title of its type."""
        return f"“{self.name(node)}”" if node in self.flow.nodes else repr(node)

    def name(self, node: str) -> str:
        """The name of a node, else the title of its type; never its id, if it can be helped."""
        known = self.flow.nodes.get(node)
        spec = self.specs.get(node)
        if known is None:
            return node
        return known.name or (spec.name if spec is not None else known.type)

    def sender(self, node: str, port: str) -> str:
        """What to call an output in a sentence; the only one of a node needs no name."""
        alone = len(self.wiring.nodes[node].outputs) < 2 if node in self.wiring.nodes else False
        return self.label(node) if alone else f"{self.label(node)} ({port})"

    def taker(self, node: str, port: str) -> str:
        """What to call an input in a sentence; the only one of a node needs no name."""
        spec = self.specs.get(node)
        alone = spec is not None and len(spec.inputs) < 2
        return self.label(node) if alone else f"{self.label(node)} ({port})"

    def enabled(self, node: str) -> bool:
        """Whether a node is there, and neither disabled nor in a container that is."""
        around = self.chains.get(node, ())
        return bool(around) and not any(self.flow.nodes[name].disabled for name in around)


def problem(
    code: str,
    message: str,
    *,
    severity: Severity = "error",
    hint: str = "",
    node: str | None = None,
    port: str | None = None,
    edge: str | None = None,
    path: Sequence[str | int] | None = None,
    fixes: Sequence[Fix] = (),
    given: Mapping[str, Any] | None = None,
    **params: Any,
) -> Problem:
    """A problem; `params` and `given` are the variable parts of its message."""
    shown = preview({**(given or {}), **params})
    return Problem(
        code=f"check.{code}",
        severity=severity,
        message=message,
        hint=hint,
        node=node,
        port=port,
        edge=edge,
        path=None if path is None else tuple(path),
        params=shown if isinstance(shown, dict) else {},
        fixes=tuple(fixes),
    )


def fix(code: str, title: str, *ops: Op, **params: Any) -> Fix:
    """A fix that does some operations."""
    shown = preview(params)
    return Fix(
        code=f"fix.{code}",
        title=title,
        params=shown if isinstance(shown, dict) else {},
        patch=Patch(ops=ops, message=title[:200], origin="fix"),
    )
