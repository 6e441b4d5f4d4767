"""A job whose disk becomes full, and that goes on when there is room; run by `test_storage_faults`.

    unshare -rm python -m tests.engine.kernel.conformance.full_disk <folder> <what>

`what` says what lies on the small disk: `checkpoints`, `state` or `out`.
"""

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from tests.engine.kernel.backends.jobs import Numbers
from tests.engine.kernel.conformance.chaos import lines, same
from weft_engine.errors import WeftError
from weft_engine.kernel import FileSink, LocalEnvironment
from weft_engine.kernel.connectors import Reader, ReaderContext

COUNT = 50_000
KEYS = 500


def key_of(number: int) -> int:
    return number % KEYS


FULL = threading.Event()
ROOM = threading.Event()


class Held(Numbers):
    """Most records come once the disk is full, and the last of them once it has room again."""

    def reader(self, split: Any, position: Any, context: ReaderContext) -> Reader[int]:
        return HeldReader(super().reader(split, position, context))


class HeldReader:
    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def read(self, limit: int) -> list[int] | None:
        at = self._reader.position()
        if (at > COUNT // 10 and not FULL.is_set()) or (at > COUNT * 9 // 10 and not ROOM.is_set()):
            return []
        found: list[int] | None = self._reader.read(limit)
        return found

    def position(self) -> int:
        at: int = self._reader.position()
        return at

    def close(self) -> None:
        pass


class Filler:
    """Fills the disk once there are so many checkpoints."""

    def __init__(self, disk: Path, at: int) -> None:
        self.path, self.at, self.count = disk / "filler", at, 0

    def __call__(self, event: Any) -> None:
        self.count += event.kind == "checkpoint"
        if event.kind == "checkpoint" and self.count == self.at:
            with self.path.open("wb", buffering=0) as file:
                try:
                    while True:
                        file.write(b"x" * 1024)
                except OSError:
                    FULL.set()


def environment(folder: Path, what: str) -> LocalEnvironment:
    places = {each: folder / each for each in ("checkpoints", "state", "out")}
    places[what] = folder / "disk" / what
    config = {
        "parallelism": 2,
        "batch.size": 64,
        "queue.records": 128,
        "checkpoint.dir": str(places["checkpoints"]),
        "checkpoint.interval": 20,
        "state.backend": "disk" if what == "state" else "heap",
        "state.dir": str(places["state"]),
        "restart.strategy": "fixed",
        "restart.attempts": 2,
        "restart.delay": 1,
    }
    env = LocalEnvironment("full", config)
    counts = env.from_source(Held(COUNT, 4)).key_by(key_of).count()
    counts.map(list).sink(FileSink(places["out"]))
    return env


def main(folder: Path, what: str) -> None:
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", disk], check=True)
    env = environment(folder, what)
    out = FileSink(disk / "out" if what == "out" else folder / "out")
    job = env.submit(wait=False)
    filler = Filler(disk, 1)
    job.listen(filler)
    code = ""
    try:
        job.wait(120)
    except WeftError as error:
        code = error.code
    before = lines(out.folder)
    assert len(before) == len(set(map(tuple, before))), "something is there twice"
    assert code, f"the disk was not full: {filler.count} checkpoints, {len(before)} records"
    filler.path.unlink()
    ROOM.set()
    env.submit(wait=True, resume="latest")
    wanted = [[key, n] for key in range(KEYS) for n in range(1, COUNT // KEYS + 1)]
    found = lines(out.folder)
    same(found, wanted, what)
    same([each for each in before if each not in found], [], "what was committed is still there")
    sys.stdout.write(json.dumps({"code": code, "before": len(before)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
