"""The public names are typed for programs that are checked strictly."""

import re
from pathlib import Path

from mypy import api

PROGRAM = Path(__file__).parent / "typed" / "program.py"
ENGINE = Path(__file__).parents[4] / "engine"


def test_a_program_under_mypy_strict(tmp_path: Path) -> None:
    lines = PROGRAM.read_text(encoding="utf-8").splitlines()
    wrong = {number for number, line in enumerate(lines, 1) if line.endswith("# WRONG")}
    config = tmp_path / "mypy.ini"
    config.write_text(f"[mypy]\nstrict = True\nmypy_path = {ENGINE}\nfollow_imports = silent\n")
    out, err, _ = api.run(
        ["--config-file", str(config), "--cache-dir", str(tmp_path / "cache"), str(PROGRAM)]
    )
    assert not err
    found = {int(match) for match in re.findall(r"program\.py:(\d+): error", out)}
    assert found == wrong, out
