"""The files in which jobs say how they do."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from weft_engine.kernel import JobFailedError, LocalEnvironment, status


def run(folder: Path, fail: bool = False, **config: Any) -> Any:
    env = LocalEnvironment("a job/of mine", {"status.dir": str(folder), **config})
    env.from_collection([3, 2, 1, 0]).map(lambda x: 1 // x if fail else x).collect()
    return env.submit()


def test_a_job_that_has_finished(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "jobs"
    job = run(folder, parameters={"password": "hunter2"})
    (found,) = status.jobs(folder)
    assert (found.id, found.name, found.state) == (job.id, "a job/of mine", "finished")
    assert (found.pid, found.live) == (os.getpid(), False)
    assert found.ended_ms is not None
    assert found.metrics() == job.metrics().as_dict()
    assert found.about["plan"]["stages"][0]["operators"][0]["name"] == "source"
    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE(found.folder.stat().st_mode) == 0o700
    assert {path.name for path in found.folder.iterdir()} == {
        "job.json",
        "metrics.json",
        "log.jsonl",
    }
    assert "hunter2" not in "".join(path.read_text() for path in found.folder.iterdir())


def test_a_job_that_has_failed(tmp_path: Path) -> None:
    with pytest.raises(JobFailedError):
        run(tmp_path, fail=True)
    (found,) = status.jobs(tmp_path)
    assert found.state == "failed"
    error = found.about["error"]
    assert error["operator"] == "map"
    assert error["message"].startswith("ZeroDivisionError")


def test_a_folder_that_cannot_be_written_does_not_disturb(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert run(tmp_path / "file").state == "finished"


def test_a_job_whose_process_is_gone_is_lost(tmp_path: Path) -> None:
    code = (
        "import os, sys, time; from weft_engine.kernel import LocalEnvironment\n"
        "env = LocalEnvironment('gone', {'status.dir': sys.argv[1]})\n"
        "env.from_ticks(10).for_each(print)\n"
        "env.submit(); print('started', flush=True); time.sleep(300)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    while "started" not in process.stdout.readline():
        pass
    (found,) = status.jobs(tmp_path)
    assert found.live
    assert found.pid == process.pid
    process.kill()
    process.wait()
    process.stdout.close()
    (found,) = status.jobs(tmp_path)
    assert (found.state, found.live) == ("lost", False)


def test_another_process_with_the_same_number(tmp_path: Path) -> None:
    run(tmp_path)
    (found,) = status.jobs(tmp_path)
    about = {**found.about, "state": "running"}
    status.replace_json(found.folder / status.JOB, about)
    assert status.jobs(tmp_path)[0].live
    if about["born"]:
        status.replace_json(found.folder / status.JOB, {**about, "born": "1"})
        assert status.jobs(tmp_path)[0].state == "lost"
    status.replace_json(found.folder / status.JOB, {**about, "host": "elsewhere", "pid": 1 << 22})
    assert status.jobs(tmp_path)[0].live, "nobody can tell from here"


def test_old_jobs_are_removed(tmp_path: Path) -> None:
    ids = [run(tmp_path).id for _ in range(4)]
    status.prune(tmp_path, keep=2)
    assert {job.id for job in status.jobs(tmp_path)} == set(ids[2:])
    status.prune(tmp_path, keep_s=-1)
    assert status.jobs(tmp_path) == []


def test_jobs_at_work_are_not_removed(tmp_path: Path) -> None:
    run(tmp_path)
    (found,) = status.jobs(tmp_path)
    old = {**found.about, "state": "running", "started_ms": 0}
    status.replace_json(found.folder / status.JOB, old)
    status.prune(tmp_path, keep=0, keep_s=0)
    assert len(status.jobs(tmp_path)) == 1


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": 9, "id": "x"}'])
def test_files_that_say_nothing_are_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / status.JOB).write_text(text)
    assert status.jobs(tmp_path) == []


def test_a_reader_never_sees_half_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    status.replace_json(path, {"n": 0})
    with pytest.raises(TypeError):
        status.replace_json(path, {(1, 2): 3})  # type: ignore[dict-item]
    assert json.loads(path.read_text()) == {"n": 0}
    assert list(tmp_path.iterdir()) == [path]


def test_no_folder() -> None:
    assert status.jobs(Path("/nowhere/at/all")) == []
    assert status.default_folder().is_absolute()
