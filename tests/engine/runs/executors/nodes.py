"""Node types that show where and how they work; workers import them by name."""

import os
import signal
import threading
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
    """What the process knows of settings that no node may see."""

    type: Literal["x.hidden"] = "x.hidden"
    info = info(cost="io")

    def process(self) -> list[Text]:
        told = Path("/proc/self/environ").read_text(errors="replace").split("\0")
        known = [f"{name}={value}" for name, value in os.environ.items()]
        return [line for line in (*told, *known) if line.startswith(SECRETS)]


SECRETS = ("RAY_AUTH_", "WEFT_JOURNAL", "WEFT_DATABASE", "WEFT_SECRET", "OTEL_EXPORTER_OTLP_HEAD")


class Alone(NodeType):
    """Notes when it began and ended; between them the test says that it may go on."""

    type: Literal["x.alone"] = "x.alone"
    path: str
    info = info(cost="io", effects=True, pure=False)

    def process(self) -> Json:
        path = Path(self.path)
        with path.open("a") as out:
            out.write("b")
        number = path.read_text().count("b")
        pause = threading.Event()
        while not path.with_name(f"go-{number}").exists():
            pause.wait(0.01)
        with path.open("a") as out:
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
