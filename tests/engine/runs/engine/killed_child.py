"""A process that lives through runs in children of its own, which kill themselves at a given point.

`python -m tests.engine.runs.engine.killed_child` loads everything once and then, for every line of
JSON on its stdin, goes on with the run in a fork of itself; it answers how the fork ended.
"""

import json
import os
import signal
import sqlite3
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

import msgspec

from tests.engine.compiler.flows import CATALOGUE as SAMPLE
from tests.engine.compiler.flows import flow_of, info
from weft_engine.flow.model import Flow
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.node_type import NodeContext, NodeType
from weft_engine.nodes.types import Json, Number
from weft_engine.runs.engine.children import child_id
from weft_engine.runs.executor import Executor
from weft_engine.runs.journal.base import JournalStore, PackedRow
from weft_engine.runs.journal.rows import unpack_steps
from weft_engine.runs.journal.sqlite import SqliteJournal
from weft_engine.runs.programs import Programs
from weft_engine.runs.queue import Job
from weft_engine.runs.run import RunRequest

RUN = "run_killed"


class Fate:
    """Counts what happens, and ends the process at one of these points."""

    folder: ClassVar[Path]
    at: ClassVar[int]
    passed: ClassVar[int] = 0
    lock: ClassVar[threading.Lock] = threading.Lock()

    @classmethod
    def point(cls, count: int = 1) -> None:
        """So many things happen: the process may end here."""
        with cls.lock:
            cls.passed += count
            if cls.passed - count < cls.at <= cls.passed:
                os.kill(os.getpid(), signal.SIGKILL)

    @classmethod
    def began(cls, ctx: NodeContext, path: str) -> None:
        """An activation starts: one line in a file, whatever comes."""
        line = f"{path}@{ctx.scope}\n".encode()
        file = os.open(cls.folder / "starts", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, line)
        os.close(file)
        cls.point()


def outside(folder: Path) -> sqlite3.Connection:
    """The service outside: it takes an order once for each key."""
    link = sqlite3.connect(folder / "outside.sqlite3", timeout=60, isolation_level=None)
    link.execute("PRAGMA synchronous = OFF")
    link.execute("CREATE TABLE IF NOT EXISTS done (key TEXT PRIMARY KEY, place TEXT)")
    return link


class Effect(NodeType):
    """Orders something outside, under its key."""

    type: Literal["k.effect"] = "k.effect"
    path: str
    busy: bool = False
    """Whether it fails the first time."""
    shy: bool = False
    """Whether it fails in the first attempt of the container around it."""
    info = info(effects=True, pure=False)

    def process(self, item: Json, ctx: NodeContext) -> Json:
        Fate.began(ctx, self.path)
        if (self.busy and ctx.attempt == 1) or (self.shy and "~" not in ctx.scope):
            raise OSError(11, "busy")
        link = outside(Fate.folder)
        order = (ctx.idempotency_key, f"{self.path}@{ctx.scope}")
        link.execute("INSERT OR IGNORE INTO done VALUES (?, ?)", order)
        link.close()
        Fate.point()
        return item


class Plain(NodeType):
    """Gives on what it is given; fails on one value."""

    type: Literal["k.plain"] = "k.plain"
    path: str
    bad: Json = None
    info = info()

    def process(self, item: Json, ctx: NodeContext) -> Json:
        Fate.began(ctx, self.path)
        if self.bad is not None and item == self.bad:
            raise ValueError(f"{item} is bad")
        return item


class Numbers(NodeType):
    """Some numbers, as a stream."""

    type: Literal["k.numbers"] = "k.numbers"
    info = info()

    def process(self) -> Iterator[Number]:
        yield from (1, 2, 3, 4)


class Waiting(NodeType):
    """The same, on a thread."""

    type: Literal["k.io"] = "k.io"
    path: str
    info = info(cost="io")

    def process(self, item: Json, ctx: NodeContext) -> Json:
        Fate.began(ctx, self.path)
        return item


def effect(path: str, parent: str | None = None, **settings: Any) -> Any:
    return _node("k.effect", path, parent, settings)


def plain(path: str, parent: str | None = None, **settings: Any) -> Any:
    return _node("k.plain", path, parent, settings)


def slow(path: str, parent: str | None = None) -> Any:
    return _node("k.io", path, parent, {})


def _node(kind: str, path: str, parent: str | None, settings: dict[str, Any]) -> Any:
    fields: dict[str, Any] = {"parent": parent} if parent else {}
    if settings.get("busy"):
        fields["retry"] = {"max_attempts": 3, "delay_s": 0}
    return (kind, {"path": path, **settings}, fields)


def called(path: str) -> dict[str, Any]:
    """A flow that is called."""
    return flow_of(
        {
            "in": ("flow.input", {"name": "n"}),
            "s1": effect(f"{path}/s1"),
            "s2": plain(f"{path}/s2"),
            "s3": effect(f"{path}/s3", busy=True),
        },
        ["in.value>s1.item", "s1.out>s2.item", "s2.out>s3.item"],
        inputs={"n": {"type": "Json"}},
        outputs=["s3"],
    ).model_dump(mode="json")


ARGUMENTS = [{"name": "n", "value": "item"}]

FLOW: Flow = flow_of(
    {
        "v": ("t.value", {"value": 1}),
        # two branches beside each other, and one that is not taken
        "a1": effect("a1"), "a2": plain("a2"), "a3": effect("a3", busy=True),
        "b1": slow("b1"), "b2": effect("b2"), "b3": slow("b3"),
        "way": ("control.if", {"condition": "item > 5"}),
        "yes": effect("yes"), "no": effect("no"),
        "both": ("control.merge", {"mode": "all"}),
        # a call for each record
        "n": "k.numbers",
        "m1": effect("m1"), "m2": slow("m2"), "sum": "t.count",
        # a loop with a try in it
        "loop": ("control.for_each", {"concurrency": 2}),
        "l1": effect("loop/l1", "loop"),
        "try": ("control.try", {}, {"parent": "loop"}),
        "t1": effect("loop/try/t1", "try"), "t2": plain("loop/try/t2", "try", bad=2),
        "c1": effect("loop/try/c1", "try"), "f1": effect("loop/try/f1", "try"),
        "l2": plain("loop/l2", "loop"),
        # another flow
        "call": ("flow.call", {"flow": "part", "arguments": ARGUMENTS}),
        # and one that is a run of its own
        "apart": ("flow.call", {"flow": "apart", "arguments": ARGUMENTS, "isolated": True}),
        # rounds
        "rounds": ("control.while", {"condition": "index < 3", "max_iterations": 5}),
        "r1": effect("rounds/r1", "rounds"), "r2": slow("rounds/r2", "rounds"),
        # and rounds that are gone through twice, as a whole
        "again": ("control.repeat", {"times": "2"}, {"retry": {"max_attempts": 2, "delay_s": 0}}),
        "g1": effect("again/g1", "again"), "g2": effect("again/g2", "again", shy=True),
        "e1": effect("e1"), "e2": plain("e2"), "end": effect("end"),
    },
    [
        "v.out>a1.item", "a1.out>a2.item", "a2.out>a3.item",
        "v.out>b1.item", "b1.out>b2.item", "b2.out>b3.item",
        "b3.out>way.item", "way.true>yes.item", "way.false>no.item",
        "a3.out>both.inputs", "no.out>both.inputs", "yes.out>both.inputs",
        "n.out>m1.item", "m1.out>m2.item", "m2.out>sum.rows",
        "n.out>loop.items", "loop.item>l1.item", "l1.out>try.item",
        "try.item>t1.item", "t1.out>t2.item", "t2.out>try.result",
        "try.error>c1.item", "c1.out>try.caught", "try.outcome>f1.item",
        "try.result>l2.item", "l2.out>loop.result", "loop.results>e1.item",
        "v.out>call.item", "v.out>apart.item", "call.result>rounds.initial",
        "rounds.state>r1.item", "r1.out>r2.item", "r2.out>rounds.next",
        "v.out>again.initial", "again.state>g1.item", "g1.out>g2.item", "g2.out>again.result",
        "rounds.state>e2.item", "e2.out>end.item",
    ],
    outputs=["both", "sum", "e1", "end", "apart", "again"],
)  # fmt: skip


REQUEST = RunRequest(
    run_id=RUN,
    flow=FLOW.model_dump(mode="json"),
    flows={"part": called("call"), "apart": called("apart")},
)
CHILD = child_id(RUN, "apart", "apart:0")


class Watched(SqliteJournal):
    """The process may end just before rows are on disk, and just after."""

    def write(self, batch: Any) -> list[str]:
        count = sum(self._rows(row) for _, row, _ in batch)
        Fate.point(count)
        lost = super().write(batch)
        Fate.point(count)
        return lost

    def _rows(self, row: Any) -> int:
        """How many rows it is: those that ended together are packed together."""
        return len(list(unpack_steps(row.data, self.codec))) if isinstance(row, PackedRow) else 1


def catalogue() -> Catalogue:
    return Catalogue([*Catalogue.installed(), *SAMPLE, Effect, Plain, Numbers, Waiting])


def live(known: Catalogue, programs: Programs, folder: Path, at: int, *, resume: bool) -> None:
    """Go through the run, or on with it, up to its end or the point `at`; in a process of its own.

    Args:
        known: The node types.
        programs: Programs that were compiled before.
        folder: Where the journal, the service outside and the file of starts are.
        at: The point at which the process is killed; 0 for none.
        resume: Whether the run was begun before.
    """
    Fate.folder, Fate.at = folder, at
    store: JournalStore = Watched(folder / "journal.sqlite3")
    resume = resume and store.entry(RUN) is not None
    executor = Executor(
        folder / "data",
        lambda _: None,
        store,
        owner="child",
        read_outputs=True,
        _catalogue=known,
        _programs=programs,
    )
    request = msgspec.structs.replace(REQUEST, resume=resume, files_root=str(folder))
    result = executor.run(Job(request, 0))
    assert result is not None
    told = {
        "state": str(result.state),
        "failure": result.failure,
        "points": Fate.passed,
        "outputs": {
            node: {port: kept.get("value", kept.get("records")) for port, kept in ports.items()}
            for node, ports in result.outputs.items()
        },
    }
    (folder / "result.json").write_text(json.dumps(told, default=str))


def serve() -> None:
    """Answer lines of JSON: a fork lives through a part of the run, and ends in some way."""
    known, programs = catalogue(), Programs()
    programs.of(REQUEST, known)
    for line in sys.stdin:
        asked = json.loads(line)
        process = os.fork()
        if process == 0:
            code = 1
            try:
                live(known, programs, Path(asked["folder"]), asked["at"], resume=asked["resume"])
                code = 0
            except BaseException:  # noqa: BLE001 - said on stderr; this process is a copy
                traceback.print_exc()
            finally:
                os._exit(code)
        _, status = os.waitpid(process, 0)
        os.write(1, f"{os.waitstatus_to_exitcode(status)}\n".encode())


if __name__ == "__main__":
    serve()
