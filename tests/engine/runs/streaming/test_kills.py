"""Live runs on the real engine, which is killed in the middle: results stay exact."""

import asyncio
import json
import os
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.engine.runs.streaming.live import flow_of
from tests.engine.runs.test_supervisor import Engine, with_engine

LINES = 300


def counting(parallelism: int) -> dict[str, Any]:
    """Lines of a growing file, counted by key."""
    nodes = {
        "log": {"type": "file.tail", "settings": {"path": "app.log"}},
        "level": {
            "type": "data.map",
            "settings": {"fields": [{"name": "key", "expression": 'split(item.text, " ")[0]'}]},
        },
        "count": {"type": "stream.running", "settings": {"by": ["key"]}},
        "write": {"type": "stream.write", "settings": {"folder": "out"}},
    }
    edges = ["log.lines>level.rows", "level.rows>count.rows", "count.rows>write.rows"]
    more = {"checkpoint": {"interval_s": 0.1, "keep": 3}, "parallelism": parallelism}
    return flow_of(nodes, edges, **more)


def out(folder: Path) -> list[dict[str, Any]]:
    parts = sorted((folder / "out").glob("part-*"))
    return [json.loads(line) for part in parts for line in part.read_text().splitlines()]


async def restarted(engine: Engine, before: int) -> None:
    """Wait until another engine is there."""
    while engine.restarts == before:  # noqa: ASYNC110 - nobody announces it
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(("env", "parallelism"), [("local", 3), ("processes", 2)])
def test_killed_in_the_middle(tmp_path: Path, env: str, parallelism: int) -> None:
    async def work(engine: Engine) -> None:
        path = tmp_path / "app.log"
        path.write_text("")
        request = engine.request("run_1", counting(parallelism), env=env, stream="flow_1")
        await engine.submit(request)
        kills = 0
        for number in range(LINES):
            with path.open("a") as file:
                file.write(f"k{number % 5} {number}\n")
            if number % 150 == 80:
                seen = engine.types("run_1").count("checkpoint_completed")
                await engine.until(
                    lambda seen=seen: engine.types("run_1").count("checkpoint_completed") > seen
                )
                restarts, pid = engine.restarts, engine.pid
                assert pid is not None
                os.kill(pid, signal.SIGKILL)
                kills += 1
                await restarted(engine, restarts)
        while len(out(tmp_path)) < LINES:
            heard = len(engine.heard["run_1"])
            await engine.until(lambda heard=heard: len(engine.heard["run_1"]) > heard)
        await engine.cancel("run_1")
        assert (await engine.end_of("run_1")).type == "run_cancelled"
        assert kills == 2
        rows = out(tmp_path)
        assert Counter(row["key"] for row in rows) == {f"k{n}": LINES // 5 for n in range(5)}
        by_key: dict[str, list[int]] = {}
        for row in rows:
            by_key.setdefault(row["key"], []).append(row["count"])
        for counts in by_key.values():
            assert sorted(counts) == list(range(1, LINES // 5 + 1))
        numbers = [event.seq for event in engine.heard["run_1"]]
        assert numbers == sorted(set(numbers))

    with_engine(tmp_path, work)
