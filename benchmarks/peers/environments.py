"""Environments of other systems: made once, in a folder of their own, with their own installers.

Nothing of them is in ours, and a system that cannot be installed here is named with the reason.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PYTHON = (
    "langgraph",
    "langgraph-checkpoint-sqlite",
    "prefect",
    "dagster",
    "ray",
    "fastapi>=0.139,<0.142",
)
"""The newest FastAPI breaks Prefect 3.8."""
NODE = "node@24"
NODE_RED = "node-red@5"
N8N = {
    "dependencies": {"n8n": "2.41.1"},
    "overrides": {
        "linkedom": "0.18.12",
        "@langchain/core": "1.2.8",
        "@langchain/langgraph": "1.4.10",
        "@langchain/langgraph-checkpoint": "1.1.5",
        "@langchain/langgraph-sdk": "1.9.29",
    },
}
CONTAINERS_ONLY = ("Sim", "Dify", "Coze Studio", "Windmill", "Activepieces", "Kestra")
"""Come as images for containers; nothing can be installed without a daemon for these."""


class NotInstallableError(Exception):
    """A system cannot be installed here; the message says why."""


@dataclass(frozen=True, slots=True)
class Environments:
    """The folder of all environments; each is made when it is first asked for."""

    home: Path

    def python(self) -> Path:
        """The interpreter of LangGraph, Prefect, Dagster and Ray.

        Raises:
            NotInstallableError: the packages cannot be installed.
        """
        folder = self.home / "py"
        interpreter = folder / "bin" / "python"
        if not (folder / "bin" / "prefect").exists():
            _run([sys.executable, "-m", "venv", str(folder)], self.home)
            _run([str(interpreter), "-m", "pip", "install", "-q", *PYTHON], self.home)
        return interpreter

    def node_red(self) -> Path:
        """The program of Node-RED; raises as `python`."""
        return self._npm("nodered", NODE_RED, "node_modules/node-red/red.js")

    def n8n(self) -> Path:
        """The program of n8n; raises as `python`."""
        folder, program = self.home / "n8n", self.home / "n8n/node_modules/n8n/bin/n8n"
        built = folder / "node_modules/sqlite3/build/Release/node_sqlite3.node"
        if not program.exists() or not built.exists():
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "package.json").write_text(json.dumps(N8N))
            self._npm_in(folder, "--ignore-scripts", "--legacy-peer-deps")
            self._build(folder / "node_modules/sqlite3")
        return program

    def node(self) -> Path:
        """A Node new enough for both; raises as `python`."""
        return self._npm("node", NODE, "node_modules/node/bin/node", scripts=True)

    def surroundings(self) -> dict[str, str]:
        """Environment variables with that Node first."""
        return {**os.environ, "PATH": f"{self.node().parent}{os.pathsep}{os.environ['PATH']}"}

    def _npm(self, name: str, package: str, program: str, *, scripts: bool = False) -> Path:
        folder = self.home / name
        if not (folder / program).exists():
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "package.json").write_text("{}")
            self._npm_in(folder, package, scripts=scripts)
        if not (folder / program).exists():
            raise NotInstallableError(f"{package}: there is no {program} after its installation")
        return folder / program

    def _npm_in(self, folder: Path, *more: str, scripts: bool = False) -> None:
        npm = shutil.which("npm")
        if npm is None:
            raise NotInstallableError("there is no npm on this machine")
        env = None if scripts else self.surroundings()
        _run([npm, "install", "--no-audit", "--no-fund", *more], folder, env)

    def _build(self, folder: Path) -> None:
        """Build a native module against the headers of the machine's own Node."""
        npm, node = shutil.which("npm"), shutil.which("node")
        if npm is None or node is None:
            raise NotInstallableError("there is no node on this machine")
        gyp = Path(npm).resolve().parent.parent / "node_modules/node-gyp/bin/node-gyp.js"
        headers = Path(node).resolve().parent.parent
        command = [node, str(gyp), "rebuild", f"--nodedir={headers}"]
        _run(command, folder, self.surroundings())


def _run(command: list[str], folder: Path, env: dict[str, str] | None = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=1800, check=False
    )
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise NotInstallableError(f"{Path(command[0]).name}: {''.join(last)[:200]}")
