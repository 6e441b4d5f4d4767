"""Workers that die, hang, are short of something, or are many."""

import os
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.engine.runs.engine.harness import flow_of
from tests.engine.runs.executors.harness import execute
from tests.engine.runs.executors.nodes import catalogue
from weft_engine.flow.model import Flow
from weft_engine.runs.engine.control import RunControl
from weft_engine.runs.events import RunEvent
from weft_engine.runs.executors.base import Resources
from weft_engine.runs.executors.processes import ProcessRoom
from weft_engine.runs.executors.remote_crew import Crew


def near(crew: Crew) -> dict[str, Any]:
    return {"shared_disk": crew.room.near}


def test_units_work_in_processes_of_their_own(crew: Crew, tmp_path: Path) -> None:
    flow = flow_of({"a": "x.where"}, [], outputs=["a"])

    first = execute(crew, flow, catalogue(), tmp_path, **near(crew)).gave("a")
    again = execute(crew, flow, catalogue(), tmp_path, **near(crew)).gave("a")

    assert first != os.getpid()
    assert again in {first, *(member.link.pid for member in crew.workers if member.link)}


@pytest.mark.parametrize(
    ("kind", "fields", "state", "attempts"),
    [
        ("x.dies", {}, "completed", 1),
        ("x.dies", {"retry": {"max_attempts": 2, "delay_s": 0}}, "completed", 2),
        ("x.dies_out", {}, "failed", 1),
        ("x.dies_out", {"retry": {"max_attempts": 2, "delay_s": 0}}, "completed", 2),
    ],
    ids=["no effects: once more", "by its policy", "effects: not again", "effects, by its policy"],
)
def test_a_worker_that_is_killed_ends_one_unit(
    kind: str, fields: dict[str, Any], state: str, attempts: int, crew: Crew, tmp_path: Path
) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    flow = flow_of(
        {"d": (kind, {"folder": str(marks)}, fields), "w": "x.where"}, [], outputs=["d", "w"]
    )

    ran = execute(
        crew, flow, catalogue(), tmp_path, failure_policy="continue_independent", **near(crew)
    )

    assert (ran.state, ran.result.nodes["d"].attempts) == (state, attempts)
    assert ran.states()["w"] == "completed"
    if state == "failed":
        assert ran.result.failure is not None
        assert ran.result.failure["code"] == "run.worker_lost"
        assert ran.result.failure["node"] == "d"
    else:
        assert ran.gave("d") == 1


def test_a_unit_that_kills_two_workers_fails(processes: Crew, tmp_path: Path) -> None:
    settings = {"folder": str(tmp_path), "times": 5}
    flow = flow_of({"d": ("x.dies", settings)}, [], outputs=["d"])

    ran = execute(processes, flow, catalogue(), tmp_path)

    assert ran.result.failure is not None
    assert ran.result.failure["code"] == "run.worker_lost"
    assert "SIGKILL" in ran.result.failure["message"]
    assert len(list(tmp_path.glob("death-*"))) == 2


def test_a_stretch_whose_worker_is_killed_begins_again(crew: Crew, tmp_path: Path) -> None:
    flow = flow_of(
        {"n": "e.numbers", "d": ("x.dies_in_stream", {"folder": str(tmp_path)})},
        ["n.out>d.item"],
        outputs=["d"],
    )

    ran = execute(crew, flow, catalogue(), tmp_path, **near(crew))

    assert (ran.state, ran.gave("d")) == ("completed", [10, 20, 30])
    assert "The worker that worked on it is gone" in ran.of("log")[0].data["message"]


def test_what_does_not_let_go_is_killed(crew: Crew, tmp_path: Path) -> None:
    flow = flow_of({"d": ("x.deaf", {"folder": str(tmp_path)})}, [], outputs=["d"])
    control = RunControl()

    def heard(event: RunEvent) -> None:
        if event.type == "node_started":
            control.cancel()

    ran = execute(crew, flow, catalogue(), tmp_path, control=control, heard=heard, **near(crew))

    assert ran.state == "cancelled"
    mark = tmp_path / "pid"
    if mark.exists():
        assert _gone(int(mark.read_text()))


def _gone(pid: int) -> bool:
    try:
        psutil.Process(pid).wait(60)
    except psutil.NoSuchProcess:
        return True
    return not psutil.pid_exists(pid)


def test_a_time_limit_ends_what_does_not_let_go(processes: Crew, tmp_path: Path) -> None:
    limited = {"timeout_s": 5}
    flow = flow_of({"d": ("x.deaf", {"folder": str(tmp_path)}, limited)}, [], outputs=["d"])

    ran = execute(processes, flow, catalogue(), tmp_path)

    assert ran.state == "failed"
    assert _gone(int((tmp_path / "pid").read_text()))


def test_a_hundred_megabytes_go_through(crew: Crew, tmp_path: Path) -> None:
    flow = flow_of({"b": "x.big", "l": "x.length"}, ["b.out>l.item"], outputs=["l"])

    ran = execute(crew, flow, catalogue(), tmp_path, **near(crew))

    assert ran.gave("l") == 100_000_000


def test_a_value_that_cannot_travel_is_a_failure_of_its_node(crew: Crew, tmp_path: Path) -> None:
    flow = flow_of({"o": "x.opaque"}, [], outputs=["o"])

    ran = execute(crew, flow, catalogue(), tmp_path, **near(crew))

    assert ran.result.failure is not None
    assert (ran.result.failure["code"], ran.result.failure["node"]) == ("journal.unstorable", "o")


def test_settings_of_the_cluster_are_hidden(crew: Crew, tmp_path: Path) -> None:
    flow = flow_of({"h": "x.hidden"}, [], outputs=["h"])
    assert execute(crew, flow, catalogue(), tmp_path, **near(crew)).gave("h") == []


def in_turns(crew: Crew, flow: Flow, path: Path, count: int, **more: Any) -> None:
    """Units begin and end one after the other; each stands until all others were looked at."""
    found: list[str] = []
    thread = threading.Thread(
        target=lambda: found.append(execute(crew, flow, catalogue(), path.parent, **more).state)
    )
    thread.start()
    pause = threading.Event()
    for number in range(count):
        begun = "be" * number + "b"
        while thread.is_alive() and not (
            path.exists() and path.read_text() == begun and crew.waiting == count - number - 1
        ):
            pause.wait(0.01)
        assert path.read_text() == begun
        path.with_name(f"go-{number + 1}").touch()
    thread.join()
    assert (found, path.read_text()) == (["completed"], "be" * count)


def test_units_that_need_the_only_processor_take_turns(tmp_path: Path) -> None:
    path = tmp_path / "turns"
    one = {"resources": {"cpu": 1}}
    nodes = {name: ("x.alone", {"path": str(path)}, one) for name in ("a", "b", "c")}
    crew = Crew(ProcessRoom(Resources(cpu=1, gpu=0, memory_mb=1024)))
    try:
        in_turns(crew, flow_of(nodes, []), path, 3)
    finally:
        crew.close()


@pytest.mark.ray
def test_on_ray_units_that_need_most_processors_take_turns(ray: Crew, tmp_path: Path) -> None:
    path = tmp_path / "turns"
    # Of four; workers of other tests that share this Ray keep a part of one.
    most = {"resources": {"cpu": 2.5}}
    nodes = {name: ("x.alone", {"path": str(path)}, most) for name in ("a", "b")}
    in_turns(ray, flow_of(nodes, []), path, 2, shared_disk=False)


def test_branches_that_do_not_depend_on_each_other_overlap(crew: Crew, tmp_path: Path) -> None:
    folder = tmp_path / "met"
    folder.mkdir()
    half = {"resources": {"cpu": 0.5}}
    nodes = {name: ("x.meets", {"folder": str(folder), "name": name}, half) for name in "ab"}

    ran = execute(crew, flow_of(nodes, []), catalogue(), tmp_path, **near(crew))

    assert ran.state == "completed"
    kinds = [e.type for e in ran.events if e.type in ("node_started", "node_completed")]
    assert kinds == ["node_started", "node_started", "node_completed", "node_completed"]


@pytest.mark.parametrize(
    "asked",
    [{"gpu": 90.0 / 2}, {"cpu": 1000}, {"memory_mb": 16_000_000}],
    ids=["gpu", "cpu", "memory"],
)
def test_what_no_machine_has_is_refused(asked: dict[str, Any], crew: Crew, tmp_path: Path) -> None:
    flow = flow_of({"w": ("x.where", {}, {"resources": asked})}, [])

    ran = execute(crew, flow, catalogue(), tmp_path, **near(crew))

    assert ran.result.failure is not None
    assert ran.result.failure["code"] == "run.resources_unavailable"
    assert ran.result.failure["node"] == "w"


def test_a_thousand_calls(processes: Crew, tmp_path: Path) -> None:
    flow = flow_of(
        {
            "n": ("e.numbers", {"numbers": list(range(1000))}),
            "l": ("control.for_each", {"concurrency": 64}),
            "b": ("e.io", {}, {"parent": "l"}),
        },
        ["n.out>l.items", "l.item>b.item", "b.out>l.result"],
        outputs=["l"],
    )

    ran = execute(processes, flow, catalogue(), tmp_path)

    assert ran.state == "completed", ran.result.failure
    assert ran.gave("l", "results") == list(range(1000))
    assert len(processes.workers) <= 8
