"""What docs/debugging.md shows happens: on the command line and with a server."""

import json
import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from tests.server.runs.flows import Runner, wait_until
from tests.server.support import Server

PAGE = (Path(__file__).parents[3] / "docs/debugging.md").read_text()


def block(language: str) -> str:
    found = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert len(found) == 1
    return str(found[0])


RESULTS: list[str] = json.loads(block("json"))


def test_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text(block("yaml"))
    command = block("sh").replace("weft run", f"{sys.executable} -m weft_server.cli.main run", 1)
    ran = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["outputs"]["loop"]["results"]["records"] == RESULTS
    assert 'item = {"number": 1, "eur": 10}' in ran.stderr
    assert "loop/end@loop:1 (step)" in ran.stderr


def test_rest(server: Server) -> None:
    runner = Runner(server)
    names = {"flow": runner.create(yaml.safe_load(block("yaml")))}
    for line in block("http").strip().splitlines():
        method, path, body = (*line.split(" ", 2), "{}")[:3]
        answer = runner.client.request(method, path.format(**names), json=json.loads(body))
        assert answer.is_success, answer.text
        names.setdefault("run", str(answer.json()["id"]))
        if "/edit" in path:
            wait_until(partial(edited, runner, names["run"]))
        elif "/step" in path:
            wait_until(partial(stands, runner, names["run"], "loop/end@loop:1"))
        elif "/runs/" not in path:
            wait_until(partial(stands, runner, names["run"], "loop/label@loop:1"))
    run = names["run"]
    assert runner.ended(run)["state"] == "completed"
    page: Any = runner.client.get(f"/api/runs/{run}/nodes/loop").json()
    assert page["outputs"]["results"]["records"] == RESULTS


def stands(runner: Runner, run: str, at: str) -> bool:
    info = runner.info(run)
    return info["state"] == "paused" and [stop["at"] for stop in info["stopped"]] == [at]


def edited(runner: Runner, run: str) -> bool:
    return bool(runner.info(run)["stopped"][0]["edited"] == ["item"])
