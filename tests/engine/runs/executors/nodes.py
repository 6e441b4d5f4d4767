"""Node types that show where and how they work; workers import them by name."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from tests.engine.compiler.flows import info
from tests.engine.runs.engine import harness
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.node_type import NodeContext, NodeType
from weft_engine.nodes.types import Any as AnyValue
from weft_engine.nodes.types import Json, Number, Text


class Where(NodeType):
    """The process that it works in."""

    type: Literal["x.where"] = "x.where"
    info = info(cost="io", deterministic=False)

    def process(self) -> Number:
        return os.getpid()


class Dies(NodeType):
    """Its process is killed, as often as there are no marks yet."""

    type: Literal["x.dies"] = "x.dies"
    folder: str
    times: int = 1
    info = info(cost="io")

    def process(self, item: AnyValue = None) -> Json:
        marks = Path(self.folder)
        deaths = len(list(marks.glob("death-*")))
        if deaths < self.times:
            (marks / f"death-{deaths}").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return deaths


class DiesOut(Dies):
    """As above, with effects."""

    type: Literal["x.dies_out"] = "x.dies_out"
    info = info(cost="io", effects=True, pure=False)


class DiesInStream(NodeType):
    """As above, in the middle of a stream."""

    type: Literal["x.dies_in_stream"] = "x.dies_in_stream"
    folder: str
    info = info()

    def process(self, item: Number) -> Number:
        mark = Path(self.folder) / "death"
        if item == 2 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return item * 10


class Deaf(NodeType):
    """Never ends, and hears nothing."""

    type: Literal["x.deaf"] = "x.deaf"
    folder: str
    info = info(cost="io")

    def process(self) -> Json:
        (Path(self.folder) / "pid").write_text(str(os.getpid()))
        threading.Event().wait()
        return None


class Big(NodeType):
    """Very many bytes."""

    type: Literal["x.big"] = "x.big"
    size: int = 100_000_000
    info = info(cost="io")

    def process(self) -> AnyValue:
        return b"x" * self.size


class Length(NodeType):
    """How long something is."""

    type: Literal["x.length"] = "x.length"
    info = info(cost="io")

    def process(self, item: AnyValue) -> Number:
        return len(item)


class Speaks(NodeType):
    """Says much."""

    type: Literal["x.speaks"] = "x.speaks"
    info = info(cost="io")

    def process(self, ctx: NodeContext) -> Text:
        ctx.logger.info("it begins, %s", ctx.node_id)
        ctx.progress(1, 2)
        ctx.logger.warning("nearly there")
        return "said"


class Hidden(NodeType):
    """Names of settings of the process that no node may see."""

    type: Literal["x.hidden"] = "x.hidden"
    info = info(cost="io")

    def process(self) -> list[Text]:
        return [name for name in os.environ if name.startswith("RAY_AUTH_")]


class Alone(NodeType):
    """Notes when it began and ended."""

    type: Literal["x.alone"] = "x.alone"
    path: str
    info = info(cost="io", effects=True, pure=False)

    def process(self) -> Json:
        with Path(self.path).open("a") as out:
            out.write("b")
            out.flush()
            time.sleep(0.05)  # long enough that another could be seen
            out.write("e")
        return None


class Meets(NodeType):
    """Waits for so many others that are at work at the same time."""

    type: Literal["x.meets"] = "x.meets"
    folder: str
    name: str
    count: int = 2
    info = info(cost="io", effects=True, pure=False)

    def process(self) -> Json:
        folder = Path(self.folder)
        (folder / self.name).touch()
        pause = threading.Event()
        while len(list(folder.iterdir())) < self.count:
            pause.wait(0.01)
        return self.name


class Opaque(NodeType):
    """Gives what no other process can have."""

    type: Literal["x.opaque"] = "x.opaque"
    info = info(cost="io")

    def process(self) -> AnyValue:
        return threading.Lock()


class Many(NodeType):
    """A long stream of rows."""

    type: Literal["x.many"] = "x.many"
    count: int = 10_000
    info = info()

    def process(self) -> Iterator[Json]:
        for number in range(self.count):
            yield {"n": number, "t": f"text {number}"}


OWN: tuple[Any, ...] = (
    Where, Dies, DiesOut, DiesInStream, Deaf, Big, Length, Speaks, Hidden, Alone, Meets, Opaque,
    Many,
)  # fmt: skip


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """These and those of the engine's tests."""
    return Catalogue([*harness.catalogue(), *OWN])
