"""Random flows mean what the design says, at any batch size.

The reference below knows nothing of operators: a port carries a value or a stream, `SKIP` stands
where a record was skipped, and `GONE` for a port that was not taken.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.compiler.flows import CATALOGUE, flow_of, run
from tests.engine.compiler.flows import given as gave
from weft_engine.compiler.check import check

GONE, SKIP = object(), object()


@dataclass
class Port:
    """What a port carries."""

    name: str
    listed: bool = False
    """Its values are lists."""
    origin: str | None = None
    """Of a stream."""
    value: Any = None
    """The value, or the records of the stream, or `GONE`."""

    @property
    def live(self) -> Any:
        if self.value is GONE:
            return None
        if self.origin is None:
            return self.value
        return [record for record in self.value if record is not SKIP]


@dataclass
class Kind:
    """A node type as the reference sees it."""

    inputs: list[tuple[str, bool, bool]]
    """Name, whether it takes a list, whether it is required."""
    outputs: list[tuple[str, bool, bool]]
    """Name, whether it gives lists, whether it gives many."""
    work: Callable[..., Any]
    multiple: bool = False


KINDS: dict[str, Kind] = {
    "t.upper": Kind([("text", False, True)], [("out", False, False)], lambda text: [text.upper()]),
    "t.wait": Kind([("text", False, True)], [("out", False, False)], lambda text: [f"{text}~"]),
    "t.both": Kind(
        [("a", False, True), ("b", False, True)],
        [("out", False, False)],
        lambda a, b: [f"{a}&{b}"],
    ),
    "t.pair": Kind(
        [("a", False, True), ("b", False, False)],
        [("out", False, False)],
        lambda a, b=None: [f"{a}+{b}"],
    ),
    "t.find": Kind(
        [("text", False, True)], [("out", True, False)], lambda text: [[f"{text}1", f"{text}2"]]
    ),
    "t.rerank": Kind([("found", True, True)], [("out", True, False)], lambda found: [found[::-1]]),
    "t.answer": Kind(
        [("question", False, True), ("found", True, True)],
        [("out", False, False)],
        lambda question, found: [f"{question}:{','.join(found)}"],
    ),
    "t.cut": Kind([("text", False, True)], [("out", False, True)], lambda text: [list(text)]),
    "t.stream": Kind([("text", False, True)], [("out", False, True)], lambda text: [list(text)]),
    "t.if": Kind(
        [("text", False, True)],
        [("yes", False, False), ("no", False, False)],
        lambda text: [text, SKIP] if text == "b" else [SKIP, text],
    ),
    "t.first": Kind(
        [("ways", False, True)], [("out", False, False)], lambda ways: [ways[0]], multiple=True
    ),
    "t.all": Kind(
        [("ways", False, True)],
        [("out", False, False)],
        lambda ways: ["|".join(ways)],
        multiple=True,
    ),
}


@dataclass
class Sketch:
    """A flow being drawn, with what its ports carry by the reference."""

    nodes: dict[str, Any] = field(default_factory=dict)
    edges: list[str] = field(default_factory=list)
    ports: list[Port] = field(default_factory=list)

    def add(self, kind: str, wired: dict[str, list[Port]]) -> None:
        """Draw a node and work out what it gives."""
        name = f"n{len(self.nodes)}"
        self.nodes[name] = kind
        for port, sources in wired.items():
            self.edges += [f"{source.name}>{name}.{port}" for source in sources]
            sources.sort(key=lambda source: source.name)
        self.ports += evaluate(name, KINDS[kind], wired)


def evaluate(name: str, kind: Kind, wired: dict[str, list[Port]]) -> list[Port]:
    """What a node gives, by the sentences of the design."""
    ready = {
        port: [_collected(source) if listed and not source.listed else source
               for source in wired.get(port, ())]
        for port, listed, _ in kind.inputs
    }  # fmt: skip
    lifted = [s for sources in ready.values() for s in sources if s.origin is not None]
    origin = lifted[0].origin if lifted else None
    gone = any(
        required and all(source.value is GONE for source in ready[port])
        for port, _, required in kind.inputs
    ) or (bool(lifted) and all(source.value is GONE for source in lifted))
    ports = [
        Port(f"{name}.{port}", listed, f"{name}.{port}" if many else origin, GONE)
        for port, listed, many in kind.outputs
    ]
    if gone:
        return ports
    if origin is None:
        results = [_call(kind, ready, None)]
    else:
        length = next(len(source.value) for source in lifted if source.value is not GONE)
        results = [_call(kind, ready, index) for index in range(length)]
    for index, (port, (_, _, many)) in enumerate(zip(ports, kind.outputs, strict=True)):
        values = [result[index] for result in results]
        if many:
            port.value = [item for value in values if value is not SKIP for item in value]
        elif origin is not None:
            port.value = values
        else:
            port.value = GONE if values[0] is SKIP else values[0]
    return ports


def _collected(source: Port) -> Port:
    return Port(source.name, True, None, GONE if source.value is GONE else source.live)


def _call(kind: Kind, ready: dict[str, list[Port]], index: int | None) -> list[Any]:
    arguments: dict[str, Any] = {}
    for port, _, required in kind.inputs:
        values = [
            SKIP
            if source.value is GONE
            else source.value
            if source.origin is None or index is None
            else source.value[index]
            for source in ready[port]
        ]
        live = [value for value in values if value is not SKIP]
        if not live and required:
            return [SKIP] * len(kind.outputs)
        if live:
            arguments[port] = live if kind.multiple else live[0]
    answer: list[Any] = kind.work(**arguments)
    return answer


@st.composite
def sketches(draw: st.DrawFn) -> Sketch:
    sketch = Sketch()
    for _ in range(draw(st.integers(1, 2))):
        name = f"n{len(sketch.nodes)}"
        texts = draw(st.lists(st.sampled_from(["a", "b", "bc", "d"]), max_size=5))
        sketch.nodes[name] = ("t.texts", {"texts": texts})
        sketch.ports.append(Port(f"{name}.out", origin=f"{name}.out", value=texts))
    name = f"n{len(sketch.nodes)}"
    word = draw(st.sampled_from(["b", "x"]))
    sketch.nodes[name] = ("t.word", {"text": word})
    sketch.ports.append(Port(f"{name}.out", value=word))
    for _ in range(draw(st.integers(3, 10))):
        kind = draw(st.sampled_from([*sorted(KINDS), "t.if", "t.if", "t.if", "t.both", "t.upper"]))
        wired = draw(wirings(sketch, KINDS[kind]))
        if wired is not None:
            sketch.add(kind, wired)
    return sketch


@st.composite
def wirings(draw: st.DrawFn, sketch: Sketch, kind: Kind) -> dict[str, list[Port]] | None:
    """Sources for every input, so that lifted ones have one origin."""
    wired: dict[str, list[Port]] = {}
    origin: str | None = None
    for name, listed, required in kind.inputs:
        if not required and draw(st.booleans()):
            continue
        count = draw(st.integers(1, 3)) if kind.multiple else 1
        chosen: list[Port] = []
        for _ in range(count):
            fitting = [
                port for port in sketch.ports if port not in chosen and _fits(port, listed, origin)
            ]
            if not fitting:
                break
            port = draw(st.sampled_from(fitting[-3:]) | st.sampled_from(fitting))
            if port.origin is not None and port.listed == listed:
                origin = port.origin
            chosen.append(port)
        if not chosen:
            return None
        wired[name] = chosen
    return wired


def _fits(port: Port, listed: bool, origin: str | None) -> bool:
    if port.listed and not listed:
        return False
    if listed and not port.listed:
        return port.origin is not None
    return port.origin is None or origin is None or port.origin == origin


@pytest.mark.parametrize("size", [1, 2, 1024])
@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(sketch=sketches())
def test_flows_mean_the_same(size: int, sketch: Sketch, tmp_path: Path) -> None:
    flow = flow_of(sketch.nodes, sketch.edges, outputs=sorted(sketch.nodes))
    assert [problem for problem in check(flow, CATALOGUE) if problem.severity == "error"] == []
    ran = run(flow, tmp_path, batch_size=size)
    assert ran.result.failure is None
    got = {port.name: gave(ran, *port.name.split(".")) for port in sketch.ports}
    assert got == {port.name: port.live for port in sketch.ports}
