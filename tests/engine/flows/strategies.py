"""Valid flows, drawn at random: containers in containers, branches, merges, failures, skips.

A sketch is drawn from its sources on, so that every edge fits. Texts flow through it, or lists of
texts; the reference says what comes of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.engine.compiler.flows import CATALOGUE as SAMPLES
from weft_engine.flow.model import Flow
from weft_engine.nodes.catalogue import Catalogue

CATALOGUE = Catalogue([*SAMPLES, *Catalogue.installed()])
assert not CATALOGUE.problems, CATALOGUE.problems

TEXTS = ["a", "b", "bc", "d"]
VALUES = [
    "item",
    'vars.seen + "x"',
    "vars.seen",
    "vars.seen + text(index)",
    'join(sorted(keys(nodes)), " ")',
]
"""What variables are set to."""


@dataclass(frozen=True)
class Port:
    """An output that others may read."""

    name: str
    listed: bool = False
    """Its values are lists."""
    origin: str | None = None
    """Of a stream."""
    own: bool = True
    """It lies in the scope that is being drawn, not around it."""


@dataclass(frozen=True)
class Kind:
    """A node type: inputs (name, takes a list, required) and outputs (name, gives lists, many)."""

    inputs: tuple[tuple[str, bool, bool], ...]
    outputs: tuple[tuple[str, bool, bool], ...] = (("out", False, False),)
    multiple: bool = False
    fails: bool = False


TEXT = (("text", False, True),)
KINDS: dict[str, Kind] = {
    "t.upper": Kind(TEXT),
    "t.wait": Kind(TEXT),
    "t.both": Kind((("a", False, True), ("b", False, True))),
    "t.pair": Kind((("a", False, True), ("b", False, False))),
    "t.find": Kind(TEXT, (("out", True, False),)),
    "t.rerank": Kind((("found", True, True),), (("out", True, False),)),
    "t.answer": Kind((("question", False, True), ("found", True, True))),
    "t.cut": Kind(TEXT, (("out", False, True),)),
    "t.stream": Kind(TEXT, (("out", False, True),)),
    "t.if": Kind(TEXT, (("yes", False, False), ("no", False, False))),
    "t.first": Kind((("ways", False, True),), multiple=True),
    "t.all": Kind((("ways", False, True),), multiple=True),
    "t.check": Kind(TEXT, fails=True),
}
OFTEN = [*sorted(KINDS), "t.if", "t.if", "t.both", "t.upper", "t.check"]
CONTAINERS = [
    "control.for_each", "control.while", "control.repeat", "control.parallel", "control.race",
    "control.try",
]  # fmt: skip


@dataclass
class Sketch:
    """A flow being drawn."""

    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    edges: list[str] = field(default_factory=list)

    def add(self, kind: str, parent: str | None, **more: Any) -> str:
        name = f"n{len(self.nodes)}"
        self.nodes[name] = {"type": kind, "parent": parent, **more}
        return name

    def wire(self, source: Port | str, target: str) -> None:
        self.edges.append(f"{source if isinstance(source, str) else source.name}>{target}")

    def flow(self) -> Flow:
        ends = [[end.split(".") for end in edge.split(">")] for edge in self.edges]
        top = [name for name, node in self.nodes.items() if node["parent"] is None]
        return Flow.model_validate(
            {
                "name": "Drawn",
                "variables": {"seen": ""},
                "nodes": self.nodes,
                "outputs": top,
                "edges": [
                    {"source": a, "source_port": b, "target": c, "target_port": d}
                    for (a, b), (c, d) in ends
                ],
            }
        )


@dataclass
class Drawing:
    """Draws the nodes of one scope after the other."""

    draw: st.DrawFn
    sketch: Sketch
    may_fail: bool
    containers: bool

    def scope(self, parent: str | None, ports: list[Port], size: int, depth: int) -> list[Port]:
        """Draw some nodes; the ports of the scope, those around included."""
        for _ in range(size):
            if self.containers and depth < 3 and self.draw(st.integers(0, 2)) == 0:
                ports += self.container(parent, ports, depth)
            else:
                ports += self.plain(parent, ports)
        return ports

    def plain(self, parent: str | None, ports: list[Port]) -> list[Port]:
        type_ = self.draw(st.sampled_from(OFTEN))
        kind = KINDS[type_]
        wired = self._wired(kind, ports)
        if wired is None:
            return []
        more: dict[str, Any] = {}
        if kind.fails:
            policies = ["skip", "route", "fail"] if self.may_fail else ["skip", "route"]
            more["on_error"] = self.draw(st.sampled_from(policies))
        if self.draw(st.integers(0, 19)) == 0:
            more["disabled"] = True
        name = self.sketch.add(type_, parent, **more)
        origin = None
        for port, sources in wired.items():
            listed = next(listed for known, listed, _ in kind.inputs if known == port)
            for source in sources:
                self.sketch.wire(source, f"{name}.{port}")
                if source.origin is not None and source.listed == listed:
                    origin = source.origin
        return [
            Port(f"{name}.{port}", listed, f"{name}.{port}" if many else origin)
            for port, listed, many in kind.outputs
        ]

    def _wired(self, kind: Kind, ports: list[Port]) -> dict[str, list[Port]] | None:
        """Sources for every input, so that lifted ones have one origin."""
        wired: dict[str, list[Port]] = {}
        origin: str | None = None
        for name, listed, required in kind.inputs:
            if not required and self.draw(st.booleans()):
                continue
            chosen: list[Port] = []
            for _ in range(self.draw(st.integers(1, 3)) if kind.multiple else 1):
                fitting = [p for p in ports if p not in chosen and _fits(p, listed, origin)]
                if not fitting:
                    break
                port = self.draw(st.sampled_from(fitting[-3:]) | st.sampled_from(fitting))
                if port.origin is not None and port.listed == listed:
                    origin = port.origin
                chosen.append(port)
            if not chosen:
                return None
            wired[name] = chosen
        return wired

    # Containers

    def container(self, parent: str | None, ports: list[Port], depth: int) -> list[Port]:
        type_ = self.draw(st.sampled_from(CONTAINERS))
        if type_ == "control.for_each":
            fitting = [p for p in ports if (p.origin is not None) != p.listed]
        else:
            fitting = [p for p in ports if p.origin is None and not p.listed]
        if not fitting:
            return []
        source = self.draw(st.sampled_from(fitting))
        more: dict[str, Any] = {}
        if self.draw(st.integers(0, 3)) == 0:
            # What fails, fails again: an attempt that failed has to leave nothing behind.
            more["retry"] = {"max_attempts": 2, "delay_s": 0}
        name = self.sketch.add(type_, parent, settings=dict(self._settings(type_)), **more)
        entry = {"control.for_each": "items", "control.while": "initial",
                 "control.repeat": "initial"}.get(type_, "item")  # fmt: skip
        self.sketch.wire(source, f"{name}.{entry}")
        made: list[Port] = getattr(self, type_.removeprefix("control."))(name, ports, depth)
        return made

    def _settings(self, type_: str) -> Iterator[tuple[str, Any]]:
        if type_ == "control.for_each":
            yield "concurrency", self.draw(st.integers(1, 4))
            policies = ["skip", "collect", "fail"] if self.may_fail else ["skip", "collect"]
            yield "on_item_error", self.draw(st.sampled_from(policies))
        elif type_ == "control.while":
            yield "condition", self.draw(st.sampled_from(["len(item) < 4", "index < 2", "false"]))
            yield "max_iterations", self.draw(st.integers(1, 3))
            yield "on_limit", "finish"
            yield "mode", self.draw(st.sampled_from(["while", "until"]))
        elif type_ == "control.repeat":
            yield "times", self.draw(st.sampled_from(["0", "2", "len(item)"]))

    def body(self, name: str, given: str, ports: list[Port], depth: int) -> list[Port]:
        """Draw a section; the single texts that may leave it, one at least."""
        around = [Port(p.name, p.listed, p.origin, own=False) for p in ports]
        inner = Port(f"{name}.{given}", own=False)
        # Here a failure ends the section only, where something around lives with it.
        found = self.scope(name, [*around, inner], self.draw(st.integers(0, 3)), depth + 1)
        leaving = [p for p in found if p.own and p.origin is None and not p.listed]
        if not leaving or self.draw(st.booleans()):
            last = self.sketch.add("vars.set", name, settings=self._variable())
            self.sketch.wire(self.draw(st.sampled_from([inner, *leaving])), f"{last}.item")
            leaving.append(Port(f"{last}.out"))
        return leaving

    def _variable(self) -> dict[str, str]:
        return {
            "name": "seen",
            "value": self.draw(st.sampled_from(VALUES)),
        }

    def one(self, leaving: list[Port]) -> Port:
        return self.draw(st.sampled_from(leaving[-2:]))

    def for_each(self, name: str, ports: list[Port], depth: int) -> list[Port]:
        self.sketch.wire(self.one(self.body(name, "item", ports, depth)), f"{name}.result")
        return [Port(f"{name}.results", origin=f"{name}.results")]

    def repeat(self, name: str, ports: list[Port], depth: int) -> list[Port]:
        leaving = self.body(name, "state", ports, depth)
        self.sketch.wire(self.one(leaving), f"{name}.result")
        if self.draw(st.booleans()):
            self.sketch.wire(self.one(leaving), f"{name}.next")
        return [Port(f"{name}.state"), Port(f"{name}.results", origin=f"{name}.results")]

    def parallel(self, name: str, ports: list[Port], depth: int) -> list[Port]:
        leaving = self.body(name, "item", ports, depth)
        for port in dict.fromkeys([self.one(leaving), self.one(leaving)]):
            self.sketch.wire(port, f"{name}.result")
        return [Port(f"{name}.results", listed=True)]

    def race(self, name: str, ports: list[Port], depth: int) -> list[Port]:
        # Of one branch only, so that it does not matter which is faster.
        self.sketch.wire(self.one(self.body(name, "item", ports, depth)), f"{name}.result")
        return [Port(f"{name}.result")]

    def loop(self, name: str, ports: list[Port], depth: int) -> list[Port]:
        self.sketch.wire(self.one(self.body(name, "state", ports, depth)), f"{name}.next")
        return [Port(f"{name}.state")]

    def attempt(self, name: str, ports: list[Port], depth: int) -> list[Port]:
        before, self.may_fail = self.may_fail, True
        self.sketch.wire(self.one(self.body(name, "item", ports, depth)), f"{name}.result")
        self.may_fail = before
        mend = self.sketch.add("t.word", name, settings={"text": "mended"})
        told = self.sketch.add("vars.set", name, settings={"name": "code", "value": "item.code"})
        self.sketch.wire(f"{name}.error", f"{told}.item")
        self.sketch.wire(f"{mend}.out", f"{name}.caught")
        if self.draw(st.booleans()):
            last = self.sketch.add("vars.set", name, settings=self._state())
            self.sketch.wire(f"{name}.outcome", f"{last}.item")
        return [Port(f"{name}.result")]

    def _state(self) -> dict[str, str]:
        return {"name": "seen", "value": "vars.seen + item.state"}


setattr(Drawing, "while", Drawing.loop)
setattr(Drawing, "try", Drawing.attempt)


def _fits(port: Port, listed: bool, origin: str | None) -> bool:
    if port.listed and not listed:
        return False
    if listed and not port.listed:
        return port.origin is not None
    return port.origin is None or origin is None or port.origin == origin


@st.composite
def flows(draw: st.DrawFn, *, containers: bool = True, may_fail: bool = False) -> Flow:
    """A valid flow; `may_fail`: nodes outside of every try may fail it."""
    drawing = Drawing(draw, Sketch(), may_fail, containers)
    sketch = drawing.sketch
    ports: list[Port] = []
    for _ in range(draw(st.integers(1, 2))):
        texts = draw(st.lists(st.sampled_from(TEXTS), max_size=4))
        name = sketch.add("t.texts", None, settings={"texts": texts})
        ports.append(Port(f"{name}.out", origin=f"{name}.out"))
    word = sketch.add("t.word", None, settings={"text": draw(st.sampled_from(["b", "x", "bc"]))})
    ports.append(Port(f"{word}.out"))
    drawing.scope(None, ports, draw(st.integers(2, 7)), 0)
    read = sketch.add("vars.get", None, settings={"name": "seen"})
    after = [port for port in ports if port.own and port.origin is None]
    sketch.wire(draw(st.sampled_from(after)), f"{read}.after")
    return sketch.flow()
