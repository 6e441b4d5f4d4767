"""What live jobs tell others on the same machine, in files: `weft monitor` reads them.

Every job has a folder: `job.json` (what it is, its process, its state), `metrics.json` (replaced as
a whole, every interval) and `log.jsonl` (its last megabytes). Values of the configuration are not
written, and of records only short samples in the log, without what looks like a secret.
"""

import json
import os
import platform
import re
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

FORMAT: Final = 1
JOB: Final = "job.json"
METRICS: Final = "metrics.json"
LOG: Final = "log.jsonl"
OVER: Final = frozenset({"finished", "failed", "cancelled", "lost"})
"""States in which nothing happens any more; `lost` is that of a job whose process is gone."""
KEEP: Final = 50
"""How many jobs that are over are kept."""
KEEP_S: Final = 7 * 24 * 3600.0
"""For how long."""
_UNSAFE: Final = re.compile(r"[^\w.-]")


def default_folder() -> Path:
    """The folder for jobs of the user: `$XDG_STATE_HOME/weft/jobs`."""
    home = os.environ.get("XDG_STATE_HOME", "")
    base = Path(home) if Path(home).is_absolute() else Path.home() / ".local" / "state"
    return base / "weft" / "jobs"


def folder_of(jobs: Path, id_: str) -> Path:
    """The folder of one job."""
    return jobs / (_UNSAFE.sub("_", id_).lstrip(".") or "_")


def make_folder(path: Path) -> None:
    """A folder that only its owner can look into.

    Raises:
        OSError: when it cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)


def replace_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a file so that a reader sees the old one or the new one, never half of it.

    Raises:
        OSError: when it cannot be written.
    """
    handle, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    try:
        with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123 - it is a descriptor
            json.dump(value, file, ensure_ascii=False, default=str)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def this_process() -> dict[str, Any]:
    """What a reader needs to see whether this process is still there."""
    return {"pid": os.getpid(), "host": platform.node(), "born": _born(os.getpid())}


def _born(pid: int) -> str:
    """When a process was started, as text that only serves for comparing; empty if unknown.

    A number of a process is used again some day; both together are not.
    """
    with suppress(OSError, IndexError, ValueError):
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return stat.rpartition(")")[2].split()[19]
    return ""


# Reading


@dataclass(frozen=True, slots=True)
class JobStatus:
    """A job as its files show it."""

    folder: Path
    id: str
    name: str
    state: str
    """As the job has said, or `lost`."""
    pid: int
    started_ms: int
    ended_ms: int | None = None
    attempt: int = 0
    about: Mapping[str, Any] = field(default_factory=dict)
    """All that stands in `job.json`."""

    @property
    def live(self) -> bool:
        """Whether it is at work."""
        return self.state not in OVER

    def metrics(self) -> dict[str, Any] | None:
        """Its latest metrics; None while there are none."""
        return _read(self.folder / METRICS)

    @property
    def logs(self) -> tuple[Path, ...]:
        """The files of its log, the older one first."""
        current = self.folder / LOG
        return (current.with_name(f"{LOG}.1"), current)


def jobs(folder: Path) -> list[JobStatus]:
    """All jobs of a folder, those that were started last first."""
    found = []
    with suppress(OSError):
        for path in folder.iterdir():
            status = read(path)
            if status is not None:
                found.append(status)
    return sorted(found, key=lambda each: each.started_ms, reverse=True)


def read(folder: Path) -> JobStatus | None:
    """The job that a folder belongs to; None when it is none."""
    about = _read(folder / JOB)
    if about is None or about.get("format") != FORMAT:
        return None
    try:
        state = str(about["state"])
        return JobStatus(
            folder,
            id=str(about["id"]),
            name=str(about["name"]),
            state=state if state in OVER or _alive(about) else "lost",
            pid=int(about["pid"]),
            started_ms=int(about["started_ms"]),
            ended_ms=about.get("ended_ms"),
            attempt=int(about.get("attempt", 0)),
            about=about,
        )
    except (KeyError, TypeError, ValueError):
        return None


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _alive(about: Mapping[str, Any]) -> bool:
    """Whether the process of a job is still there; on another machine nobody can tell."""
    if about.get("host") != platform.node():
        return True
    pid = int(about["pid"])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # it is there, and somebody else's
    return not about.get("born") or _born(pid) in ("", about["born"])


def prune(folder: Path, *, keep: int = KEEP, keep_s: float = KEEP_S) -> None:
    """Remove the jobs that have been over for long, and the oldest of too many."""
    over = [each for each in jobs(folder) if not each.live]
    oldest = (time.time() - keep_s) * 1000
    for number, status in enumerate(over):
        if number >= keep or (status.ended_ms or status.started_ms) < oldest:
            shutil.rmtree(status.folder, ignore_errors=True)
