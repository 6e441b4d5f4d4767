"""A small flow around every node type of control flow, to be put into several situations."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.engine.runs.engine.harness import flow_of
from weft_engine.flow.model import Flow

WORK = "WORK"
"""Stands for the node that works in, behind or before the node under test; its kind varies."""
IN = "IN"
"""Stands for the output that the node under test is given."""


@dataclass(frozen=True)
class Sample:
    """The node `c` under test, what lies around it, and what is to come of it."""

    type: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    nodes: Mapping[str, Any] = field(default_factory=dict)
    """Beside `c`: name → (kind, settings, whether it lies inside)."""
    edges: tuple[str, ...] = ()
    out: str = "c.out"
    """What is looked at in the end."""
    gives: Callable[[float], Any] = lambda item: item
    broken: Mapping[str, Any] | None = None
    """Settings with which it fails itself; else its work fails."""
    code: str = "node.crashed"
    """How a failure is told."""
    lives: Any = None
    """What comes out all the same when its work fails."""
    idle: str | None = "completed"
    """The state of `c` when it is given nothing."""
    cancelled: str | None = "completed"
    """The state of `c` when its work is stopped."""

    @property
    def work(self) -> str:
        """The path of the node that works."""
        if not self.nodes:
            return "c/x"  # in the flow that is called
        return "c/x" if self.nodes["x"][2] else "x"

    def flow(
        self, work: str, *, given: str = "value", broken: bool = False, note: str = "w"
    ) -> Flow:
        """A flow: given the value 2, or nothing, or nested in a loop over 1, 2, 3."""
        parent = {"parent": "outer"} if given == "each" else {}
        settings = {**self.settings, **((self.broken or {}) if broken else {})}
        nodes: dict[str, Any] = {"c": (self.type, settings, parent)}
        for name, (kind, own, inside) in self.nodes.items():
            if kind == WORK:
                kind, own = work, _NAMED.get(work, {})
            nodes[name] = (kind, own, {"parent": "c"} if inside else parent)
        edges = list(self.edges)
        if given == "each":
            nodes |= {"n": "e.numbers", "outer": ("control.for_each", {"concurrency": 2})}
            edges += ["n.out>outer.items", f"{self.out}>outer.result"]
        elif given == "value":
            nodes["v"] = ("t.value", {"value": 2})
        else:
            nodes |= {"word": "t.word", "way": ("t.if", {"when": "never"})}
            edges.append("word.out>way.text")
        source = {"value": "v.out", "each": "outer.item", "nothing": "way.yes"}[given]
        return flow_of(
            nodes,
            [edge.replace(IN, source) for edge in edges],
            outputs=["outer" if given == "each" else self.out.split(".")[0]],
            variables={"known": 5},
        )


_NAMED = {"e.effect": {"name": "w"}}
BEHIND: dict[str, Any] = {"x": (WORK, {}, False)}
INSIDE: dict[str, Any] = {"x": (WORK, {}, True)}


def behind(port: str, **more: Any) -> dict[str, Any]:
    """The work lies behind one of the ports of `c`, and is looked at."""
    edges = (f"{IN}>c.item", f"c.{port}>x.item")
    return {"nodes": BEHIND, "edges": edges, "out": "x.out", **more}


def inside(source: str, given: str, result: str, **more: Any) -> dict[str, Any]:
    """The work lies in the container `c`."""
    edges = (f"{IN}>c.{source}", f"c.{given}>x.item", f"x.out>c.{result}")
    return {"nodes": INSIDE, "edges": edges, "cancelled": "cancelled", **more}


def merge(mode: str, gives: Callable[[float], Any], **more: Any) -> Sample:
    """Two ways, of which one is worked on."""
    settings = {"mode": mode, **more.pop("settings", {})}
    edges = (f"{IN}>x.item", f"{IN}>y.item", "x.out>c.inputs", "y.out>c.inputs")
    nodes = {"x": (WORK, {}, False), "y": ("e.io", {}, False)}
    if mode in ("zip", "by_key"):
        nodes |= {"p": ("e.row", {"name": "a"}, False), "q": ("e.row", {"name": "b"}, False)}
        edges = (*edges[:2], "x.out>p.item", "y.out>q.item", "p.out>c.inputs", "q.out>c.inputs")
    return Sample(
        "control.merge", settings, nodes, edges, gives=gives, idle="skipped", cancelled="idle"
    )


CALLED: dict[str, Any] = {
    "format": "weft/1",
    "name": "Called",
    "inputs": {"n": {"type": "Json", "default": 5}},
    "nodes": {
        "in": {"type": "flow.input", "settings": {"name": "n"}},
        "x": {"type": "WORK", "settings": {}},
    },
    "edges": [{"source": "in", "source_port": "value", "target": "x", "target_port": "item"}],
}


def called(work: str) -> dict[str, Any]:
    """The flow that is called."""
    node = {"type": work, "settings": _NAMED.get(work, {})}
    return {**CALLED, "nodes": {**CALLED["nodes"], "x": node}}


ARGUMENTS = [{"name": "n", "value": "item"}]

SAMPLES: dict[str, Sample] = {
    "if": Sample(
        "control.if", {"condition": "item > 0"},
        **behind("true", broken={"condition": "item.no.such"}, idle="skipped",
                 code="expression.wrong_type"),
    ),
    "switch": Sample(
        "control.switch", {"cases": [{"name": "big", "when": "item > 9"},
                                     {"name": "small", "when": "item < 9"}]},
        **behind("small", broken={"cases": [{"name": "small", "when": "item.no.such"}]},
                 idle="skipped", code="expression.wrong_type"),
    ),
    "merge append": merge("append", lambda item: [item, item]),
    "merge any": merge("any", lambda item: item),
    "merge all": merge("all", lambda item: [item, item]),
    "merge zip": merge("zip", lambda item: [{"k": 1, "a": item, "b": item}]),
    "merge by key": merge(
        "by_key", lambda item: [{"k": 1, "a": item, "b": item}], settings={"key": ["k"]}
    ),
    "for each": Sample(
        "control.for_each",
        **inside("items", "item", "result", out="c.results", gives=lambda item: [item],
                 idle="skipped"),
    ),
    "while": Sample(
        "control.while", {"condition": "index < 2", "max_iterations": 5},
        **inside("initial", "state", "next", out="c.state", idle="skipped"),
    ),
    "repeat": Sample(
        "control.repeat", {"times": "2"},
        **inside("initial", "state", "result", out="c.results", gives=lambda item: [item, item]),
    ),
    "parallel": Sample(
        "control.parallel",
        nodes={**INSIDE, "y": ("e.io", {}, True)},
        edges=(f"{IN}>c.item", "c.item>x.item", "c.item>y.item",
               "x.out>c.result", "y.out>c.result"),
        out="c.results", gives=lambda item: [item, item], cancelled="cancelled",
    ),
    "race": Sample(
        "control.race", **inside("item", "item", "result", out="c.result"),
    ),
    "try": Sample(
        "control.try",
        nodes={**INSIDE, "y": ("text.template", {"template": "caught"}, True),
               "z": ("e.io", {}, True)},
        edges=(f"{IN}>c.item", "c.item>x.item", "x.out>c.result",
               "c.error>y.item", "y.text>c.caught", "c.outcome>z.item"),
        out="c.result", lives="caught", cancelled="cancelled",
    ),
    "call": Sample(
        "flow.call", {"flow": "called", "arguments": ARGUMENTS},
        edges=(f"{IN}>c.item",), out="c.result", cancelled="cancelled",
    ),
    "wait": Sample(
        "control.wait", {"seconds": 0.01},
        **behind("out", broken={"seconds": None, "until": "'some day'"}, idle="skipped",
                 code="date.malformed"),
    ),
    "signal": Sample(
        "control.signal", {"name": "go-{{ item }}"},
        **behind("received", broken={"name": "{{ item.no.such }}"}, idle="skipped",
                 code="expression.wrong_type"),
    ),
    "approval": Sample(
        "control.approval", {"message": "{{ item }}?"},
        **behind("approved", broken={"message": "{{ item.no.such }}"}, idle="skipped",
                 code="expression.wrong_type"),
    ),
    "fail": Sample(
        "control.fail", {"message": "No {{ item }}", "name": "none"},
        nodes={**BEHIND, "fork": ("control.if", {"condition": "item > 9"}, False)},
        edges=(f"{IN}>x.item", "x.out>fork.item", "fork.true>c.item"),
        out="x.out", idle="skipped", cancelled="idle",
    ),
    "on error": Sample(
        "control.on_error",
        nodes={**BEHIND, "tell": ("e.io", {}, False)},
        edges=(f"{IN}>x.item", "c.failure>tell.item"),
        out="x.out", idle=None, cancelled=None,
    ),
    "set": Sample(
        "vars.set", {"name": "known", "value": "item + 1"},
        **behind("out", broken={"value": "item.no.such"}, idle="skipped",
                 code="expression.wrong_type"),
    ),
    "get": Sample(
        "vars.get", {"name": "known"},
        nodes=BEHIND, edges=(f"{IN}>c.after", "c.value>x.item"), out="x.out",
        gives=lambda _: 5, broken={"name": "unknown"}, code="vars.unknown",
    ),
}  # fmt: skip
