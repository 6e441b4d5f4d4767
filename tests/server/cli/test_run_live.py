"""`weft run` of flows in streaming mode."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.server.cli.weft import start, weft, weft_here

BOUNDED = """\
format: weft/1
name: Rows
mode: streaming
nodes:
  read: {type: file.read_csv, settings: {path: rows.csv}}
  table: {type: show.table}
edges:
  - {source: read, source_port: rows, target: table, target_port: rows}
"""
CLOCK = """\
format: weft/1
name: Ticks
mode: streaming
checkpoint: {interval_s: 0.5}
nodes:
  clock: {type: stream.clock, settings: {every: 20ms}}
  write: {type: stream.write, settings: {folder: ticks}}
edges:
  - {source: clock, source_port: ticks, target: write, target_port: rows}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rows.yaml").write_text(BOUNDED)
    (tmp_path / "clock.yaml").write_text(CLOCK)
    (tmp_path / "rows.csv").write_text("name,amount\n北京,1.5\nRome,20\n")
    return tmp_path


def heard(process: subprocess.Popen[str], *wanted: str) -> str:
    """What it said until each of these was said."""
    assert process.stderr is not None
    said, left = "", list(wanted)
    while left:
        line = process.stderr.readline()
        assert line, f"it ended without {left}: {said}"
        said += line
        left = [word for word in left if word not in line]
    return said


def ticks(folder: Path) -> list[int]:
    """What is visible, in the order of the clock."""
    parts = [part.read_text(encoding="utf-8") for part in folder.glob("ticks/*.jsonl")]
    return sorted(json.loads(line)["number"] for part in parts for line in part.splitlines())


def interrupted(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Press Ctrl+C and wait for the end."""
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    return out, err


def test_a_flow_whose_sources_end_ends_and_gives_what_a_batch_gives(folder: Path) -> None:
    outcome = weft("run", "rows.yaml", "--json", cwd=folder)
    assert outcome.code == 0, outcome.err
    result = outcome.json()
    assert result["state"] == "completed"
    table = result["outputs"]["table"]["view"]
    assert table["records"] == [
        {"name": "北京", "amount": 1.5},
        {"name": "Rome", "amount": 20.0},
    ]


def test_ctrl_c_stops_with_a_savepoint_and_resume_goes_on_from_there(folder: Path) -> None:
    words = ("run", "clock.yaml", "--data", "kept")
    process = start(*words, "--json", cwd=folder)
    said = heard(process, "Kept as", "checkpoint")
    run = said.split("Kept as ")[1].split()[0]
    out, err = interrupted(process)
    assert f"weft run clock.yaml --resume {run} --data kept" in err
    first = ticks(folder)
    assert first == list(range(len(first)))
    told = json.loads(out)
    assert told["state"] == "paused"
    shown = told["outputs"]["write"]["view"]
    assert [row["number"] for row in shown["records"]] == list(range(shown["count"]))[-20:]

    process = start(*words, "--resume", run, cwd=folder)
    heard(process, "checkpoint")
    _, err = interrupted(process)
    assert f"--resume {run}" in err
    both = ticks(folder)
    assert both == list(range(len(both))), "each record once, none left out"
    assert len(both) > len(first)


def test_without_data_ctrl_c_ends_it_for_good(folder: Path) -> None:
    process = start("run", "clock.yaml", cwd=folder)
    heard(process, "checkpoint")
    _, err = interrupted(process)
    assert "Cancelled after" in err
    assert "--resume" not in err


def test_a_part_of_it_is_refused(folder: Path) -> None:
    outcome = weft_here("run", "clock.yaml", "--to", "write", cwd=folder)
    assert outcome.code == 2
    assert "stream.partial" in outcome.err
