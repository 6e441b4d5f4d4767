"""The laws of the source tree that the linters do not hold."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = [ROOT / "engine/weft_engine", ROOT / "ai/weft_ai", ROOT / "server/weft_server"]
SOURCES = sorted(path for package in PACKAGES for path in package.rglob("*.py"))
WEB = sorted(
    path
    for path in (ROOT / "web/src").rglob("*.ts*")
    if "schema.d.ts" not in path.name and not path.name.endswith(".json")
)
LONGEST = 420


@pytest.mark.parametrize("path", [*SOURCES, *WEB], ids=lambda path: str(path.relative_to(ROOT)))
def test_one_concept_a_file(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST


def test_import_directions() -> None:
    run = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_text_is_never_run_as_code(path: Path) -> None:
    """`exec` and `eval` stand only where generated code is compiled from a checked tree.

    The kernel's two places compile what the author of a DataStream program wrote as code, and the
    loops around it: there is no text of a flow or of a record in them. Folding compiles the checked
    tree of an expression again, with constants for some of its parts.
    """
    allowed = {
        "weft_engine/nodes/expression_codegen.py",
        "weft_engine/nodes/expression_folding.py",
        "weft_engine/nodes/expressions.py",
        "weft_engine/kernel/inline.py",
        "weft_engine/kernel/codegen/compiled.py",
    }
    if any(str(path).endswith(name) for name in allowed):
        return
    calls = {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not calls & {"exec", "eval"}


HEAVY = ("ray", "openai", "instructor", "pandas", "numpy", "litestar", "sqlalchemy", "pycrdt")


@pytest.mark.parametrize(
    ("module", "banned"),
    [
        ("weft_engine.runs.supervisor", HEAVY),
        ("weft_server.cli.main", HEAVY),
        ("weft_server.app", ("ray", "openai", "instructor", "pandas", "numpy", "alembic")),
    ],
)
def test_starting_imports_nothing_heavy(module: str, banned: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print(*sorted(set({banned!r}) & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
