"""Jobs in actors of a real Ray, alone and side by side with worker processes."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.engine.kernel.backends.jobs import (
    TIMEOUT,
    Apply,
    Listener,
    Numbers,
    expected_sums,
    final,
    job,
    operator,
    plan,
    run,
    start,
    sums,
)
from weft_engine.errors import FlowError, ResourceError
from weft_engine.kernel.backends.hybrid import Hybrid
from weft_engine.kernel.backends.on_ray import OnRay
from weft_engine.kernel.backends.processes import Processes
from weft_engine.kernel.backends.threads import Threads
from weft_engine.kernel.runtime.messages import Failed, Lost
from weft_engine.kernel.runtime.own_folder import sweep

pytestmark = pytest.mark.ray


@pytest.fixture
def cluster(ray_cluster: OnRay) -> OnRay:
    return ray_cluster


def where(value: Any) -> Any:
    return value, os.getpid()


def test_the_same_results_as_threads(cluster: OnRay) -> None:
    spec = job(sums(20_000))
    found = run(cluster, spec)
    assert sorted(found) == sorted(run(Threads(), spec))
    assert final(found) == expected_sums(20_000)


def test_it_listens_to_this_machine_only_and_asks_for_a_token(cluster: OnRay) -> None:
    """Whoever reaches a port of Ray may run code."""
    assert cluster.host == "127.0.0.1"
    assert os.environ["RAY_AUTH_MODE"] == "token"
    checked = 0
    for process in psutil.Process().children(recursive=True):
        for connection in process.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN:
                assert connection.laddr.ip in ("127.0.0.1", "::ffff:127.0.0.1", "::1")
                checked += 1
    assert checked > 0


def test_there_is_no_dashboard(cluster: OnRay) -> None:
    with socket.socket() as knock:
        assert knock.connect_ex(("127.0.0.1", 8265)) != 0


def test_subtasks_run_in_two_actors(cluster: OnRay) -> None:
    program = plan(
        (operator("source", "numbers", source=Numbers(100)), 2, "forward", None),
        (operator("process_function", "where", fn=Apply(where)), 2, "rebalance", None),
        (operator("collect_results", "results"), 1, "gather", None),
    )
    found = run(cluster, job(program))
    assert sorted(value for value, _ in found) == list(range(100))
    pids = {pid for _, pid in found}
    assert len(pids) == 2
    assert os.getpid() not in pids


def test_a_closure_and_large_records_travel(cluster: OnRay) -> None:
    size = 10_000_000

    def grow(number: int) -> bytes:
        return bytes([number]) * size

    def measure(value: bytes) -> tuple[int, int]:
        return value[0], len(value)

    program = plan(
        (operator("source", "numbers", source=Numbers(6)), 2, "forward", None),
        (operator("process_function", "grow", fn=Apply(grow)), 2, "forward", None),
        (operator("process_function", "measure", fn=Apply(measure)), 2, "rebalance", None),
        (operator("collect_results", "results"), 1, "gather", None),
    )  # fmt: skip
    assert sorted(run(cluster, job(program))) == [(n, size) for n in range(6)]


def test_what_actors_print_is_seen(cluster: OnRay, capsys: pytest.CaptureFixture[str]) -> None:
    def say(value: int) -> None:
        sys.stdout.write(f"number {value}\n")

    program = plan(
        (operator("source", "numbers", source=Numbers(4)), 2, "forward", None),
        (operator("process_function", "print", fn=Apply(say)), 2, "forward", None),
    )
    run(cluster, job(program))
    printed = capsys.readouterr().out.splitlines()
    assert sorted(printed) == [f"number {n}" for n in range(4)]


def divide(value: int) -> int:
    return 1 // (value - 5)


def test_what_an_operator_raises_is_reported(cluster: OnRay) -> None:
    program = plan(
        (operator("source", "numbers", source=Numbers(10)), 2, "forward", None),
        (operator("process_function", "divide", fn=Apply(divide)), 2, "rebalance", None),
    )  # fmt: skip
    listener = Listener()
    deployment = cluster.deploy(job(program), {}, 0, listener)
    report = listener.until(Failed).report
    deployment.stop(30)
    assert (report.uid, report.type, report.sample) == ("divide", "ZeroDivisionError", 5)


def test_actors_are_used_again_and_a_killed_one_is_replaced(cluster: OnRay) -> None:
    assert cluster.host
    backend = OnRay(workers=2, num_cpus=0.25)
    try:
        joined = backend.pools[""]._joined
        run(backend, job(sums(1000)))
        before = {name for name, link in joined.items() if link.lost is None}
        deployment, listener = start(backend, job(sums(None)))
        victim = next(link for link in joined.values() if link.name in before)
        os.kill(victim.pid, signal.SIGKILL)
        lost = listener.until((Lost, Failed))
        assert isinstance(lost, Lost), lost
        assert lost.worker == victim.name
        assert "actor" in lost.reason
        deployment.stop(30)
        assert final(run(backend, job(sums(1000)))) == expected_sums(1000)
        after = {name for name, link in joined.items() if link.lost is None}
        assert len(after) == len(before) == 2
        assert len(after & before) == 1
    finally:
        backend.close()


def test_a_cluster_has_room_for_so_many_workers(cluster: OnRay) -> None:
    other = OnRay(num_cpus=2.0)
    assert other.pools[""].capacity() == 2
    assert other._wanted(job(sums(10, 5))) == {"": 2}
    other.close()
    # The cluster belongs to the one that has started it.
    assert final(run(cluster, job(sums(1000)))) == expected_sums(1000)


def test_some_stages_here_and_some_on_ray(cluster: OnRay) -> None:
    """Two processes and two actors; the source and the sink stay here."""
    placements = ("", "ray", "")
    program = plan(
        (operator("source", "numbers", source=Numbers(5000)), 2, "forward", None),
        (operator("process_function", "where", fn=Apply(where)), 2, "rebalance", None),
        (operator("process_function", "here", fn=Apply(where)), 2, "forward", None),
        (operator("collect_results", "results"), 1, "gather", None),
        placements=(*placements, ""),
    )
    on_ray = OnRay(workers=2, num_cpus=0.25)
    backend = Hybrid({"local": Processes(2), "ray": on_ray})
    try:
        found = run(backend, job(program))
        assert sorted(value for ((value, _), _) in found) == list(range(5000))
        there, here = ({item[0][1] for item in found}, {item[1] for item in found})
        assert len(there) == len(here) == 2
        assert {psutil.Process(pid).name() for pid in there} != {
            psutil.Process(pid).name() for pid in here
        }
        assert not there & here
        with pytest.raises(ResourceError, match="'gpu'") as caught:
            backend.deploy(job(sums(10, 2, ("", "gpu", ""))), {}, 0, Listener())
        assert caught.value.code == "kernel.no_workers"
    finally:
        backend.close()


def test_a_cluster_of_somebody_elses(cluster: OnRay) -> None:
    """A program of its own connects to the cluster by its address, and leaves it as it was."""
    import ray  # noqa: PLC0415

    address = ray.get_runtime_context().gcs_address
    script = """
import sys
from tests.engine.kernel.backends.jobs import expected_sums, final, job, run, sums
from weft_engine.kernel.backends.on_ray import OnRay
backend = OnRay(sys.argv[1], workers=2, num_cpus=0.25)
assert final(run(backend, job(sums(1000)))) == expected_sums(1000)
backend.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", script, address],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True, text=True, timeout=TIMEOUT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert final(run(cluster, job(sums(1000)))) == expected_sums(1000)


@pytest.mark.parametrize(
    "address", ["127.0.0.1:1", "nowhere.invalid:6379", "ray://127.0.0.1:10001", "127.0.0.1:http"]
)
def test_a_cluster_that_is_not_there(address: str) -> None:
    """In a process of its own, because this one may be connected already."""
    script = """
import sys
from tests.engine.kernel.backends.jobs import Listener, job, sums
from weft_engine.errors import ResourceError
from weft_engine.kernel.backends.on_ray import OnRay
backend = OnRay(sys.argv[1])
try:
    backend.deploy(job(sums(10)), {}, 0, Listener())
except ResourceError as error:
    print(error.code, error.message)
backend.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", script, address],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True, text=True, timeout=TIMEOUT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"kernel.ray_unreachable The Ray cluster at {address}")


def test_a_module_that_actors_do_not_have_is_named(cluster: OnRay, tmp_path: Path) -> None:
    (tmp_path / "only_there.py").write_text("def double(n):\n    return 2 * n\n")
    sys.path.insert(0, str(tmp_path))
    try:
        import only_there  # type: ignore[import-not-found] # noqa: PLC0415
    finally:
        sys.path.remove(str(tmp_path))
    program = plan(
        (operator("source", "numbers", source=Numbers(10)), 1, "forward", None),
        (operator("process_function", "double", fn=Apply(only_there.double)), 1, "forward", None),
    )
    with pytest.raises(FlowError, match="only_there") as caught:
        cluster.deploy(job(program), {}, 0, Listener())
    assert caught.value.code == "kernel.worker_import"
    assert final(run(cluster, job(sums(1000)))) == expected_sums(1000)


def test_actors_do_not_outlive_their_coordinator() -> None:
    script = """
import sys
from tests.engine.kernel.backends.jobs import job, start, sums
from weft_engine.kernel.backends.on_ray import OnRay
backend = OnRay(workers=2, num_cpus=0.25, local_cpus=2)
deployment, listener = start(backend, job(sums(None)))
print(backend.cluster._folder.path)
print(*[link.pid for link in backend.pools[""]._joined.values()], flush=True)
sys.stdin.read()
"""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    ) as coordinator:  # fmt: skip
        assert coordinator.stdout is not None
        folder = coordinator.stdout.readline().strip()
        pids = [int(pid) for pid in coordinator.stdout.readline().split()]
        processes = [psutil.Process(pid) for pid in pids]
        # Ray's own agents look only once a minute whether their node is still there.
        children = psutil.Process(coordinator.pid).children(recursive=True)
        agents = [process for process in children if process.name().endswith("Agent")]
        processes += [one for one in children if one not in agents and one.pid not in pids]
        coordinator.kill()
        coordinator.wait(TIMEOUT)
        _, alive = psutil.wait_procs(processes, TIMEOUT)
        assert not alive
    for agent in agents:
        with contextlib.suppress(psutil.NoSuchProcess):
            agent.kill()
    psutil.wait_procs(agents, TIMEOUT)
    sweep("weft-ray-", str(Path(folder).parent), young_s=0)  # as the next coordinator does
    assert not Path(folder).exists()
