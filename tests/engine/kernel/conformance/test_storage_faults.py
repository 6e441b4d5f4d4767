"""Damaged checkpoints, and disks that are really full."""

import json
import logging
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.engine.kernel.backends.jobs import Numbers
from weft_engine.errors import ResourceError
from weft_engine.kernel import LocalEnvironment
from weft_engine.kernel.checkpoint import crash_points
from weft_engine.kernel.checkpoint.files import Files

ROOT = Path(__file__).parents[4]
COUNT = 3000


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


def pipeline(folder: Path, **more: Any) -> tuple[LocalEnvironment, Any]:
    config = {
        "parallelism": 2,
        "batch.size": 16,
        "seed": 5,
        "checkpoint.dir": str(folder),
        "checkpoint.interval": 20,
        **more,
    }
    env = LocalEnvironment("job", config, backend="inline")
    numbers = env.from_source(Numbers(COUNT, 4)).key_by(lambda n: n % 7).count()
    return env, numbers.collect()


def expected() -> list[tuple[int, int]]:
    return sorted((n % 7, n // 7 + 1) for n in range(COUNT))


def interrupted(folder: Path, checkpoints: int, **more: Any) -> None:
    """A job that has come so far when it was killed."""
    env, _ = pipeline(folder, **more)
    job = env.submit(wait=False)
    while len(job.checkpoints) < checkpoints:
        job.step()
    job.cancel()


def newest(folder: Path) -> tuple[Path, list[Path]]:
    """The newest manifest, and the parts that only it names."""
    storage = Files(folder, "job")
    first, second, *_ = storage.checkpoints()

    def parts(id_: int) -> set[str]:
        return {part.name for part in storage.manifest(id_).parts()}

    own = parts(first) - parts(second)
    return storage.root / f"manifest-{first}.json", [storage.root / name for name in sorted(own)]


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("what", ["manifest", "part"])
@pytest.mark.parametrize("damage", [truncate, empty, flip, Path.unlink])
def test_the_checkpoint_before_a_damaged_one_is_used(
    damage: Callable[[Path], None], what: str, tmp_path: Path
) -> None:
    interrupted(tmp_path, 4)
    manifest, parts = newest(tmp_path)
    assert parts
    damage(manifest if what == "manifest" else parts[-1])
    env, found = pipeline(tmp_path, parallelism=3)
    job = env.submit(wait=True, resume="latest")
    assert sorted(found.get()) == expected()
    assert bool(job.damaged) == (damage is not Path.unlink or what == "part")


def test_a_job_does_not_begin_anew_because_all_its_checkpoints_are_damaged(
    tmp_path: Path,
) -> None:
    interrupted(tmp_path, 3)
    for manifest in (tmp_path / "job").glob("manifest-*"):
        truncate(manifest)
    env, _ = pipeline(tmp_path)
    with pytest.raises(ResourceError) as failed:
        env.submit(wait=True, resume="latest")
    assert failed.value.code == "checkpoint.corrupt"


@pytest.mark.parametrize("state", ["heap", "disk"])
@pytest.mark.parametrize("point", [crash_points.BEFORE_PART, crash_points.BEFORE_MANIFEST])
def test_changes_of_a_checkpoint_that_could_not_be_written_are_in_the_next(
    point: str, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Incremental: what a snapshot has handed over is not kept twice."""
    count = 0

    def fail() -> None:
        nonlocal count
        count += 1
        if count % 5 == 4:
            raise ResourceError("no", code="checkpoint.storage_failed", retryable=True)

    monkeypatch.setitem(crash_points.hooks, point, fail)
    more = {
        "state.backend": state,
        "checkpoint.tolerable_failures": 100,
        "state.full_every": 50,
        "key.groups": 8,
        "restart.strategy": "fixed",
        "restart.attempts": 1000,
        "restart.delay": 1,
    }
    for rounds in range(4):
        env, found = pipeline(tmp_path, parallelism=1 + rounds % 2, **more)
        job = env.submit(wait=False, resume="latest" if rounds else None)
        while len(job.checkpoints) < 3 and job.state not in ("finished", "failed"):
            job.step()
        assert job.state != "failed", job.error
        job.cancel()
    assert count > 5
    crash_points.hooks.clear()
    env, found = pipeline(tmp_path, parallelism=3, **more)
    env.submit(wait=True, resume="latest")
    assert sorted(found.get()) == expected()


@pytest.mark.parametrize("what", ["checkpoints", "state", "out"])
def test_a_full_disk(what: str, tmp_path: Path) -> None:
    """The job stops and says why; with room again, it goes on where it was."""
    probe = f"unshare -rm mount -t tmpfs tmpfs {shlex.quote(str(tmp_path))}"
    if subprocess.run(probe, shell=True, capture_output=True, check=False).returncode:
        pytest.skip("small disks cannot be mounted here")
    command = [sys.executable, "-m", "tests.engine.kernel.conformance.full_disk"]
    done = subprocess.run(
        ["unshare", "-rm", *command, str(tmp_path), what],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-5000:]
    told = json.loads(done.stdout)
    if what == "checkpoints":
        assert told["code"] == "checkpoint.storage_full"
    assert told["code"]
