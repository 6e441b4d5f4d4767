"""The docs say what is true: links lead somewhere, examples run, generated pages are current."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from weft_engine.compiler.check import check
from weft_engine.flow.file import load
from weft_engine.nodes import Catalogue, NodeType
from weft_engine.nodes.spec import NodeSpec

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")
FENCE = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


def blocks(language: str) -> list[tuple[str, str]]:
    return [
        (f"{page.relative_to(ROOT)}#{number}", text)
        for page in PAGES
        for number, (name, text) in enumerate(FENCE.findall(page.read_text()))
        if name == language
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    missing = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert missing == []


FLOWS = [(name, text) for name, text in blocks("yaml") if text.startswith("format: weft/1")]


@pytest.mark.parametrize(("name", "text"), FLOWS, ids=[name for name, _ in FLOWS])
def test_flows_in_the_docs_are_valid(name: str, text: str) -> None:
    problems = check(load(text, source=name), Catalogue.installed())
    assert [problem for problem in problems if problem.severity == "error"] == []


NODES = [(name, text) for name, text in blocks("python") if "(NodeType)" in text]


@pytest.mark.parametrize(("name", "text"), NODES, ids=[name for name, _ in NODES])
def test_node_types_in_the_docs_work(name: str, text: str, tmp_path: Path) -> None:
    module = tmp_path / "node_in_docs.py"
    module.write_text(text)
    code = "import node_in_docs, inspect; print(*[n for n, c in inspect.getmembers(node_in_docs)])"
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    scope: dict[str, object] = {"__name__": "node_in_docs"}
    exec(compile(text, name, "exec"), scope)
    found = [
        value
        for value in scope.values()
        if isinstance(value, type) and issubclass(value, NodeType) and value is not NodeType
    ]
    assert [NodeSpec.of(node).type for node in found] != []


def test_reference_is_current() -> None:
    command = [sys.executable, "docs/generate.py", "--check"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
