"""`weft` as a process of its own, as people run it; or in this one, for long tables."""

import io
import json
import os
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from weft_server.cli.main import main

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Outcome:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


def start(*words: str | Path, cwd: Path = ROOT, **env: str) -> subprocess.Popen[str]:
    """Begin a command."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "WEFT_"))}
    environment |= {"LANG": "C.UTF-8", "PYTHONIOENCODING": "utf-8", **env}
    return subprocess.Popen(
        [sys.executable, "-m", "weft_server.cli.main", *map(str, words)],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def weft_here(*words: str | Path, cwd: Path = ROOT) -> Outcome:
    """Run a command to its end without a process: a process takes a second of a core to start."""
    out, err = io.StringIO(), io.StringIO()
    spoken = patch.dict(os.environ, LC_ALL="C.UTF-8")
    with chdir(cwd), spoken, redirect_stdout(out), redirect_stderr(err):
        try:
            code = main([str(word) for word in words])
        except SystemExit as end:  # how argparse ends
            code = int(end.code or 0)
    return Outcome(code, out.getvalue(), err.getvalue())


def weft(*words: str | Path, cwd: Path = ROOT, **env: str) -> Outcome:
    """Run a command to its end."""
    process = start(*words, cwd=cwd, **env)
    out, err = process.communicate(timeout=60)
    return Outcome(process.returncode, out, err)
