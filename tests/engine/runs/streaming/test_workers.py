"""Live runs on workers of this machine and of Ray: the same as on threads, whatever happens."""

import json
import os
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.engine.runs.streaming import nodes as own
from tests.engine.runs.streaming.live import Live, flow_of
from weft_engine.compiler.building import compile_program
from weft_engine.compiler.streaming import lower_live
from weft_engine.compiler.streaming_parts import divide
from weft_engine.compiler.streaming_placing import place
from weft_engine.flow.model import Flow
from weft_engine.kernel.settings import Settings
from weft_engine.runs.run import RunRequest
from weft_engine.runs.streaming.handover import LiveRuns
from weft_engine.runs.streaming.places import Places
from weft_engine.runs.streaming.starting import around_of, facts_of

KEYS = 5
RESTART = {"max_attempts": 5, "delay_s": 0.05}


def flow(source: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Records counted by key on two subtasks, and for each the process that it came to."""
    nodes = {
        "source": source,
        "key": {
            "type": "data.map",
            "settings": {
                "fields": [{"name": "key", "expression": f"item.number % {KEYS}"}],
                "keep": True,
            },
        },
        "count": {"type": "stream.running", "settings": {"by": ["key"]}},
        "where": {"type": "x.where_row"},
        "write": {"type": "stream.write", "settings": {"folder": "out"}},
    }
    port = "ticks" if source["type"] == "stream.clock" else "rows"
    wires = [f"source.{port}>key.rows", "key.rows>count.rows", "count.rows>where.row",
             "where.out>write.rows"]  # fmt: skip
    kept = {"checkpoint": {"interval_s": 0.2, "keep": 3}, "restart": RESTART, "parallelism": 2}
    return flow_of(nodes, wires, **{**kept, **more})


def numbers(count: int) -> dict[str, Any]:
    return {"type": "data.generate", "settings": {"count": count}}


CLOCK = {"type": "stream.clock", "settings": {"every": "5ms"}}


def rows(live: Live) -> list[dict[str, Any]]:
    return [json.loads(line) for line in live.parts("out").splitlines()]


def exact(found: list[dict[str, Any]]) -> None:
    """Every record counted once, none left out."""
    by_key: dict[int, list[int]] = {}
    for row in found:
        by_key.setdefault(row["key"], []).append(row["count"])
    for key, counts in by_key.items():
        assert sorted(counts) == list(range(1, len(counts) + 1)), key


def start(folder: Path, drawn: dict[str, Any], env: str, **more: Any) -> Live:
    return Live(folder, drawn, env=env, catalogue=own.catalogue(), **more)


def workers(live: Live) -> set[int]:
    """The two processes that a node works in, as its last records say."""
    shown = live.until(
        lambda event: (
            event.type == "node_output"
            and event.node == "where"
            and len({row["pid"] for row in event.data["ref"]["inline"]}) == 2
        )
    )
    return {row["pid"] for row in shown.data["ref"]["inline"]}


def test_the_same_results_as_on_threads(tmp_path: Path, env: str) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    here = start(tmp_path / "here", flow(numbers(400)), "local")
    there = start(tmp_path / "there", flow(numbers(400)), env, run_id="run_2")
    assert there.end().type == "run_completed", there.events[-1]
    assert here.end().type == "run_completed"
    kept = [sorted((row["key"], row["count"]) for row in rows(live)) for live in (here, there)]
    assert kept[0] == kept[1]
    assert len(kept[1]) == 400
    assert {row["pid"] for row in rows(here)} == {os.getpid()}
    pids = {row["pid"] for row in rows(there)}
    assert len(pids) == 2
    assert os.getpid() not in pids
    ended = {e.node: e.data["counts"] for e in there.events if e.type == "node_completed"}
    assert ended["where"] == {"in": 400, "out": {"out": 400}}


def test_a_killed_worker_changes_no_result(tmp_path: Path, env: str) -> None:
    live = start(tmp_path, flow(CLOCK), env)
    first = workers(live)
    live.until_type("checkpoint_completed")
    victim = min(first)
    assert ("ray" in " ".join(psutil.Process(victim).cmdline())) == (env == "ray")
    os.kill(victim, signal.SIGKILL)
    again = live.until_type("run_restarting")
    assert again.data["failure"]["code"] == "job.worker_lost", again.data
    live.until_type("checkpoint_completed")
    second = workers(live)
    assert victim not in second
    live.until_type("checkpoint_completed")
    assert live.cancel().type == "run_cancelled"
    found = rows(live)
    exact(found)
    assert second & {row["pid"] for row in found}


def test_a_newer_version_goes_on_from_a_savepoint(tmp_path: Path, env: str) -> None:
    runs = LiveRuns()
    first = start(tmp_path, flow(CLOCK), env, runs=runs)
    first.until_out("where", "out", 50)
    newer = flow(CLOCK, checkpoint={"interval_s": 0.2, "keep": 2})
    newer["nodes"]["write"]["settings"] = {"folder": "out", "format": "jsonl"}
    second = start(tmp_path, newer, env, run_id="run_2", runs=runs, continues="run_1")
    assert first.end().data["replaced_by"] == "run_2"
    second.until_out("where", "out", 60)
    second.until_type("checkpoint_completed")
    second.until_type("checkpoint_completed")
    second.cancel()
    found = rows(second)
    exact(found)
    assert Counter(row["key"] for row in found).keys() == set(range(KEYS))


def test_only_what_keeps_nothing_goes_to_a_cluster(tmp_path: Path) -> None:
    drawn = flow(CLOCK)
    drawn["nodes"]["where"]["resources"] = {"cpu": 0.5}
    compiled = compile_program(Flow.model_validate(drawn), own.catalogue()).top.compiled
    places = Places(tmp_path, "flow_1", "run_1")
    request = RunRequest(run_id="run_1", flow=drawn, files_root=str(tmp_path))
    around = around_of(facts_of(request, compiled, places, {}), places, Settings(parallelism=2))
    live = lower_live(compiled, divide(compiled), {}, around)
    labels = place(live, compiled)
    found = {vertex.uid: vertex.placement for vertex in live.graph.vertices}
    away = {uid: label for uid, label in found.items() if label}
    assert {uid.rpartition("/")[2]: labels[label].cpu for uid, label in away.items()} == {
        "where": 0.5
    }
    assert {"source", "tap/source.ticks", "tap/count.rows"} <= found.keys() - away.keys()


@pytest.mark.parametrize("asked", [{"gpu": 1}, {"cpu": 900}, {"memory_mb": 16_000_000}], ids=str)
def test_what_no_machine_has_is_refused(tmp_path: Path, env: str, asked: dict[str, Any]) -> None:
    drawn = flow(numbers(5))
    drawn["nodes"]["where"]["resources"] = asked
    end = start(tmp_path, drawn, env).end()
    assert end.type == "run_failed"
    assert end.data["failure"]["code"] == "run.resources_unavailable"
