"""A program that kills itself at a place in a checkpoint; run by `test_kills.py`.

Its sink moves files that were prepared to where they are visible.
"""

import json
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.engine.kernel.backends.jobs import Numbers, RunningSum, modulo, operator, plan
from weft_engine.kernel.backends.threads import Threads
from weft_engine.kernel.connectors import Sink, SinkWriter
from weft_engine.kernel.coordinator import start_job
from weft_engine.kernel.runtime.job_spec import JobSpec
from weft_engine.kernel.settings import Settings

COUNT = 300_000


class Folder(Sink[Any]):
    """A file for every epoch of every subtask."""

    delivery = "transactional"

    def __init__(self, root: Path) -> None:
        self.root = root

    def writer(self, subtask: int, parallelism: int, attempt: str) -> SinkWriter[Any]:
        return _Writer(self.root, attempt)

    def commit(self, committables: Sequence[Any]) -> None:
        for name in committables:
            prepared = self.root / f"{name}.prepared"
            if prepared.exists():
                prepared.rename(self.root / f"{name}.done")

    def recover(self, committables: Sequence[Any]) -> None:
        for path in self.root.glob("*.prepared"):
            path.unlink()


class _Writer:
    def __init__(self, root: Path, attempt: str) -> None:
        self._root = root
        self._attempt = attempt
        self._epoch = 0
        self._count = 0

    def write(self, values: Sequence[Any], /) -> None:
        self._count += len(values)
        self._last = getattr(self, "_last", {}) | dict(values)

    def prepare(self, checkpoint: int) -> Any:
        if not self._count:
            return None
        self._epoch += 1
        name = f"{self._attempt}-{self._epoch}"
        content = {"count": self._count, "last": self._last}
        (self._root / f"{name}.prepared").write_text(json.dumps(content))
        self._count, self._last = 0, {}
        return name

    def close(self) -> None:
        pass


def main(folder: Path) -> None:
    out = folder / "out"
    out.mkdir(exist_ok=True)
    made = plan(
        (operator("source", "numbers", source=Numbers(COUNT, 2)), 2, "forward", None),
        (operator("keyed_process", "sums", modulo, fn=RunningSum()), 2, "hash", modulo),
        (operator("sink", "one", sink=Folder(out)), 2, "forward", None),
        (operator("collect_results", "results"), 1, "gather", None),
    )
    settings = Settings(checkpoint_interval_s=0.05, checkpoint_dir=str(folder / "checkpoints"))
    running = start_job(JobSpec("kill-me", made, settings), Threads(), resume="latest")
    running.wait(120)
    assert threading.current_thread() is threading.main_thread()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
