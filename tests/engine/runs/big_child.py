"""A process that leads a value of so many megabytes through a run, and says what that took."""

import json
import resource
import sys
from pathlib import Path
from typing import Literal

from tests.engine.compiler.flows import flow_of, info
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.node_type import NodeType
from weft_engine.nodes.types import Number, Text
from weft_engine.runs.executor import Executor
from weft_engine.runs.journal.sqlite import SqliteJournal
from weft_engine.runs.queue import Job
from weft_engine.runs.run import RunRequest, RunResult


class Big(NodeType):
    """One large text."""

    type: Literal["o.big"] = "o.big"
    megabytes: int
    info = info()

    def process(self) -> Text:
        return "x" * (self.megabytes * 1024 * 1024)


class Size(NodeType):
    """How long a text is."""

    type: Literal["o.size"] = "o.size"
    info = info(cost="io")

    def process(self, item: Text) -> Number:
        return len(item)


def go(megabytes: int, folder: Path) -> RunResult:
    """Run it with a journal, so that everything is on disk before what follows starts."""
    store = SqliteJournal(folder / "journal.sqlite3")
    known = Catalogue([Big, Size])
    executor = Executor(folder / "data", lambda _: None, store, read_outputs=True, _catalogue=known)
    flow = flow_of(
        {"big": ("o.big", {"megabytes": megabytes}), "a": "o.size", "b": "o.size"},
        ["big.out>a.item", "big.out>b.item"],
        outputs=["big", "a", "b"],
    )
    request = RunRequest(
        run_id=f"run_{megabytes}", flow=flow.model_dump(mode="json"), files_root=str(folder)
    )
    result = executor.run(Job(request, 0))
    assert result is not None
    return result


def peak() -> float:
    """The most memory this process ever had, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    place, count = Path(sys.argv[1]), int(sys.argv[2])
    go(1, place)  # what is loaded once counts for nothing
    before = peak()
    ran = go(count, place)
    shown = ran.outputs["big"]["out"]
    told = {
        "state": str(ran.state),
        "took": peak() - before,
        "sizes": [ran.outputs[node]["out"]["value"] for node in ("a", "b")],
        "shown": shown["value"],
        "truncated": shown["truncated"],
    }
    sys.stdout.write(json.dumps(told))
