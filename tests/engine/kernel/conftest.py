"""A Ray cluster for all tests, and a look at what tests leave behind."""

import contextlib
import gc
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from weft_engine.kernel.backends import fork_server
from weft_engine.kernel.backends.on_ray import OnRay
from weft_engine.kernel.io_loop import io_loop

PATIENCE = 60.0

_cluster: OnRay | None = None


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[OnRay]:
    """A backend whose cluster all tests share: Ray allows one a process, and takes seconds."""
    global _cluster
    _cluster = OnRay(workers=2, num_cpus=0.25, local_cpus=4)
    # As jobs do: it must outlive the thread that has started it.
    starter = threading.Thread(target=_cluster.cluster.connect)
    starter.start()
    starter.join()
    yield _cluster
    _end_cluster()


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End the cluster once no more tests want it, so that it is not beside all others."""
    if nextitem is None or nextitem.get_closest_marker("ray") is None:
        _end_cluster()


def _end_cluster() -> None:
    global _cluster
    if _cluster is not None:
        _cluster.close()
        _cluster = None


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for temporary files, in which nobody else puts any."""
    tmp_path_factory.getbasetemp()  # not in there
    folder = Path(tempfile.mkdtemp(prefix="wk-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left(scratch: Path) -> Iterator[None]:
    """No threads, processes, sockets or temporary files, once the tests of a file have run."""
    io_loop()  # it stays
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(scratch))
        patch.setattr(tempfile, "tempdir", str(scratch))
        before = _what_there_is(scratch)
        yield
        if _cluster is None:
            _gone(lambda: _what_there_is(scratch) - before)


def _what_there_is(scratch: Path) -> set[Any]:
    """But for what lives as long as the process: its loop, and the process that forks workers."""
    gc.collect()
    there: set[Any] = {
        thread
        for thread in threading.enumerate()
        if thread.name != "weft-fork-server" and not thread.name.startswith("asyncio_")
    }
    spawner = fork_server.shared()
    process, control = spawner._process, spawner._control
    for child in psutil.Process().children(recursive=True):
        if process is None or child.pid != process.pid:
            there.add(child)
    for number, name in [] if "ray" in sys.modules else _descriptors():  # it leaves some open
        if name.startswith("socket:") and (control is None or number != control.fileno()):
            there.add(f"{name} at {number}")
    there.update(scratch.glob("weft-*"))
    return there


def _descriptors() -> Iterator[tuple[int, str]]:
    for path in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # closed by now, such as that of this folder
            yield int(path.name), str(path.readlink())


def _gone(left: Callable[[], set[Any]]) -> None:
    end = time.monotonic() + PATIENCE
    while found := left():
        assert time.monotonic() < end, f"left behind: {found}"
        time.sleep(0.05)
