"""Any valid flow with nested containers, for property tests."""

from collections.abc import Iterator
from typing import Any, Literal, TypeVar

from hypothesis import strategies as st

from tests.engine.compiler.sample_nodes import info
from weft_engine.flow.model import Edge, Flow, Node
from weft_engine.kernel.stream import DataStream
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.node_type import NodeType
from weft_engine.nodes.port_type import PortType
from weft_engine.nodes.region import Drive, InnerPort, Inside, Region

T = TypeVar("T")


class One(NodeType):
    """A value."""

    info = info("One")
    type: Literal["g.one"] = "g.one"

    def process(self, a: Any = None, b: Any = None) -> Any:
        return a


class Heavy(NodeType):
    """A value, with effects."""

    info = info("Heavy", effects=True, pure=False)
    type: Literal["g.heavy"] = "g.heavy"

    def process(self, a: Any = None, b: Any = None) -> Any:
        return a


class Many(NodeType):
    """Records."""

    info = info("Many")
    type: Literal["g.many"] = "g.many"

    def process(self, a: Any = None, b: Any = None) -> Iterator[Any]:
        yield a


class Whole(NodeType):
    """Records of records."""

    info = info("Whole")
    type: Literal["g.whole"] = "g.whole"

    def build(
        self, a: DataStream[Any] | None = None, b: DataStream[Any] | None = None
    ) -> DataStream[Any]: ...


class Box(NodeType):
    """A container with two sections."""

    info = info(
        "Box",
        "control",
        inside=Inside(
            outputs=(
                InnerPort("item", PortType("Any")),
                InnerPort("late", PortType("Any"), section="after"),
            ),
            inputs=(
                InnerPort("result", PortType("Any"), multiple=True),
                InnerPort("end", PortType("Any"), multiple=True, section="after"),
            ),
        ),
    )
    type: Literal["g.box"] = "g.box"

    def region(self, a: DataStream[Any] | None = None, b: DataStream[Any] | None = None) -> Any: ...

    def drive(self, region: Region) -> Drive:
        yield
        return {}


CATALOGUE = Catalogue([One, Heavy, Many, Whole, Box])
LEAVES = ("g.one", "g.heavy", "g.many", "g.whole")
Output = tuple[str, str, bool]
"""Node, port, whether it is a stream."""


class _Making:
    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.nodes: dict[str, Node] = {}
        self.edges: list[Edge] = []

    def scope(self, parent: str | None, seen: list[Output], depth: int) -> list[Output]:
        """Make the nodes of a scope that read what is seen; gives what they put out."""
        made: list[Output] = []
        for _ in range(self.draw(st.integers(0 if parent else 1, 4))):
            kinds = LEAVES if depth == 0 else (*LEAVES, "g.box", "g.box")
            kind = self.draw(st.sampled_from(kinds))
            # Ids in no order, so that nothing hangs on it.
            name = self.draw(st.sampled_from("nzamk")) + str(len(self.nodes))
            self.nodes[name] = Node(type=kind, parent=parent, disabled=self.draw(_RARELY))
            streams = self._wire(name, kind, [*seen, *made])
            if kind == "g.box":
                known = [*seen, *made]
                self._section(name, "item", "result", known, depth)
                if self.draw(st.booleans()):
                    self._section(name, "late", "end", known, depth)
                made.append((name, "out", False))
            else:
                made.append((name, "out", kind in ("g.many", "g.whole") or streams))
        return made

    def _section(self, box: str, out: str, into: str, known: list[Output], depth: int) -> None:
        # A node that reads the inner output of its section belongs to it without doubt.
        first = f"{out}{len(self.nodes)}"
        self.nodes[first] = Node(type="g.one", parent=box)
        self._edge(box, out, first, "a")
        inner = [(first, "out", False), *self.scope_of(box, first, known, depth)]
        for name, port, _ in inner:
            if self.draw(st.booleans()):
                self._edge(name, port, box, into)

    def scope_of(self, box: str, first: str, known: list[Output], depth: int) -> list[Output]:
        """Nodes behind the first of a section, each of which is led to by it."""
        made: list[Output] = []
        for _ in range(self.draw(st.integers(0, 2))):
            kinds = LEAVES if depth == 1 else (*LEAVES, "g.box")
            kind = self.draw(st.sampled_from(kinds))
            name = self.draw(st.sampled_from("nzamk")) + str(len(self.nodes))
            self.nodes[name] = Node(type=kind, parent=box)
            self._edge(first, "out", name, "a")
            streams = False
            if self.draw(st.booleans()):
                streams = self._one(name, kind, "b", [*known, *made])
            if kind == "g.box":
                self._section(name, "item", "result", [*known, *made], depth - 1)
            made.append((name, "out", kind in ("g.many", "g.whole") or streams))
        return made

    def _wire(self, name: str, kind: str, seen: list[Output]) -> bool:
        streams = False
        for port in ("a", "b"):
            if self.draw(st.booleans()):
                values = [found for found in seen if not (streams and found[2])]
                lifted = self._one(name, kind, port, values if kind in LEAVES[:3] else seen)
                streams = streams or lifted
        return streams

    def _one(self, name: str, kind: str, port: str, seen: list[Output]) -> bool:
        if not seen:
            return False
        node, out, stream = self.draw(st.sampled_from(seen))
        self._edge(node, out, name, port)
        return stream and kind in LEAVES[:3]

    def _edge(self, source: str, source_port: str, target: str, target_port: str) -> None:
        self.edges.append(
            Edge(source=source, source_port=source_port, target=target, target_port=target_port)
        )


_RARELY = st.sampled_from([False] * 9 + [True])


@st.composite
def nested_flows(draw: Any, depth: int = 3) -> Flow:
    """A flow that has no problem: nodes of all kinds, containers in containers, captures."""
    making = _Making(draw)
    making.scope(None, [], depth)
    return Flow(name="x", nodes=making.nodes, edges=tuple(making.edges))
