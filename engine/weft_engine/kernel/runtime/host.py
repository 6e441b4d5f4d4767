"""What all subtasks of a job in one process share."""

import logging
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from weft_engine.errors import ResourceError
from weft_engine.kernel.physical import Stage
from weft_engine.kernel.runtime.failure_report import (
    make_report,
    unspeakable,
    unwrapped,
    with_refused_key,
)
from weft_engine.kernel.runtime.job_spec import JobSpec
from weft_engine.kernel.runtime.messages import Failed, SubtaskId
from weft_engine.kernel.runtime.watch import Watch

log = logging.getLogger("weft_engine.kernel.job")
_WRITERS: Final = 4


def wall_clock() -> int:
    """Processing time, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Host:
    """Services, threads that write checkpoints, the log, and folders for state on disk."""

    def __init__(
        self,
        spec: JobSpec,
        worker: str = "local",
        *,
        threads: bool = True,
        seconds: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] | None = None,
        on_wake: Callable[[], None] | None = None,
    ) -> None:
        """Make the surroundings of a job's subtasks.

        Args:
            spec: The job.
            worker: The name of the process, for logs.
            threads: Whether checkpoints are written in other threads.
            seconds: A clock that goes like processing time, for deadlines.
            sleep: Lets processing time pass, where time is not real.
            on_wake: Told when an operator wakes its subtask; from any thread.
        """
        self.spec = spec
        self.worker = worker
        self.seconds = seconds
        self.sleep = sleep
        self.on_wake = on_wake
        self.watch = Watch(spec.settings.metrics_interval_s if threads else 0)
        """Measures subtasks that are held up."""
        self._threads = threads
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._folder: Path | None = None
        self._services: Any = None
        self._closed = False

    def write(self, work: Callable[[], None]) -> None:
        """Do some writing, in another thread where there are any."""
        if not self._threads:
            work()
            return
        with self._lock:
            if self._closed:
                return
            if self._pool is None:
                self._pool = ThreadPoolExecutor(_WRITERS, f"weft-checkpoint-{self.worker}")
            self._pool.submit(work)

    def call_service(self, name: str, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a registered service and wait for its answer."""
        return self._registry().call(name, method, *args, **kwargs)

    def call_service_async(self, name: str, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a registered service; gives a `concurrent.futures.Future`."""
        return self._registry().call_async(name, method, *args, **kwargs)

    def _registry(self) -> Any:
        with self._lock:
            if self._services is None:
                self._services = import_module("weft_engine.kernel.services").make_services(
                    self.spec.services
                )
            return self._services

    def state_folder(self) -> Path:
        """A folder for the state of this job in this process, gone when the host is closed.

        Raises:
            ResourceError: `resource.failed` when it cannot be made.
        """
        with self._lock:
            if self._folder is None:
                where = self.spec.settings.state_dir
                try:
                    if where is not None:
                        Path(where).mkdir(parents=True, exist_ok=True)
                    self._folder = Path(tempfile.mkdtemp(prefix="weft-state-", dir=where))
                except OSError as exc:
                    raise ResourceError(
                        f"There is no place for the state of the job: {exc}",
                        hint="Choose a folder that can be written to as `state.dir`.",
                    ) from exc
            return self._folder

    def failed(self, exc: BaseException, stage: Stage, subtask: SubtaskId) -> Failed:
        """Describe what made a subtask fail."""
        try:
            exc = with_refused_key(exc, stage)
            return Failed(subtask, make_report(exc, stage, subtask.index), unwrapped(exc)[0])
        except BaseException:  # noqa: BLE001 - an exception that cannot even be looked at
            return Failed(subtask, unspeakable(exc, stage, subtask.index))

    def close(self) -> None:
        """Let go of services, threads and folders; does not wait for what hangs."""
        self.watch.close()
        with self._lock:
            self._closed = True
            pool, self._pool = self._pool, None
            folder, self._folder = self._folder, None
            services, self._services = self._services, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)
        if services is not None:
            services.close()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
