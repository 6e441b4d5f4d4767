"""`weft run`."""

import csv
import json
import signal
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from tests.server.cli.weft import ROOT, start, weft, weft_here

GREETING = """\
format: weft/1
name: Greeting
inputs:
  who: {type: Text, default: world}
  times: {type: Number, default: 1}
nodes:
  who: {type: flow.input, settings: {name: who}}
  greet: {type: text.template, settings: {template: "Hello {{ item }} x{{ flow.inputs.times }}"}}
edges:
  - {source: who, source_port: value, target: greet, target_port: item}
"""
ROWS = """\
format: weft/1
name: Rows
nodes:
  read: {type: file.read_csv, settings: {path: rows.csv}}
  table: {type: show.table}
edges:
  - {source: read, source_port: rows, target: table, target_port: rows}
"""
WAITING = """\
format: weft/1
name: Waiting
nodes:
  wait:
    type: file.read_text
    settings: {path: never.txt}
    retry: {max_attempts: 100, delay_s: 0.2, backoff: 1}
edges: []
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "greeting.yaml").write_text(GREETING)
    (tmp_path / "rows.yaml").write_text(ROWS)
    (tmp_path / "waiting.yaml").write_text(WAITING)
    (tmp_path / "rows.csv").write_text("name,amount\n北京,1.5\nRome,20\n")
    return tmp_path


def sales() -> dict[tuple[str, str], tuple[Decimal, int]]:
    """Revenue and orders by month and region, worked out without Weft."""
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    orders: dict[tuple[str, str], int] = defaultdict(int)
    with (ROOT / "examples/data/sales.csv").open(newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            if int(row["quantity"]) > 0:
                key = (row["date"][:7], row["region"])
                sums[key] += Decimal(row["amount"])
                orders[key] += 1
    return {key: (sums[key], orders[key]) for key in sums}


def test_the_sales_report_has_the_right_numbers() -> None:
    outcome = weft("run", "examples/sales_report.yaml", "--json")
    assert outcome.code == 0, outcome.err
    result = outcome.json()
    assert result["state"] == "completed"
    assert result["failure"] is None
    assert result["duration_ms"] > 0
    table = result["outputs"]["table"]["view"]
    expected = sales()
    assert table["count"] == len(expected) == len(table["records"])
    found = {
        (row["month"], row["region"]): (row["revenue"], row["orders"]) for row in table["records"]
    }
    assert found == {
        key: (float(round(total, 2)), count) for key, (total, count) in expected.items()
    }


def test_outputs_go_to_stdout_and_progress_to_stderr(folder: Path) -> None:
    outcome = weft("run", "rows.yaml", cwd=folder)
    assert outcome.code == 0
    assert outcome.out.splitlines() == [
        "Show table",
        "name  amount",
        "────  ──────",
        "北京     1.5",
        "Rome    20.0",
        "",
    ]
    assert "✓ Read CSV" in outcome.err
    assert "2 records" in outcome.err
    assert "Completed in" in outcome.err


def test_progress_speaks_chinese(folder: Path) -> None:
    assert "已完成" in weft("run", "rows.yaml", cwd=folder, LANG="zh_CN.UTF-8").err
    assert "已完成" in weft("run", "rows.yaml", "--lang", "zh", cwd=folder).err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Hello world x1"),
        (["--input", "who=Ada=Grace"], "Hello Ada=Grace x1"),
        (["--input", "times=3", "--input", "who=42"], "Hello 42 x3"),
    ],
    ids=["defaults", "text", "number"],
)
def test_inputs_are_given_by_name(folder: Path, words: list[str], said: str) -> None:
    outcome = weft("run", "greeting.yaml", "--json", *words, cwd=folder)
    assert outcome.code == 0, outcome.err
    assert outcome.json()["outputs"]["greet"]["text"]["value"] == said


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("whom=Ada", "run.unknown_input"),
        ("Ada", "run.bad_input"),
        ("times=many", "run.bad_input"),
    ],
)
def test_wrong_inputs_are_refused(folder: Path, given: str, code: str) -> None:
    outcome = weft_here("run", "greeting.yaml", "--input", given, cwd=folder)
    assert outcome.code == 2
    assert code in outcome.err
    assert "—" in outcome.err, "a hint"


def test_a_failed_run_says_why_and_exits_1(folder: Path) -> None:
    (folder / "rows.csv").unlink()
    outcome = weft("run", "rows.yaml", cwd=folder)
    assert outcome.code == 1
    assert "rows.yaml:read: file.not_found" in outcome.err
    as_json = weft("run", "rows.yaml", "--json", cwd=folder)
    assert as_json.code == 1
    assert as_json.json()["state"] == "failed"
    assert as_json.json()["failure"]["code"] == "file.not_found"


BAD_FILES: dict[str, tuple[bytes | None, str]] = {
    "missing": (None, "file.not_found"),
    "empty": (b"", "flow.file.empty"),
    "binary": (bytes(range(256)) * 20, "flow.file."),
    "no yaml": (b"nodes: [", "flow.file.malformed"),
    "a list": (b"- 1\n- 2\n", "flow.file."),
    "another format": (b"format: other/9\nname: x\nnodes: {}\n", "flow.file.format"),
    "errors": (b"format: weft/1\nname: x\nnodes: {a: {type: data.filtr}}\n", "check.unknown_type"),
}


@pytest.mark.parametrize("name", BAD_FILES)
@pytest.mark.parametrize("command", ["run", "check", "plan"])
def test_files_that_are_no_flows_exit_2_with_a_code(
    tmp_path: Path, name: str, command: str
) -> None:
    content, code = BAD_FILES[name]
    if content is not None:
        (tmp_path / "flow.yaml").write_bytes(content)
    outcome = weft_here(command, "flow.yaml", cwd=tmp_path)
    assert outcome.code == 2
    said = outcome.out + outcome.err
    assert code in said
    assert "flow.yaml" in said
    assert "Traceback" not in said
    as_json = weft_here(command, "flow.yaml", "--json", cwd=tmp_path)
    assert as_json.code == 2
    assert code in json.dumps(as_json.json())


def test_a_root_confines_the_flow(folder: Path) -> None:
    inside = folder / "inside"
    inside.mkdir()
    (folder / "outside.yaml").write_text(ROWS.replace("rows.csv", "../rows.csv"))
    assert weft("run", "outside.yaml", cwd=inside.parent / "inside").code == 2
    free = weft("run", "../outside.yaml", cwd=inside)
    assert free.code == 0
    confined = weft("run", "../outside.yaml", "--root", ".", cwd=inside)
    assert confined.code == 1
    assert "file.outside_root" in confined.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_cancels_the_run(folder: Path, number: signal.Signals) -> None:
    process = start("run", "waiting.yaml", "--json", cwd=folder)
    assert process.stderr is not None
    assert "running" in process.stderr.readline()
    process.send_signal(number)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert json.loads(out)["state"] == "cancelled"


@pytest.mark.parametrize(
    "words",
    [["run"], ["run", "x.yaml", "--parallelism", "0"], ["run", "x.yaml", "--env", "moon"]],
    ids=" ".join,
)
def test_wrong_arguments_exit_2(words: list[str]) -> None:
    outcome = weft_here(*words)
    assert outcome.code == 2
    assert "usage" in outcome.err


def test_worker_processes_give_the_same(folder: Path) -> None:
    here = weft("run", "rows.yaml", "--json", cwd=folder)
    there = weft(
        "run", "rows.yaml", "--json", "--env", "processes", "--parallelism", "2", cwd=folder
    )
    assert there.code == here.code == 0, there.err
    assert json.loads(there.out)["outputs"] == json.loads(here.out)["outputs"]


def test_a_cluster_that_does_not_answer_is_said(folder: Path) -> None:
    text = "format: weft/1\nname: A\nmode: batch\nnodes:\n  a: {type: data.generate}\n"
    (folder / "made.yaml").write_text(text)
    far = {"WEFT_RAY_ADDRESS": "127.0.0.1:1"}
    outcome = weft("run", "made.yaml", "--env", "ray", cwd=folder, **far)
    assert outcome.code == 1
    assert "run.env_unavailable" in outcome.err
