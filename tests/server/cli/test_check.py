"""`weft check`."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.server.cli.weft import ROOT, weft, weft_here

BROKEN = sorted((ROOT / "tests/engine/compiler/broken").glob("*.yaml"))
EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*.yaml") if path.name != "index.yaml")
CODES = {
    "duplicate_key": "flow.file.duplicate_key",
    "malformed": "flow.file.malformed",
    "unknown_key": "flow.file.unknown_key",
}


def expected(path: Path) -> str:
    return CODES.get(path.stem, f"check.{path.stem}")


def test_there_are_enough_broken_flows() -> None:
    assert len(BROKEN) >= 10


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_flow_is_named_with_a_way_out(path: Path) -> None:
    outcome = weft_here("check", path)
    assert outcome.code == 2
    lines = [line for line in outcome.out.splitlines() if f" {expected(path)} " in line]
    assert lines, outcome.out
    assert all(line.startswith(f"{path}") for line in lines)
    assert any("—" in line for line in lines), "a way out"
    problems = weft_here("check", path, "--json").json()["files"][0]["problems"]
    found = next(problem for problem in problems if problem["code"] == expected(path))
    assert found["severity"] == "error"
    assert found["message"]


def test_the_examples_have_no_errors() -> None:
    outcome = weft("check", *EXAMPLES)
    assert outcome.code == 0, outcome.out


def test_it_speaks_the_language_that_is_asked_for() -> None:
    assert weft("check", EXAMPLES[0], "--lang", "zh").err.strip() == "没有问题"
    assert "个文件" in weft("check", *EXAMPLES[:2], LANG="zh_CN.UTF-8").err
    assert weft("check", EXAMPLES[0], "--lang", "en", LANG="zh_CN.UTF-8").err == "no problems\n"


def test_several_files_are_checked_and_one_that_is_broken_counts(tmp_path: Path) -> None:
    good = EXAMPLES[0]
    outcome = weft("check", good, tmp_path / "missing.yaml", BROKEN[0], "--json")
    assert outcome.code == 2
    files = outcome.json()["files"]
    assert [report["file"] for report in files] == [
        str(good),
        str(tmp_path / "missing.yaml"),
        str(BROKEN[0]),
    ]
    assert not [p for p in files[0]["problems"] if p["severity"] == "error"]
    assert files[1]["problems"][0]["code"] == "file.not_found"


@pytest.mark.parametrize("command", ["check", "run", "plan", "nodes"])
def test_no_command_but_serve_loads_the_web_server(command: str) -> None:
    code = (
        f"import sys, weft_server.cli.{command}; "
        "print([m for m in ('litestar', 'sqlalchemy', 'pycrdt', 'ray', 'openai') "
        "if m in sys.modules])"
    )
    assert python(code) == "[]"


def python(code: str) -> str:
    return subprocess.check_output([sys.executable, "-c", code], text=True).strip()


def test_a_file_that_is_no_flow_is_called_so() -> None:
    """The list of the examples lies beside them."""
    outcome = weft_here("check", ROOT / "examples/index.yaml")
    assert outcome.code == 2
    (line,) = outcome.out.splitlines()
    assert "flow.file.not_a_flow this is not a flow file — A flow file starts with" in line
