"""`weft` as a process of its own, as people run it."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


def weft(*words: str | Path, cwd: Path = ROOT, **env: str) -> Outcome:
    """Run a command to its end."""
    process = start(*words, cwd=cwd, **env)
    out, err = process.communicate(timeout=60)
    return Outcome(process.returncode, out, err)
