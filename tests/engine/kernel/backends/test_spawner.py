"""The process that forks workers, when whoever has started it dies."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

BOOT = "import sys; from weft_engine.kernel.backends import spawner; spawner.main(int(sys.argv[1]))"


def test_it_clears_up_although_nobody_has_read_what_it_had_to_say(tmp_path: Path) -> None:
    """A connection that is closed with something unread in it is reset, not ended."""
    folder = tmp_path / "sockets"
    folder.mkdir()
    (folder / "hub").touch()
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-c", BOOT, str(theirs.fileno())]
    with subprocess.Popen(command, pass_fds=[theirs.fileno()], stderr=subprocess.PIPE) as spawner:
        theirs.close()
        request = {
            "name": "worker",
            "hub": str(folder / "hub"),
            "token": "00",
            "bind": str(folder),
            "path": sys.path,
            "environ": dict(os.environ),
            "directory": str(tmp_path),
        }
        with Path(os.devnull).open("wb") as out:
            data = json.dumps(request).encode() + b"\n"
            sent = socket.send_fds(ours, [data], [out.fileno(), out.fileno()])
            ours.sendall(data[sent:])
        assert ours.recv(1, socket.MSG_PEEK)  # the worker has ended: it could not reach the hub
        ours.close()
        assert spawner.stderr is not None
        told = spawner.stderr.read().decode()
    assert spawner.returncode == 0, told
    assert not folder.exists()
