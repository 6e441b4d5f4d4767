"""Splitting a flow into scopes: the run itself, and the inside of every container.

    split(flow, catalogue) -> Scopes

Every scope is a `Flow` of its own, whose nodes have no parents. Nodes whose outputs come from
outside are *given* in it: the container, whose inner outputs they are, and nodes of the scopes
around that are read inside. Edges to the container's inner inputs are its *exits*.

It works on any flow, however broken. Edges that have no place in any scope are told apart: they
leave the inside of a container, or join two sections of one.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from weft_engine.compiler.sections import SectionsOf, sections_of
from weft_engine.flow.model import Edge, Flow, Node
from weft_engine.flow.topology import chains, parents, part
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.region import BODY
from weft_engine.nodes.spec import InsideSpec

DEEPEST: Final = 20
"""How deeply containers may be nested. What lies deeper is taken as if it lay at that depth."""

Read = tuple[str, str]
"""An output that is read: the node and the port."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The nodes that start afresh together."""

    path: str
    """`""`, `loop`, `loop/inner`, with `loop@catch` for a section but the body."""
    container: str | None
    section: str
    flow: Flow
    """Its nodes and the given ones, and the edges between them."""
    given: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Nodes of `flow` that are not its own, and which of their ports are read here or deeper."""
    exits: Mapping[str, tuple[Edge, ...]] = field(default_factory=dict)
    """Inner input of the container → the edges that lead to it, by id."""
    captures: Mapping[str, tuple[Read, ...]] = field(default_factory=dict)
    """Container in this scope → what its inside reads of this scope and of those around."""
    inner: Mapping[str, Mapping[str, "Scope"]] = field(default_factory=dict)
    """Container in this scope → section → its scope; all sections, empty ones included."""

    @property
    def own(self) -> list[str]:
        """Its nodes without those that are given."""
        return [name for name in self.flow.nodes if name not in self.given]


@dataclass(frozen=True, slots=True)
class Scopes:
    """A flow split into its scopes, and what has no place in any of them."""

    top: Scope
    inside: Mapping[str, str] = field(default_factory=dict)
    """Node → the container in which it lies."""
    sections: Mapping[str, str] = field(default_factory=dict)
    """Node in a container → its section."""
    leaving: tuple[Edge, ...] = ()
    """Edges that lead out of a container, but not to one of its inner inputs."""
    mixed: tuple[Edge, ...] = ()
    """Edges that join two sections of a container."""
    too_deep: tuple[str, ...] = ()
    """Containers that are nested too deeply."""

    def all(self) -> Iterable[Scope]:
        """Every scope, each before those in it."""
        todo = [self.top]
        while todo:
            scope = todo.pop()
            yield scope
            inner = [found for sections in scope.inner.values() for found in sections.values()]
            todo.extend(reversed(inner))


def split(flow: Flow, catalogue: Catalogue) -> Scopes:
    """Split a flow into its scopes."""
    insides: dict[str, InsideSpec] = {}
    for name, node in flow.nodes.items():
        spec = catalogue.spec(node.type)
        if spec is not None and spec.inside is not None:
            insides[name] = spec.inside
    plain = _without_parents(flow)
    if not insides:
        return Scopes(Scope("", None, BODY, plain))
    inside, deep = _flattened(flow, parents(flow, insides))
    return _Splitting(flow, plain, insides, inside, deep).run()


def _without_parents(flow: Flow) -> Flow:
    """Frames are of no meaning here."""
    if all(node.parent is None for node in flow.nodes.values()):
        return flow
    nodes = {
        name: node if node.parent is None else node.model_copy(update={"parent": None})
        for name, node in flow.nodes.items()
    }
    return flow.model_copy(update={"nodes": nodes})


def _flattened(flow: Flow, inside: dict[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    lie = chains(flow, inside)
    deep = {name for name, chain in lie.items() if len(chain) > DEEPEST + 1}
    flat = {name: lie[name][DEEPEST - 1] if name in deep else at for name, at in inside.items()}
    return flat, tuple(sorted(n for n in set(inside.values()) if len(lie[n]) > DEEPEST))


@dataclass
class _Draft:
    """A scope in the making."""

    path: str
    container: str | None
    section: str
    nodes: list[str] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    given: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    exits: dict[str, list[Edge]] = field(default_factory=lambda: defaultdict(list))
    captures: dict[str, set[Read]] = field(default_factory=lambda: defaultdict(set))


Place = tuple[str | None, str]
"""A scope: the container (None for the run itself) and the section."""


class _Splitting:
    def __init__(
        self,
        flow: Flow,
        plain: Flow,
        insides: Mapping[str, InsideSpec],
        inside: Mapping[str, str],
        deep: tuple[str, ...],
    ) -> None:
        self.flow = flow
        self.plain = plain
        self.insides = insides
        self.inside = inside
        self.deep = deep
        self.chains = chains(flow, inside)
        self.leaving: list[Edge] = []
        self.mixed: list[Edge] = []
        self.sections = self._sections()
        self.drafts: dict[Place, _Draft] = {(None, BODY): _Draft("", None, BODY)}

    def run(self) -> Scopes:
        for name in sorted(self.insides, key=lambda name: (len(self.chains[name]), name)):
            for section in self.insides[name].sections:
                around = self.drafts[self._place(name)].path
                path = f"{around}/{name}" if around else name
                shown = path if section == BODY else f"{path}@{section}"
                self.drafts[name, section] = _Draft(shown, name, section)
        for name in self.flow.nodes:
            self.drafts[self._place(name)].nodes.append(name)
        for edge in self.flow.edges:
            self._edge(edge)
        return Scopes(
            top=self._scope((None, BODY)),
            inside=dict(self.inside),
            sections=self.sections,
            leaving=tuple(self.leaving),
            mixed=tuple(self.mixed),
            too_deep=self.deep,
        )

    def _place(self, node: str) -> Place:
        return self.inside.get(node), self.sections.get(node, BODY)

    def _sections(self) -> dict[str, str]:
        found: dict[str, str] = {}
        several = {name for name, spec in self.insides.items() if len(spec.sections) > 1}
        work: dict[str, SectionsOf] = {
            name: SectionsOf(self.insides[name]) for name in sorted(several)
        }
        for node, around in self.inside.items():
            found[node] = BODY
            if around in work:
                work[around].members.append(node)
        for edge in self.flow.edges if work else ():
            self._joins(edge, work)
        for part_ in work.values():
            found.update(sections_of(part_))
        return found

    def _joins(self, edge: Edge, work: Mapping[str, SectionsOf]) -> None:
        """Note what an edge says about the sections of the containers that it runs in."""
        a, b = self.chains.get(edge.source), self.chains.get(edge.target)
        if a is None or b is None or edge.source == edge.target:
            return
        ends = part(a, b)
        if ends is not None:
            around = self.inside.get(ends[0])
            if around is not None and around in work:
                work[around].pairs.append(ends)
        elif len(a) < len(b) and edge.source in work:
            work[edge.source].starts.append((edge.source_port, b[len(a)]))
        elif len(b) < len(a) and edge.target in work:
            work[edge.target].ends.append((a[len(b)], edge.target_port))

    def _edge(self, edge: Edge) -> None:
        """Give an edge its place."""
        a, b = self.chains.get(edge.source), self.chains.get(edge.target)
        if a is None or b is None:
            return
        if len(b) < len(a) and a[: len(b)] == b:
            self._exit(edge, len(a) - len(b))
            return
        if len(a) < len(b) and b[: len(a)] == a:
            given: str | None = edge.source
            inner = self.insides.get(edge.source)
            port = inner.output(edge.source_port) if inner is not None else None
            section = port.section if port is not None else BODY
            if port is None:
                section = self.sections.get(b[len(a)], BODY)
            way = b[len(a) :]
        else:
            ends = part(a, b)
            if ends is not None and ends[0] != edge.source:
                self.leaving.append(edge)
                return
            given = None
            section = self.sections.get(edge.source, BODY)
            way = b[len(a) - 1 :]
        if self.sections.get(way[0], BODY) != section:
            self.mixed.append(edge)
            return
        self._carry(edge, way, given)

    def _exit(self, edge: Edge, levels: int) -> None:
        if levels > 1:
            self.leaving.append(edge)
            return
        inner = self.insides[edge.target].input(edge.target_port)
        section = self.sections.get(edge.source, BODY)
        if inner is not None and inner.section != section:
            self.mixed.append(edge)
            return
        self.drafts[edge.target, section].exits[edge.target_port].append(edge)

    def _carry(self, edge: Edge, way: tuple[str, ...], given: str | None) -> None:
        """Lead an edge down to its target, through the containers around it.

        Args:
            edge: The edge.
            way: The target last, before it the containers around it, from the level of the source.
            given: The source, when it is given at that level already.
        """
        for at, node in enumerate(way):
            draft = self.drafts[self._place(node)]
            if given is not None or at > 0:
                draft.given[edge.source].add(edge.source_port)
            if node == edge.target and at == len(way) - 1:
                draft.edges.append(edge)
            else:
                draft.captures[node].add((edge.source, edge.source_port))

    def _scope(self, place: Place) -> Scope:
        draft = self.drafts[place]
        inner = {
            name: {section: self._scope((name, section)) for section in self.insides[name].sections}
            for name in draft.nodes
            if name in self.insides
        }
        nodes: dict[str, Node] = {
            name: self.plain.nodes[name] for name in sorted({*draft.nodes, *draft.given})
        }
        changes: dict[str, object] = {"nodes": nodes, "edges": tuple(draft.edges)}
        if draft.container is None:
            top = {name for name in self.flow.outputs if name in nodes}
            changes["outputs"] = tuple(name for name in self.flow.outputs if name in top)
        else:
            changes["outputs"] = ()
        return Scope(
            path=draft.path,
            container=draft.container,
            section=draft.section,
            flow=self.plain.model_copy(update=changes),
            given={name: frozenset(ports) for name, ports in sorted(draft.given.items())},
            exits={port: tuple(edges) for port, edges in sorted(draft.exits.items())},
            captures={name: tuple(sorted(reads)) for name, reads in sorted(draft.captures.items())},
            inner=inner,
        )
