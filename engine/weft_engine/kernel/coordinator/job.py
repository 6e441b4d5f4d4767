"""The handle on a job that has been started."""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from weft_engine.kernel.backends.backend import Backend
from weft_engine.kernel.checkpoint import savepoint
from weft_engine.kernel.coordinator.coordinator import Coordinator
from weft_engine.kernel.coordinator.events import CheckpointStats, Listener, State
from weft_engine.kernel.coordinator.failures import JobCancelledError
from weft_engine.kernel.coordinator.requests import SavepointRequest
from weft_engine.kernel.coordinator.start import Start
from weft_engine.kernel.coordinator.step_clock import Clock, StepClock
from weft_engine.kernel.metrics.job import JobMetrics
from weft_engine.kernel.metrics.sample import SubtaskSample
from weft_engine.kernel.runtime.job_spec import JobSpec
from weft_engine.kernel.runtime.messages import FailureReport
from weft_engine.kernel.tracing import Span

_IDLE_S: Final = 0.01
"""How long a stepping backend is left alone when it had nothing to do."""


class Job:
    """A job at work; every method may be called from any thread.

    With a stepping backend nothing happens but in `wait`, `step` and `savepoint`, in the thread of
    their caller; otherwise the job has a thread of its own.
    """

    def __init__(
        self,
        spec: JobSpec,
        backend: Backend,
        start: Start,
        *,
        listeners: Sequence[Listener] = (),
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        self.id = spec.id
        self.name = spec.plan.job
        self._steps = StepClock(backend)
        self._clock: Clock = self._steps if backend.stepping else time.monotonic
        self._stepping = backend.stepping
        self._release = ended
        self._work: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._turn = threading.Lock()
        """Held by whoever works on the coordinator. What listeners ask for is done afterwards."""
        self._over = threading.Event()
        self._deployed = threading.Event()
        self._callbacks: list[Callable[[], None]] = []
        self._guard = threading.Lock()
        self._started = False
        self._crash: BaseException | None = None
        self._thread: threading.Thread | None = None
        self._coordinator = Coordinator(spec, backend, start, self._work.put, _wall_ms)
        for listener in listeners:
            self._coordinator.listeners.add(listener)
        if not self._stepping:
            name = f"weft-job-{self.name}"
            self._thread = threading.Thread(target=self._run, name=name, daemon=True)
            self._thread.start()

    # Looking

    @property
    def state(self) -> State:
        """What it is doing."""
        return "failed" if self._crash is not None else self._coordinator.state

    @property
    def error(self) -> BaseException | None:
        """What it has failed with."""
        return self._crash or self._coordinator.error

    @property
    def failure(self) -> FailureReport | None:
        """The operator, the record and the cause, if a subtask is what it has failed with."""
        return self._coordinator.failure if self.error is not None else None

    @property
    def attempts(self) -> int:
        """How often it has been started so far."""
        return self._coordinator.attempt + 1

    @property
    def checkpoints(self) -> list[CheckpointStats]:
        """Those it has completed, oldest first: the last thousand at the most."""
        return list(self._coordinator.stats)

    @property
    def damaged(self) -> list[tuple[int, str]]:
        """Checkpoints that could not be used, and why."""
        return list(self._coordinator.damaged)

    @property
    def results(self) -> Mapping[str, list[Any]]:
        """What has been collected and committed, by operator uid."""
        return {uid: list(records) for uid, records in self._coordinator.results.records.items()}

    def metrics(self) -> JobMetrics:
        """How it does: counts, rates and times per operator, per stage and in all."""
        return self._coordinator.measured.metrics(self.state, self._coordinator.attempt)

    @property
    def samples(self) -> list[SubtaskSample]:
        """The latest counters of every subtask, as they were reported."""
        return self._coordinator.measured.samples

    def traces(self) -> list[Span]:
        """What operators did with the batches that were traced lately, oldest first.

        Empty unless tracing is on: `env.configure_debug(enable_tracing=True)`.
        """
        return self._coordinator.traces.spans()

    def listen(self, listener: Listener) -> None:
        """Be told what happens from now on, in the job's thread."""
        self._coordinator.listeners.add(listener)

    # Waiting

    def wait(self, timeout: float | None = None) -> None:
        """Wait until it is over.

        Args:
            timeout: after how many seconds to give up waiting; the job goes on.

        Raises:
            TimeoutError: when it is not over in time.
            JobCancelledError: when it was cancelled.
            JobFailedError: when an operator failed; `__cause__` is the author's own exception.
            WeftError: what else it has failed with, such as a worker that is gone.
        """
        if not self._until(self._over.is_set, self._over.wait, timeout):
            raise TimeoutError(f"the job {self.name!r} is still {self.state}")
        self._raise()

    def wait_deployed(self, timeout: float | None = None) -> None:
        """Wait until all subtasks are at work for the first time; not on a stepping backend.

        Gives up waiting after so many seconds, or when the job is over or starts again.

        Raises:
            WeftError: what kept a subtask from beginning, when that has ended the job.
        """
        if not self._stepping:
            self._deployed.wait(timeout)
            if self._over.is_set() and self._coordinator.undeployed:
                self._raise()

    def _raise(self) -> None:
        if self.error is not None:
            raise self.error
        if self.state == "cancelled":
            raise JobCancelledError(f"the job {self.name!r} was cancelled")

    def __await__(self) -> Generator[Any, None, None]:
        """Wait in an event loop, without blocking it; raises what `wait` does."""
        return self._awaited().__await__()

    async def _awaited(self) -> None:
        if self._stepping:
            await asyncio.to_thread(self.wait)
            return
        loop = asyncio.get_running_loop()
        over = asyncio.Event()

        def tell() -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(over.set)

        self.when_over(tell)
        await over.wait()
        self._raise()

    def when_over(self, callback: Callable[[], None]) -> None:
        """Have something called once it is over, at once if it is; in any thread."""
        with self._guard:
            if not self._over.is_set():
                self._callbacks.append(callback)
                return
        callback()

    # Steering

    def cancel(self) -> None:
        """End it; does not wait, and does nothing when it is over.

        A commit of a sink that does not return in time is left to the next start.
        """
        self._coordinator.leave()
        self._call(self._coordinator.cancel, wait=False)

    def pause(self) -> None:
        """Have its sources stand still; what is under way is worked off."""
        self._call(self._coordinator.pause)

    def resume(self) -> None:
        """Let its sources go on."""
        self._call(self._coordinator.resume)

    def savepoint(
        self, path: str | Path, *, stop: bool = False, timeout: float | None = None
    ) -> Path:
        """Write a savepoint: a whole copy of its state that another job can start from.

        Args:
            path: a directory that does not exist yet.
            stop: whether to end the job with it; no record is read after it.
            timeout: after how many seconds to give up waiting for it.

        Raises:
            ResourceError: `savepoint.exists`, `checkpoint.no_storage`, `job.not_running`, or what
                went wrong.
            TimeoutError: when it is not there in time; it may still be made.
        """
        request = SavepointRequest(savepoint.check_path(path), stop)
        self._call(lambda: self._coordinator.savepoint(request, self._clock()), wait=False)

        def waits(seconds: float | None) -> bool:
            with suppress(TimeoutError):
                request.done.exception(seconds)
            return request.done.done()

        if not self._until(request.done.done, waits, timeout):
            raise TimeoutError(f"the savepoint {request.path} is not complete yet")
        return request.done.result()

    def _call(self, what: Callable[[], None], *, wait: bool = True) -> None:
        """Have something done between two reports."""
        done: Future[None] = Future()

        def call() -> None:
            try:
                what()
            finally:
                done.set_result(None)

        self._work.put(call)
        if self._over.is_set():
            self._refuse_rest()
        elif self._stepping:
            self._try_drain()
        elif wait and threading.current_thread() is not self._thread:
            while not done.done() and not self._over.is_set():
                with suppress(TimeoutError):
                    done.result(_IDLE_S)

    def _try_drain(self) -> None:
        """Do what is to be done, unless another thread is at it and will."""
        if self._turn.acquire(blocking=False):
            try:
                self._drain()
                self._see_end()
            finally:
                self._turn.release()

    # Going on

    def step(self) -> bool:
        """With a stepping backend: go on a little; whether anything happened."""
        with self._turn:
            if self._over.is_set():
                return False
            try:
                moved = self._begin() | self._drain() | self._step()
                moved |= self._drain()
                self._coordinator.tick(self._clock())
            except BaseException as error:
                self._crashed(error)
                raise
            self._see_end()
            return moved

    def _step(self) -> bool:
        deployment = self._coordinator.deployment
        if deployment is not None and self._stepping:
            return self._steps.timed(deployment.step)
        due = self._coordinator.due()
        if due is None or not self._stepping:
            return False
        self._steps.until(due)
        return True

    def _until(
        self, ready: Callable[[], bool], wait: Callable[[float | None], bool], timeout: float | None
    ) -> bool:
        """Wait for something; with a stepping backend, make it come about."""
        if not self._stepping:
            return wait(timeout)
        deadline = None if timeout is None else time.monotonic() + timeout
        while not ready() and not self._over.is_set():
            if deadline is not None and time.monotonic() >= deadline:
                return False
            if not self.step() and not self._over.is_set():
                self._idle()
        return ready()

    def _idle(self) -> None:
        """Nothing happens before some time has passed, or something comes from outside."""
        with suppress(queue.Empty):
            item = self._work.get(timeout=_IDLE_S)
            with self._turn:
                self._do(item)

    def _run(self) -> None:
        try:
            with self._turn:
                self._begin()
            while not self._coordinator.ended:
                self._turn_once()
        except BaseException as error:  # noqa: BLE001 - nobody else would hear of it
            self._crashed(error)
        finally:
            self._see_end()

    def _turn_once(self) -> None:
        due = self._coordinator.due()
        timeout = None if due is None else max(due - self._clock(), 0.0)
        with suppress(queue.Empty):
            item = self._work.get(timeout=timeout) if timeout != 0 else self._work.get_nowait()
            with self._turn:
                self._do(item)
        with self._turn:
            self._drain()
            self._coordinator.tick(self._clock())
            if self._coordinator.deployed:
                self._deployed.set()

    def _begin(self) -> bool:
        if self._started:
            return False
        self._started = True
        self._coordinator.start(self._clock())
        return True

    def _drain(self) -> bool:
        moved = False
        with suppress(queue.Empty):
            while not self._coordinator.ended:
                self._do(self._work.get_nowait())
                moved = True
        return moved

    def _do(self, item: Any) -> None:
        if callable(item):
            item()
        else:
            self._coordinator.handle(item, self._clock())

    def _crashed(self, error: BaseException) -> None:
        """An error of ours, or an interrupt in the thread that steps: nothing may go on."""
        self._crash = error
        self._coordinator.cancel()
        self._see_end()

    def _see_end(self) -> None:
        """Once it is over, let go of everything and tell those who wait."""
        if not self._coordinator.ended and self._crash is None:
            return
        with self._guard:
            if self._over.is_set():
                return
            self._release()
            self._over.set()
            self._deployed.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()
        self._refuse_rest()

    def _refuse_rest(self) -> None:
        """Commands that came too late are answered too."""
        with suppress(queue.Empty):
            while True:
                item = self._work.get_nowait()
                if callable(item):
                    item()


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
