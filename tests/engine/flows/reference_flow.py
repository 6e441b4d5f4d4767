"""The reference: how the nodes of a flow lie in each other and follow each other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from weft_engine.compiler.wiring import Wiring, infer
from weft_engine.flow.model import Flow
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.region import BODY, Inside, Signal

GONE: Any = type("Gone", (), {"__repr__": lambda self: "GONE"})()

Pick = Callable[[list[Any]], int]
"""Chooses which of the scopes that were started is run next."""


class FailedError(Exception):
    """A node failed, and its policy is to fail."""

    def __init__(self, failure: dict[str, Any]) -> None:
        super().__init__(failure["message"])
        self.failure = failure


@dataclass
class Run:
    catalogue: Catalogue
    flows: Mapping[str, Flow]
    signals: Mapping[str, Signal | None]
    pick: Pick
    calls: list[str]
    drive: Any
    """Drives a container: its scope, its node, what arrived, the record it is lifted over."""


class Called:
    """One flow: that of the run, or a called one."""

    def __init__(self, run: Run, flow: Flow, inputs: Mapping[str, Any], prefix: str = "") -> None:
        self.run = run
        self.flow = flow
        self.inputs = inputs
        self.prefix = prefix
        self.wiring: Wiring = infer(flow, run.catalogue)
        self.edges = {edge.id: edge for edge in flow.edges}
        self.nodes = {n: run.catalogue.build(n, node) for n, node in flow.nodes.items()}
        self.works = {n: run.catalogue.work_of(node) for n, node in flow.nodes.items()}

    def inside(self, container: str) -> Inside:
        found = type(self.nodes[container]).info.inside
        assert found is not None
        return found

    def parent(self, name: str) -> str | None:
        """The container around a node; frames are of no meaning."""
        at = self.flow.nodes[name].parent
        while at is not None and at in self.flow.nodes:
            if type(self.nodes[at]).info.inside is not None:
                return at
            at = self.flow.nodes[at].parent
        return None

    def around(self, name: str) -> list[str | None]:
        """The containers around a node, the innermost first, None last."""
        found = [self.parent(name)]
        while found[-1] is not None:
            found.append(self.parent(found[-1]))
        return found

    def at(self, name: str, container: str | None) -> str | None:
        """The node in a container that is or holds a node; None when it lies elsewhere."""
        at: str | None = name
        while at is not None and self.parent(at) != container:
            at = self.parent(at)
        return at

    def members(self, container: str | None, section: str) -> list[str]:
        """The nodes of a section, each after those before it."""
        mine = [n for n in self.flow.nodes if self.parent(n) == container]
        if container is not None:
            sections = self.sections(container, mine)
            mine = [name for name in mine if sections[name] == section]
        before = {name: self.before(name, container) for name in mine}
        found: list[str] = []
        while len(found) < len(mine):
            found.append(min(n for n in mine if n not in found and before[n] <= set(found)))
        return found

    def before(self, name: str, container: str | None) -> set[str]:
        """The nodes in a container that lead to one of them, or to what lies in it."""
        found = set()
        for edge in self.flow.edges:
            if self.at(edge.target, container) == name:
                source = self.at(edge.source, container)
                if source is not None and source != name:
                    found.add(source)
        return found

    def sections(self, container: str, mine: list[str]) -> dict[str, str]:
        """A node belongs where the inner output lies that leads to it, else where it leads to."""
        inside = self.inside(container)
        found: dict[str, str] = {}
        for section in inside.sections:
            ports = {port.name for port in inside.outputs if port.section == section}
            reached = {
                self.at(e.target, container)
                for e in self.flow.edges
                if e.source == container and e.source_port in ports
            }
            while True:
                more = {n for n in mine if self.before(n, container) & reached} - reached
                if not more:
                    break
                reached |= more
            for name in mine:
                if name in reached:
                    found.setdefault(name, section)
        for name in mine:
            found.setdefault(name, self._leads_to(container, name, mine, found))
        return found

    def _leads_to(
        self, container: str, name: str, mine: list[str], known: Mapping[str, str]
    ) -> str:
        ahead = {name}
        while more := {n for n in mine if self.before(n, container) & ahead} - ahead:
            ahead |= more
        closes = {port.name: port.section for port in self.inside(container).inputs}
        led = {known[n] for n in ahead if n in known}
        led |= {
            closes[e.target_port]
            for e in self.flow.edges
            if e.target == container and e.source in ahead and e.target_port in closes
            and e.source not in known
        }  # fmt: skip
        return led.pop() if len(led) == 1 else BODY

    def handlers(self) -> list[str]:
        """The nodes that run only when the run has failed."""
        found: list[str] = []
        for name in self.members(None, BODY):
            own = self.flow.nodes[name].type == "control.on_error"
            if own or self.before(name, None) & set(found):
                found.append(name)
        return found

    def leaves(self) -> list[str]:
        """The nodes whose outputs are the flow's."""
        handlers = self.handlers()
        top = [name for name in self.members(None, BODY) if name not in handlers]
        if self.flow.outputs:
            return [name for name in self.flow.outputs if name in top]
        sources = {self.at(edge.source, None) for edge in self.flow.edges
                   if self.at(edge.source, None) != self.at(edge.target, None)}  # fmt: skip
        return [name for name in top if name not in sources]


def inputs_of(flow: Flow, given: Mapping[str, Any]) -> dict[str, Any]:
    defaults = {name: each.default for name, each in flow.inputs.items()}
    return {**{name: value for name, value in defaults.items() if value is not None}, **given}
