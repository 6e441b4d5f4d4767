"""Jobs in worker processes: results, failures, and nothing left behind."""

import contextlib
import gc
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.engine.kernel.backends.jobs import (
    TIMEOUT,
    Apply,
    Listener,
    Numbers,
    RunningSum,
    checkpoint,
    expected_sums,
    final,
    job,
    modulo,
    operator,
    plan,
    run,
    start,
    sums,
)
from weft_engine.errors import FlowError, ResourceError
from weft_engine.kernel.backends.hybrid import Hybrid
from weft_engine.kernel.backends.link import WorkerLink
from weft_engine.kernel.backends.placement import deal, links
from weft_engine.kernel.backends.processes import Processes
from weft_engine.kernel.backends.threads import Threads
from weft_engine.kernel.coordinator import JobEvent, start_job
from weft_engine.kernel.runtime.messages import Acknowledged, Failed, Lost, Measured, Restore
from weft_engine.kernel.runtime.wiring import channels_into
from weft_engine.kernel.settings import Restart
from weft_engine.kernel.transport.connection import Connection
from weft_engine.kernel.transport.handshake import MAGIC


@pytest.fixture(scope="module")
def shared() -> Iterator[Processes]:
    backend = Processes()
    yield backend
    backend.close()


@pytest.fixture
def own() -> Iterator[Processes]:
    backend = Processes()
    yield backend
    backend.close()


def worker_pids(backend: Processes) -> list[int]:
    """Those that are alive, in the order in which they were made."""
    return [link.pid for link in alive(backend)]


def worker_names(backend: Processes) -> list[str]:
    return [link.name for link in alive(backend)]


def alive(backend: Processes) -> list[WorkerLink]:
    links = [link for link in backend.pools[""]._joined.values() if link.lost is None]
    return sorted(links, key=lambda link: int(link.name.rpartition("-")[2]))


def gone(pids: list[int]) -> bool:
    there = []
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            there.append(psutil.Process(pid))
    _, left = psutil.wait_procs(there, TIMEOUT)
    return not left


# Placement


def test_subtasks_of_one_number_are_together() -> None:
    placed = deal(sums(1, 3), {"": ["a", "b"]}, "")
    assert placed == {
        (0, 0): "a", (0, 1): "b", (0, 2): "a",
        (1, 0): "a", (1, 1): "b", (1, 2): "a",
        (2, 0): "a",
    }  # fmt: skip


def test_a_stage_goes_where_its_label_says() -> None:
    placed = deal(sums(1, 2, ("", "gpu", "")), {"local": ["a", "b"], "gpu": ["g"]}, "local")
    assert {place[0]: set() for place in placed} == {0: set(), 1: set(), 2: set()}
    assert [placed[1, 0], placed[1, 1]] == ["g", "g"]
    assert [placed[0, 0], placed[0, 1], placed[2, 0]] == ["a", "b", "a"]


def test_a_label_that_nobody_has_is_named() -> None:
    with pytest.raises(ResourceError, match="'gpu'") as caught:
        deal(sums(1, 2, ("", "gpu", "")), {"local": ["a"]}, "local")
    assert caught.value.code == "kernel.no_workers"


def test_channels_are_numbered_as_the_gates_number_them() -> None:
    program = sums(1, 3)
    for link in links(program):
        into = channels_into(program, *link.target)
        edge, channel = into[link.input]
        assert (edge, channel.source) == (link.edge, link.source[1])
    numbers = [link.number for link in links(program)]
    assert numbers == list(range(len(numbers))) == list(range(9 + 3))


# Results


@pytest.mark.parametrize("parallelism", [1, 2, 4])
@pytest.mark.parametrize("batch_size", [1, 1024])
def test_the_same_results_as_threads(shared: Processes, parallelism: int, batch_size: int) -> None:
    count = 2000 if batch_size == 1 else 20_000
    spec = job(sums(count, parallelism), batch_size=batch_size, workers=2)
    threads, processes = run(Threads(), spec), run(shared, spec)
    assert len(processes) == len(threads) == count
    assert final(processes) == final(threads) == expected_sums(count)
    assert sorted(processes) == sorted(threads)


@pytest.mark.parametrize("exchange", ["forward", "rebalance", "broadcast", "gather"])
def test_every_exchange(shared: Processes, exchange: Any) -> None:
    program = plan(
        (operator("source", "numbers", source=Numbers(1000)), 2, "forward", None),
        (operator("process_function", "plus", fn=Apply(lambda x: x + 1)), 2, exchange, None),
        (operator("collect_results", "results"), 1, "gather", None),
    )
    times = 2 if exchange == "broadcast" else 1
    assert sorted(run(shared, job(program))) == sorted([n + 1 for n in range(1000)] * times)


def test_functions_of_all_kinds_travel(shared: Processes) -> None:
    offset = 5

    class Local:
        def __init__(self, number: int) -> None:
            self.number = number

    def closure(value: int) -> Any:
        return Local(value + offset)

    program = plan(
        (operator("source", "numbers", source=Numbers(100)), 2, "forward", None),
        (operator("process_function", "wrap", fn=Apply(closure)), 2, "forward", None),
        (operator("process_function", "open", fn=Apply(lambda x: x.number)), 2, "rebalance", None),
        (operator("collect_results", "results"), 1, "gather", None),
    )
    assert sorted(run(shared, job(program))) == list(range(5, 105))


def test_large_records_pass(shared: Processes) -> None:
    program = plan(
        (operator("source", "numbers", source=Numbers(12)), 2, "forward", None),
        (
            operator("process_function", "grow", fn=Apply(lambda n: bytes([n]) * 10_000_000)),
            2,
            "forward",
            None,
        ),
        (
            operator("process_function", "size", fn=Apply(lambda b: (b[0], len(b)))),
            2,
            "rebalance",
            None,
        ),
        (operator("collect_results", "results"), 1, "gather", None),
    )
    found = sorted(run(shared, job(program)))
    assert found == [(number, 10_000_000) for number in range(12)]


def test_many_channels(shared: Processes) -> None:
    """32 × 32 channels twice, over connections between two workers."""
    program = plan(
        (operator("source", "numbers", source=Numbers(20_000, 32)), 32, "forward", None),
        (operator("process_function", "one", fn=Apply(lambda n: n)), 32, "rebalance", None),
        (operator("process_function", "two", fn=Apply(lambda n: n)), 32, "rebalance", None),
        (operator("collect_results", "results"), 1, "gather", None),
    )
    assert sorted(run(shared, job(program, workers=2))) == list(range(20_000))


def test_a_slow_reader_bounds_its_sender(shared: Processes, tmp_path: Path) -> None:
    """A source that could give millions is held back to what fits into the channels."""
    read, go = tmp_path / "read", tmp_path / "go"
    os.mkfifo(go)

    def note(value: int) -> int:
        with read.open("a") as file:
            file.write(f"{value}\n")
        return value

    def wait(value: int) -> int:
        if value == 0:
            go.open("rb").close()  # until somebody opens it for writing
        return value

    limit = 100
    program = plan(
        (
            (
                operator("source", "numbers", source=Numbers(5000, 1)),
                operator("process_function", "note", fn=Apply(note)),
            ),
            2,
            "forward",
            None,
        ),
        (operator("process_function", "slow", fn=Apply(wait)), 2, "rebalance", None),
        (operator("collect_results", "results"), 1, "gather", None),
    )
    spec = job(program, queue_records=limit, batch_size=10)
    deployment, listener = start(shared, spec)
    last = -1
    while True:
        # It stands still: the same after the coordinator has heard of counters once more.
        sample = listener.any()
        assert not isinstance(sample, Failed | Lost), sample
        count = len(read.read_text().splitlines()) if read.exists() else 0
        if count and count == last and isinstance(sample, Measured):
            break
        last = count
    assert 0 < count <= 4 * limit
    with go.open("wb"):
        pass
    listener.all_finished(spec)
    deployment.stop(30)
    assert sorted(listener.committed("results")) == list(range(5000))


def test_several_backends_in_one_job_and_at_once(shared: Processes) -> None:
    """By label; what has no workers of its own gets worker processes."""
    where = Apply(lambda value: (value, os.getpid()))
    program = plan(
        (operator("source", "numbers", source=Numbers(1000)), 2, "forward", None),
        (operator("process_function", "there", fn=where), 2, "rebalance", None),
        (operator("process_function", "here", fn=where), 2, "rebalance", None),
        (operator("collect_results", "results"), 1, "gather", None),
        placements=("", "other", "", ""),
    )
    held, _ = start(shared, job(sums(None)))
    backend = Hybrid({"main": Processes(2), "other": Threads()})
    found = run(backend, job(program))
    backend.close()
    assert sorted(value for (value, _), _ in found) == list(range(1000))
    there, here = {item[0][1] for item in found}, {item[1] for item in found}
    assert (len(there), len(here), there & here) == (2, 2, set())
    # Closing one backend leaves the workers of another alone.
    assert len(worker_pids(shared)) >= 2
    held.stop(30)
    assert final(run(shared, job(sums(1000)))) == expected_sums(1000)


# Reports and commands


def test_checkpoints_and_restore(shared: Processes) -> None:
    spec = job(sums(None))
    deployment, listener = start(shared, spec)
    checkpoint(deployment, 1)
    taken: dict[tuple[int, int], Acknowledged] = {}
    while len(taken) < 5:
        report = listener.until(Acknowledged)
        assert report.checkpoint == 1
        taken[report.subtask.stage, report.subtask.index] = report
    deployment.committed(1)
    deployment.stop(30)
    positions = [taken[0, index].snapshot.pieces["numbers"] for index in range(2)]
    assert all(positions)
    restore = {(0, index): Restore(1, {"numbers": positions[index]}) for index in range(2)}
    deployment, listener = start(shared, spec, restore)
    checkpoint(deployment, 2)
    while (report := listener.until(Acknowledged)).subtask.stage != 0:
        pass
    index = report.subtask.index
    deployment.stop(30)
    assert report.snapshot.pieces["numbers"][0].position >= positions[index][0].position
    assert positions[index][0].position > 2


def test_what_an_operator_raises_is_reported(shared: Processes) -> None:
    def wrong(value: int) -> int:
        if value == 77:
            raise ValueError("no 77 here")
        return value

    program = plan(
        (operator("source", "numbers", source=Numbers(1000)), 2, "forward", None),
        (operator("process_function", "picky", fn=Apply(wrong)), 2, "rebalance", None),
        (operator("collect_results", "results"), 1, "gather", None),
    )
    listener = Listener()
    deployment = shared.deploy(job(program), {}, 3, listener)
    report = listener.until(Failed)
    deployment.stop(30)
    assert report.subtask.attempt == 3
    assert (report.report.uid, report.report.type) == ("picky", "ValueError")
    assert report.report.message == "no 77 here"
    assert report.report.sample == 77
    assert report.error is None


def test_a_record_that_cannot_leave_its_process_is_named(shared: Processes) -> None:
    program = plan(
        (operator("source", "numbers", source=Numbers(10)), 2, "forward", None),
        (
            operator("process_function", "lock", fn=Apply(lambda n: threading.Lock())),
            2,
            "forward",
            None,
        ),
        (operator("process_function", "next", fn=Apply(lambda n: n)), 2, "rebalance", None),
    )
    listener = Listener()
    deployment = shared.deploy(job(program), {}, 0, listener)
    report = listener.until(Failed)
    deployment.stop(30)
    assert report.report.code == "kernel.unpicklable"
    assert "lock" in report.report.message


def test_a_function_that_cannot_be_sent_is_named(shared: Processes) -> None:
    lock = threading.Lock()
    program = plan(
        (operator("source", "numbers", source=Numbers(10)), 2, "forward", None),
        (
            operator("process_function", "guarded", fn=Apply(lambda n: lock.locked())),
            2,
            "forward",
            None,
        ),
    )
    with pytest.raises(FlowError, match="'fn' of operator 'guarded' cannot be sent") as caught:
        shared.deploy(job(program), {}, 0, Listener())
    assert caught.value.code == "kernel.unpicklable"
    assert caught.value.params == {"name": "guarded"}


def test_a_module_that_workers_do_not_have_is_named(
    own: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "only_here.py").write_text("def double(n):\n    return 2 * n\n")
    monkeypatch.syspath_prepend(tmp_path)
    import only_here  # type: ignore[import-not-found] # noqa: PLC0415

    program = plan(
        (operator("source", "numbers", source=Numbers(10)), 1, "forward", None),
        (operator("process_function", "double", fn=Apply(only_here.double)), 1, "forward", None),
        (operator("collect_results", "results"), 1, "forward", None),
    )
    # The worker gets the path that the program has; a second one after the module is gone.
    assert sorted(run(own, job(program))) == [2 * n for n in range(10)]
    own.close()
    (tmp_path / "only_here.py").unlink()
    for cached in (tmp_path / "__pycache__").glob("*"):
        cached.unlink()
    backend = Processes()
    with pytest.raises(FlowError, match="only_here") as caught:
        backend.deploy(job(program), {}, 0, Listener())
    backend.close()
    assert caught.value.code == "kernel.worker_import"


def test_a_program_without_a_main_guard(tmp_path: Path) -> None:
    """What `__main__` defines travels, its classes stay the same, and it does not run twice."""
    script = tmp_path / "program.py"
    script.write_text(
        """
import sys
from dataclasses import dataclass
from tests.engine.kernel.backends.jobs import Apply, Numbers, job, operator, plan, run
from weft_engine.kernel.backends.processes import Processes

print("the program runs", flush=True)

@dataclass
class Point:
    x: int

def point(n):
    return Point(n)

def same(p):
    sys.stdout.write(f"at {p.x}\\n")
    return Point(p.x + 1) if isinstance(p, Point) else None

backend = Processes()
found = run(backend, job(plan(
    (operator("source", "numbers", source=Numbers(3)), 2, "forward", None),
    (operator("process_function", "point", fn=Apply(point)), 2, "forward", None),
    (operator("process_function", "same", fn=Apply(same)), 2, "rebalance", None),
    (operator("collect_results", "results"), 1, "gather", None),
)))
backend.close()
assert all(type(point) is Point for point in found), found
print(sorted(point.x for point in found))
"""
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True, text=True, timeout=TIMEOUT, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "the program runs"
    assert sorted(lines[1:4]) == ["at 0", "at 1", "at 2"]
    assert lines[4:] == ["[1, 2, 3]"]
    assert done.stderr == ""


def say(value: int) -> None:
    sys.stdout.write(f"number {value}\n")


def test_what_workers_print_is_seen(shared: Processes, capfd: pytest.CaptureFixture[str]) -> None:
    backend = Processes()
    program = plan(
        (operator("source", "numbers", source=Numbers(4)), 2, "forward", None),
        (
            operator("process_function", "print", fn=Apply(say)),
            2,
            "forward",
            None,
        ),
    )
    run(backend, job(program))
    backend.close()
    assert sorted(capfd.readouterr().out.splitlines()) == [f"number {n}" for n in range(4)]


def test_what_workers_log_is_heard(shared: Processes, caplog: pytest.LogCaptureFixture) -> None:
    def note(value: int) -> None:
        log = logging.getLogger("a.program")
        log.debug("too quiet: %s", value)
        try:
            raise KeyError(value)
        except KeyError:
            log.exception("number %s", threading.Lock() and value, extra={"color": "green"})

    program = plan(
        (operator("source", "numbers", source=Numbers(2)), 1, "forward", None),
        (operator("process_function", "log", fn=Apply(note)), 1, "forward", None),
    )
    with caplog.at_level(logging.INFO):
        run(shared, job(program))
    heard = [record for record in caplog.records if record.name == "a.program"]
    assert [record.getMessage() for record in heard] == ["number 0", "number 1"]
    assert {record.levelname for record in heard} == {"ERROR"}
    assert "KeyError: 1" in (heard[1].exc_text or "")
    assert heard[0].color == "green"  # type: ignore[attr-defined]
    assert heard[0].process != os.getpid()


# Workers that end


def test_workers_are_used_again(own: Processes) -> None:
    spec = job(sums(1000))
    run(own, spec)
    before = sorted(worker_pids(own))
    run(own, spec)
    deployment, _ = start(own, job(sums(None)))
    deployment.stop(30)
    run(own, spec)
    assert sorted(worker_pids(own)) == before
    assert len(before) == 2


def test_two_jobs_at_once(own: Processes) -> None:
    deployment, _ = start(own, job(sums(None)))
    assert final(run(own, job(sums(1000)))) == expected_sums(1000)
    deployment.stop(30)
    assert len(worker_pids(own)) == 4


@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_worker_is_noticed(own: Processes, victim: int) -> None:
    deployment, listener = start(own, job(sums(None)))
    pids = worker_pids(own)
    names = worker_names(own)
    os.kill(pids[victim], signal.SIGKILL)
    lost = listener.until((Lost, Failed))
    assert isinstance(lost, Lost), lost
    assert lost.worker == names[victim]
    assert lost.reason == "its process was killed by signal SIGKILL"
    deployment.stop(30)
    assert final(run(own, job(sums(1000)))) == expected_sums(1000)


def test_a_worker_that_leaves_is_noticed(own: Processes) -> None:
    program = plan(
        (operator("source", "numbers", source=Numbers(10)), 1, "forward", None),
        (
            operator("process_function", "leave", fn=Apply(lambda n: os._exit(7))),
            1,
            "forward",
            None,
        ),
    )
    listener = Listener()
    deployment = own.deploy(job(program), {}, 0, listener)
    assert listener.until(Lost).reason == "its process ended with status 7"
    deployment.stop(30)


def test_a_function_that_does_not_come_back_is_killed(own: Processes, tmp_path: Path) -> None:
    here, pipe = tmp_path / "here", tmp_path / "never"
    os.mkfifo(here)
    os.mkfifo(pipe)

    def hang(value: int) -> str:
        here.open("wb").close()
        return pipe.open().read()

    program = plan(
        (operator("source", "numbers", source=Numbers(10)), 1, "forward", None),
        (
            operator("process_function", "hang", fn=Apply(hang)),
            1,
            "forward",
            None,
        ),
    )
    deployment, _ = start(own, job(program))
    pids = worker_pids(own)
    here.open("rb").close()  # now it hangs
    deployment.stop(0.1)
    assert gone(pids)
    assert final(run(own, job(sums(1000)))) == expected_sums(1000)


def test_a_stopped_worker_is_noticed_by_its_silence(
    own: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    from weft_engine.kernel.backends import link  # noqa: PLC0415

    monkeypatch.setattr(link, "HEARTBEAT_S", 0.2)
    monkeypatch.setattr(link, "SILENCE_S", 8.0)
    deployment, listener = start(own, job(sums(None)))
    pids = worker_pids(own)
    names = worker_names(own)
    os.kill(pids[0], signal.SIGSTOP)
    lost = listener.until((Lost, Failed))
    assert isinstance(lost, Lost)
    assert lost.worker == names[0]
    assert "said nothing" in lost.reason
    deployment.stop(30)
    assert gone(pids[:1])


def test_closing_leaves_nothing_behind(own: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/tmp")  # short enough for sockets
    run(own, job(sums(1000)))
    folder = own.pools[""]._launcher._folder  # type: ignore[attr-defined]
    pids = worker_pids(own)
    assert folder.exists()
    own.close()
    assert gone(pids)
    assert not folder.exists()
    with pytest.raises(ResourceError, match="let go"):
        own.deploy(job(sums(10)), {}, 0, Listener())


COORDINATOR = """
import sys
from tests.engine.kernel.backends.jobs import job, start, sums
from weft_engine.kernel.backends.processes import Processes

backend = Processes()
deployment, listener = start(backend, job(sums(None)))
print(*[link.pid for link in backend.pools[""]._joined.values()], flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, None])
def test_workers_do_not_outlive_their_coordinator(how: signal.Signals | None) -> None:
    """Killed, terminated, or ending by itself without letting go of anything."""
    with subprocess.Popen(
        [sys.executable, "-c", COORDINATOR],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    ) as coordinator:  # fmt: skip
        assert coordinator.stdout is not None
        assert coordinator.stdin is not None
        pids = [int(pid) for pid in coordinator.stdout.readline().split()]
        assert len(pids) == 2
        spawner = psutil.Process(pids[0]).ppid()
        if how is not None:
            coordinator.send_signal(how)
        else:
            coordinator.stdin.close()
        coordinator.wait(TIMEOUT)
        assert gone([*pids, spawner])


# Connections that break


def cut_data(value: int) -> int:
    """Cut this worker's data connections, which leaves both workers alive."""
    if value == 500:
        for thing in gc.get_objects():
            if isinstance(thing, Connection) and thing.peer.startswith("worker"):
                thing.shutdown()
    return value


def test_a_data_connection_that_breaks_is_reported(own: Processes) -> None:
    program = plan(
        (operator("source", "numbers", source=Numbers(None)), 2, "forward", None),
        (operator("process_function", "cut", fn=Apply(cut_data)), 2, "rebalance", None),
        (operator("process_function", "next", fn=Apply(cut_data)), 2, "rebalance", None),
    )
    listener = Listener()
    deployment = own.deploy(job(program), {}, 0, listener)
    names = worker_names(own)
    lost = listener.until((Lost, Failed))
    deployment.stop(30)
    assert isinstance(lost, Lost), lost
    assert "data connection between the workers" in lost.reason
    assert all(name in lost.reason for name in names)
    assert final(run(own, job(sums(1000)))) == expected_sums(1000)


def test_strangers_at_the_hub_are_turned_away(own: Processes) -> None:
    deployment, _ = start(own, job(sums(None)))
    hub = own.pools[""]._hub
    assert hub is not None
    for said in (b"", b"GET / HTTP/1.1\r\n\r\n" + bytes(100), MAGIC + bytes(32 + 32)):
        family = socket.AF_UNIX if isinstance(hub.address, str) else socket.AF_INET
        with socket.socket(family) as stranger:
            stranger.connect(hub.address)
            stranger.sendall(said)
            stranger.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionResetError):
                while stranger.recv(1000):
                    pass
    deployment.stop(30)
    assert len(worker_pids(own)) == 2
    assert final(run(own, job(sums(1000)))) == expected_sums(1000)


# With a coordinator


def test_exact_results_through_kills(own: Processes, tmp_path: Path) -> None:
    """Workers are killed while it runs; every record counts once all the same."""
    count, kills = 400_000, 3
    restart = Restart("fixed", attempts=20, delay_s=0.0)
    settings = {"checkpoint_interval_s": 0.05, "checkpoint_dir": str(tmp_path), "restart": restart}
    program = plan(
        (operator("source", "numbers", source=Numbers(count)), 2, "forward", None),
        (operator("keyed_process", "sums", modulo, fn=RunningSum()), 2, "hash", modulo),
        (operator("collect_results", "results"), 2, "forward", None),
    )
    completed = threading.Event()

    def listen(event: JobEvent) -> None:
        if event.kind == "checkpoint":
            completed.set()

    started = start_job(job(program, **settings), own, listeners=[listen])
    killed = 0
    for _ in range(kills):
        completed.clear()
        if not completed.wait(TIMEOUT) or started.state != "running":
            break
        pids = worker_pids(own)
        if pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pids[0], signal.SIGKILL)
                killed += 1
    started.wait(TIMEOUT)
    assert killed > 0
    records = started.results["results"]
    assert len(records) == count
    assert final(sorted(records)) == expected_sums(count)
