"""What goes wrong has the outcome that docs/flows.md says."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.engine.compiler.flows import info, run
from tests.engine.runs.engine.harness import Ran, TestJournal, catalogue, execute, flow_of, seen
from weft_engine.errors import FlowError
from weft_engine.flow.model import Flow
from weft_engine.flow.patch import Patch, apply
from weft_engine.kernel.backends.on_ray import RayPlaces
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.node_type import NodeType
from weft_engine.nodes.types import Json
from weft_engine.runs.events import RunEvent
from weft_engine.runs.executor import Executor
from weft_engine.runs.executors import on_ray
from weft_engine.runs.executors.remote_crew import Crew
from weft_engine.runs.journal.sqlite import SqliteJournal
from weft_engine.runs.queue import Job
from weft_engine.runs.run import RunRequest

ROOT = Path(__file__).parents[3]
MEGABYTES = 100


def nobody() -> str:
    """An address where nobody listens."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{place.getsockname()[1]}"


# Before anything runs

REFUSED: list[tuple[str, Flow, dict[str, Any], str, str]] = [
    (
        "an input that is not connected",
        flow_of({"v": "t.value", "x": "t.both"}, ["v.out>x.a"]),
        {},
        "flow.invalid",
        "check.missing_input",
    ),
    (
        "types that do not fit",
        flow_of({"v": "t.list", "x": "e.times"}, ["v.out>x.item"]),
        {},
        "flow.invalid",
        "check.type_mismatch",
    ),
    (
        "an input that the flow does not have",
        flow_of({"v": "t.value"}, []),
        {"inputs": {"no": 1}},
        "run.unknown_input",
        "",
    ),
]


@pytest.mark.parametrize(
    ("flow", "more", "code", "problem"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED]
)
def test_it_does_not_even_begin(
    flow: Flow, more: dict[str, Any], code: str, problem: str, tmp_path: Path
) -> None:
    seen.calls.clear()
    with pytest.raises(FlowError) as caught:
        execute(flow, tmp_path, **more)
    assert caught.value.code == code
    if problem:
        assert problem in {found["code"] for found in caught.value.params["problems"]}
    assert seen.calls == {}


def circle() -> Flow:
    """Two nodes that double a number, the one behind the other, and an edge back."""
    return flow_of(
        {"v": ("t.value", {"value": 3}), "x": "e.times", "y": "e.times", "z": "e.times"},
        ["v.out>x.item", "x.out>y.item", "y.out>x.item", "y.out>z.item"],
        outputs=["z"],
    )


def test_a_circle_does_not_begin_and_is_offered_as_a_loop(tmp_path: Path) -> None:
    """The loop that the fix makes goes round ten times, as often as its condition says."""
    with pytest.raises(FlowError) as caught:
        execute(circle(), tmp_path)
    (problem,) = [
        found for found in caught.value.params["problems"] if found["code"] == "check.cycle"
    ]
    (offered,) = [each for each in problem["fixes"] if each["code"] == "fix.convert_to_loop"]
    done = apply(circle(), Patch.model_validate(offered["patch"]))
    assert not done.skipped

    ran = execute(done.flow.replace(outputs=("z", "loop")), tmp_path)

    assert ran.state == "completed"
    assert ran.gave("loop", "iterations") == 10
    assert ran.gave("z") == 3 * 4**10 * 2


# Resources that are gone


def asks(address: str, **more: Any) -> Flow:
    settings = {"url": f"http://{address}/", "retries": 0, "timeout_s": 5}
    return flow_of({"x": ("http.request", settings, more)}, [], outputs=["x"])


def reads(folder: Path, **more: Any) -> Flow:
    (folder / "rows.csv").write_text("a\n1\n")
    flow = flow_of({"x": ("file.read_csv", {"path": "rows.csv"}, more)}, [], outputs=["x"])
    (folder / "rows.csv").unlink()
    return flow


GONE: dict[str, tuple[Callable[..., Flow], str]] = {
    "a service": (lambda _, **more: asks(nobody(), **more), "http.unreachable"),
    "a file": (reads, "file.not_found"),
}


@pytest.mark.parametrize(("make", "code"), GONE.values(), ids=GONE)
def test_what_is_gone_fails_the_node_with_what_to_do(
    make: Callable[..., Flow], code: str, tmp_path: Path
) -> None:
    ran = execute(make(tmp_path), tmp_path, allow_hosts=("127.0.0.1",))
    assert ran.state == "failed"
    failure = ran.result.failure
    assert failure is not None
    assert (failure["node"], failure["code"]) == ("x", code)
    assert failure["hint"]


def test_a_service_that_is_gone_is_tried_again_and_caught(tmp_path: Path) -> None:
    policy = {"retry": {"max_attempts": 3, "delay_s": 0}, "parent": "try"}
    settings = {"url": f"http://{nobody()}/", "retries": 0, "timeout_s": 5}
    flow = flow_of(
        {
            "v": ("t.value", {"value": 1}),
            "try": "control.try",
            "x": ("http.request", settings, policy),
            "instead": ("text.template", {"template": "later"}, {"parent": "try"}),
        },
        ["v.out>try.item", "try.item>x.item", "x.response>try.result",
         "try.error>instead.item", "instead.text>try.caught"],
        outputs=["try"],
    )  # fmt: skip
    ran = execute(flow, tmp_path, allow_hosts=("127.0.0.1",))
    assert ran.state == "completed"
    assert ran.gave("try", "result") == "later"
    assert len(ran.of("node_retrying", "try/x")) == 2


def test_a_cluster_that_is_gone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    address = nobody()
    crew = Crew(on_ray.RayRoom(RayPlaces(address)))
    monkeypatch.setattr(on_ray, "shared", lambda: crew)
    flow = flow_of({"s": "t.texts", "x": "t.upper"}, ["s.out>x.text"], outputs=["x"])

    failure = run(flow, tmp_path, env="ray").result.failure

    assert failure is not None
    assert failure["code"] == "run.env_unavailable"
    assert address in failure["message"]
    assert failure["hint"]


class Remove(NodeType):
    """Removes the file of the journal."""

    type: Literal["o.remove"] = "o.remove"
    folder: str
    info = info(effects=True, pure=False)

    def process(self, item: Json) -> Json:
        for file in Path(self.folder).glob("journal.sqlite3*"):
            file.unlink()
        return item


def test_the_database_of_the_journal_is_removed(tmp_path: Path) -> None:
    """The run fails with the reason; the journal is opened anew, and keeps further runs."""
    flow = flow_of(
        {"v": "t.value", "x": ("o.remove", {"folder": str(tmp_path)}), "after": "e.io"},
        ["v.out>x.item", "x.out>after.item"],
        outputs=["after"],
    )
    store = SqliteJournal(tmp_path / "journal.sqlite3")
    known = Catalogue([*catalogue(), Remove])
    events: list[RunEvent] = []
    executor = Executor(tmp_path / "data", events.extend, store, _catalogue=known)
    plain = flow.model_dump(mode="json")
    ran = executor.run(Job(RunRequest(run_id="run_1", flow=plain, files_root=str(tmp_path))))
    assert ran is not None
    assert ran.failure is not None
    assert (ran.state, ran.failure["code"]) == ("failed", "journal.replaced")
    assert ran.failure["hint"]
    assert events[-1].type == "run_failed"
    left = flow_of({"v": "t.value", "x": "e.io"}, ["v.out>x.item"]).model_dump(mode="json")
    other = executor.run(Job(RunRequest(run_id="run_2", flow=left, files_root=str(tmp_path))))
    assert other is not None
    assert other.state == "completed"
    store.close()
    with closing(SqliteJournal(tmp_path / "journal.sqlite3")) as again:
        assert {row.node for row in again.steps("run_2")} == {"v", "x"}


# Records that nothing can be done with

POISON: list[tuple[str, str, Any, Any]] = [
    ("fail", "failed", None, 1),
    ("skip", "completed", [1, 3], 0),
    ("continue", "completed", [1, None, 3], 0),
    ("route", "completed", [1, 3], 0),
]


@pytest.mark.parametrize("kind", ["e.bad", "e.bad_io"])
@pytest.mark.parametrize(("policy", "state", "gives", "failures"), POISON)
def test_a_poisoned_record(
    kind: str, policy: str, state: str, gives: Any, failures: int, tmp_path: Path
) -> None:
    more: dict[str, Any] = {"on_error": policy}
    flow = flow_of(
        {"n": "e.numbers", "x": (kind, {"value": 2}, more)}, ["n.out>x.item"], outputs=["x"]
    )
    ran = execute(flow, tmp_path)
    assert ran.state == state
    if failures:
        assert ran.result.failure is not None
        assert (ran.result.failure["node"], ran.result.failure["sample"]) == ("x", 2)
        return
    assert ran.gave("x") == gives
    if policy == "route":
        assert [failed["item"] for failed in ran.gave("x", "error")] == [2]


# Much of something


def test_a_value_of_a_hundred_megabytes(tmp_path: Path) -> None:
    """It goes through, kept on disk, in a few times its size; what is shown of it is cut."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.engine.runs.big_child", str(tmp_path), str(MEGABYTES)],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
    )
    told = json.loads(done.stdout)
    assert told["state"] == "completed"
    assert told["sizes"] == [MEGABYTES * 1024 * 1024] * 2
    assert told["truncated"]
    assert len(told["shown"]) < 2000
    assert told["shown"].endswith(f"… ({MEGABYTES * 1024 * 1024 + 2:,} bytes)")
    assert told["took"] < 5 * MEGABYTES


def fan_edges(count: int) -> Flow:
    names = [f"x{number}" for number in range(count)]
    return flow_of(
        {"v": ("t.value", {"value": 1}), **dict.fromkeys(names, "e.times")},
        [f"v.out>{name}.item" for name in names],
        outputs=names,
    )


def fan_loop(count: int) -> Flow:
    return flow_of(
        {
            "n": ("e.numbers", {"numbers": list(range(count))}),
            "loop": ("control.for_each", {"concurrency": count}),
            "x": ("e.io", {}, {"parent": "loop"}),
        },
        ["n.out>loop.items", "loop.item>x.item", "x.out>loop.result"],
        outputs=["loop"],
    )


@pytest.mark.parametrize(("make", "given"), [(fan_edges, [2] * 1000), (fan_loop, range(1000))])
@pytest.mark.parametrize("journalled", [True, False])
def test_a_thousand_ways_at_once(
    make: Callable[[int], Flow], given: Any, journalled: bool, tmp_path: Path
) -> None:
    ran = execute(make(1000), tmp_path, journal=TestJournal() if journalled else None)
    assert ran.result.failure is None
    assert values(ran) == list(given)
    assert len(ran.of("node_failed")) == 0


def values(ran: Ran) -> list[Any]:
    if "loop" in ran.outputs:
        return list(ran.gave("loop", "results"))
    return [ran.gave(f"x{number}") for number in range(1000)]


# The page

PAGE = (ROOT / "docs" / "flows.md").read_text()
ROWS = PAGE.partition("## What goes wrong")[2].partition("\n## ")[0]
SHOWN = {
    "a required input is not connected": "test_outcomes.py::test_it_does_not_even_begin",
    "edges run in a circle": "test_outcomes.py::test_a_circle_does_not_begin",
    "a run is given an input": "test_outcomes.py::test_it_does_not_even_begin",
    "a service does not answer": "test_outcomes.py::test_what_is_gone_fails_the_node",
    "the Ray cluster is not there": "test_outcomes.py::test_a_cluster_that_is_gone",
    "the Ray cluster dies": "../../server/runs/test_lost_cluster.py::test_a_cluster_that_dies",
    "a worker process dies": "executors/test_workers.py::test_a_worker_that_is_killed",
    "a worker dies again": "executors/test_workers.py::test_a_unit_that_kills_two_workers_fails",
    "one record of many": "test_outcomes.py::test_a_poisoned_record",
    "the database of the journal cannot": "journal/test_crashes.py::test_a_database_that_dies",
    "the disk is full": "engine/test_full_disk.py::test_full_at_some_write",
    "the file of the journal is deleted": "test_outcomes.py::test_the_database_of_the_journal",
    "the engine is killed": "test_supervisor.py::test_a_killed_engine_is_started_again",
    "a value of 100 MB": "test_outcomes.py::test_a_value_of_a_hundred_megabytes",
    "a thousand ways at once": "test_outcomes.py::test_a_thousand_ways_at_once",
}
"""Where each row of the page is shown to be true: how the row begins, and a test below here."""


def test_every_row_of_the_page_is_shown_by_a_test() -> None:
    rows = [row for row in ROWS.splitlines() if row.startswith("| ")][1:]
    begun = [[start for start in SHOWN if row.startswith(f"| {start}")] for row in rows]
    assert begun == [[start] for start in SHOWN], "the page has other rows, or another order"
    for place in SHOWN.values():
        file, _, name = place.partition("::")
        assert f"def {name}" in (Path(__file__).parent / file).read_text(), place


def test_every_code_of_the_page_is_in_the_catalogue() -> None:
    known = (ROOT / "docs" / "reference" / "errors.md").read_text()
    codes = re.findall(r"`([a-z]+\.[a-z_]+)`", ROWS)
    assert len(codes) >= 12
    assert [code for code in codes if f"| `{code}` |" not in known] == []
