"""`weft run --resume` of a run that failed: another attempt, of the flow as it was or is now."""

import json
import re
from pathlib import Path

import pytest

from tests.server.cli.weft import Outcome, weft

FLOW = """\
format: weft/1
name: Mended
nodes:
  word: {{type: data.generate, settings: {{count: 1}}}}
  note: {{type: file.write, settings: {{path: note.txt}}}}
  read: {{type: file.read_text, settings: {{path: {path}}}}}
edges:
  - {{source: word, source_port: rows, target: note, target_port: rows}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "flow.yaml").write_text(FLOW.format(path="gone.txt"))
    (tmp_path / "here.txt").write_text("here")
    return tmp_path


def run(folder: Path, *options: str) -> Outcome:
    return weft("run", "flow.yaml", "--data", "kept", "--lang", "en", *options, cwd=folder)


@pytest.fixture
def failed(folder: Path) -> str:
    """The name of a run that failed; its note may or may not have been written."""
    outcome = run(folder)
    assert outcome.code == 1
    found = re.search(r"Kept as (run_\w+)", outcome.err)
    assert found is not None
    return found[1]


def test_the_flow_as_it_is_now_is_tried_again(folder: Path, failed: str) -> None:
    (folder / "flow.yaml").write_text(FLOW.format(path="here.txt"))
    planned = run(folder, "--resume", failed, "--current", "--dry-run", "--json")
    plan = json.loads(planned.out)
    assert {"node": "read", "reason": "changed"} in plan["again"]
    outcome = run(folder, "--resume", failed, "--current")
    assert outcome.code == 0, outcome.err
    assert f"Taken over from {failed}" in outcome.err
    assert "Read text: changed since" in outcome.err
    assert "here" in outcome.out


def test_the_flow_as_it_was_fails_again(folder: Path, failed: str) -> None:
    (folder / "flow.yaml").write_text(FLOW.format(path="here.txt"))
    outcome = run(folder, "--resume", failed)
    assert outcome.code == 1
    assert "Read text: failed" in outcome.err


def test_a_run_that_completed_is_not_tried_again(folder: Path) -> None:
    (folder / "flow.yaml").write_text(FLOW.format(path="here.txt"))
    found = re.search(r"Kept as (run_\w+)", run(folder).err)
    assert found is not None
    outcome = run(folder, "--resume", found[1], "--current", "--json")
    assert outcome.code == 2
    assert json.loads(outcome.out)["problems"][0]["code"] == "run.not_failed"


@pytest.mark.parametrize("option", ["--current", "--dry-run"])
def test_options_of_another_attempt_need_a_run(folder: Path, option: str) -> None:
    outcome = run(folder, option)
    assert (outcome.code, outcome.err.strip()) == (2, f"weft run: {option} needs --resume")
