"""Works on units in threads of this process: the default of every run."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Final

from weft_engine.compiler.batching import gathers
from weft_engine.compiler.program import ScopePlan, Unit
from weft_engine.kernel.backends.local import BATCH_SIZE
from weft_engine.kernel.io_loop import io_loop
from weft_engine.nodes.spec import ERROR_PORT
from weft_engine.runs.context import Context, Place, RunScope
from weft_engine.runs.executors.base import Handle, Sink, UnitOutcome, UnitTask
from weft_engine.runs.executors.calling import Site, answered, awaited, outcome
from weft_engine.runs.executors.gathering import Gathering
from weft_engine.runs.executors.stretch import StopSign, work_on_stretch
from weft_engine.runs.outputs import OutputStore

log = logging.getLogger(__name__)

Done = Callable[[UnitOutcome], None]
_IDLE_S: Final = 30.0


class ThreadPool:
    """Threads that are made when they are needed and leave when they are not; shared by runs.

    It never refuses: how many may be under way is for each run to say. A thread that hangs in a
    node is left behind and missed by nobody.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._idle = 0
        self._works: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def run(self, work: Callable[[], None]) -> None:
        """Do something on a thread; it must not raise."""
        with self._lock:
            waiting = self._idle > 0
            if waiting:
                self._idle -= 1
                self._works.put(work)
        if not waiting:
            threading.Thread(target=self._serve, args=(work,), name=self._name, daemon=True).start()

    def _serve(self, work: Callable[[], None] | None) -> None:
        while work is not None:
            try:
                work()
            except BaseException:
                log.exception("a worker thread met a mistake of the engine")
            work = self._next()

    def _next(self) -> Callable[[], None] | None:
        with self._lock:
            self._idle += 1
        try:
            return self._works.get(timeout=_IDLE_S)
        except Empty:
            with self._lock:
                if self._idle > 0:
                    self._idle -= 1
                    return None
            return self._works.get()


pool: Final = ThreadPool("weft-worker")


class ThreadsExecutor:
    """Calls nodes on threads, asynchronous ones on the io loop; runs stretches on the kernel."""

    name = "local"

    def __init__(
        self, scope: RunScope, store: OutputStore, *, batch_size: int = BATCH_SIZE
    ) -> None:
        self._scope = scope
        self._store = store
        self._batch_size = batch_size
        self._sites: dict[tuple[str, int], Site] = {}
        self._gatherings: dict[tuple[str, int], Gathering] = {}
        self._lock = threading.Lock()

    def submit(self, task: UnitTask, sink: Sink, done: Done) -> Handle:
        """Work on a unit beside the caller."""
        if task.unit.kind == "stream":
            sign = StopSign()
            pool.run(partial(self._stretch, task, sink, done, sign))
            return sign
        return self._call(task, sink, done)

    def leave(self, scope: str, unit: int) -> None:
        """Close the node of a unit of calls."""
        with self._lock:
            self._gatherings.pop((scope, unit), None)
            site = self._sites.pop((scope, unit), None)
        if site is not None and site.closes:
            pool.run(partial(_closed, site))

    def close(self) -> None:
        """Close what is still open."""
        with self._lock:
            sites, self._sites = list(self._sites.values()), {}
        for site in sites:
            _closed(site)

    # Stretches

    def _stretch(self, task: UnitTask, sink: Sink, done: Done, sign: StopSign) -> None:
        try:
            found = work_on_stretch(
                task, sink, self._store, self._scope, sign, batch_size=self._batch_size
            )
        except BaseException as error:  # noqa: BLE001 - the run says what it means
            found = UnitOutcome(failure=error)
        done(found)

    # Calls

    def _call(self, task: UnitTask, sink: Sink, done: Done) -> Handle:
        name = task.unit.nodes[0]
        site = self._site(task.plan, task.unit, task.scope)
        if task.key and gathers(site.node, site.work, _limit(task)):
            return self._gathering(task, site, sink).add(task.arguments or {}, task.attempt, done)
        place = task.place or Place(name, scope=task.scope, attempt=task.attempt)
        ctx = Context(self._scope, name, place, sink.log, sink.progress)
        if not site.work.asynchronous:
            pool.run(partial(_blocking, site, task, ctx, done))
            return _NOTHING
        handle = _AsyncHandle(partial(_waiting, site, task, ctx, done))
        if site.opens:
            pool.run(partial(_opened, site, task, ctx, done, handle))
        else:
            handle.start()
        return handle

    def _gathering(self, task: UnitTask, site: Site, sink: Sink) -> Gathering:
        """What puts calls of a node for single records together."""
        key, name = (task.scope, task.unit.id), task.unit.nodes[0]
        with self._lock:
            found = self._gatherings.get(key)
            if found is None:
                place = replace(
                    task.place or Place(name), scope=task.scope, index=None, attempt=1, cancel=None
                )
                ctx = Context(self._scope, name, place, sink.log, sink.progress)
                found = self._gatherings[key] = Gathering(name, site, ctx, pool.run)
            return found

    def _site(self, plan: ScopePlan, unit: Unit, scope: str) -> Site:
        with self._lock:
            site = self._sites.get((scope, unit.id))
            if site is None:
                name = unit.nodes[0]
                work = plan.compiled.works[name]
                routed = plan.compiled.flow.nodes[name].on_error == "route"
                site = Site(
                    plan.compiled.nodes[name],
                    work,
                    routed=routed and work.output(ERROR_PORT) is None,
                )
                self._sites[scope, unit.id] = site
            return site


def _limit(task: UnitTask) -> float | None:
    return task.plan.compiled.flow.nodes[task.unit.nodes[0]].timeout_s


def _blocking(site: Site, task: UnitTask, ctx: Context, done: Done) -> None:
    try:
        site.open(ctx)
        call = site.call(ctx)
        results = answered(call, task.arguments or {})
        found = outcome(task.unit.nodes[0], call, results, task.attempt)
    except BaseException as error:  # noqa: BLE001 - whatever a node raises is its failure
        found = UnitOutcome(failure=error, attempt=task.attempt)
    found.variables = ctx.set_variables()
    done(found)


def _opened(site: Site, task: UnitTask, ctx: Context, done: Done, handle: "_AsyncHandle") -> None:
    try:
        site.open(ctx)
    except BaseException as error:  # noqa: BLE001 - whatever a node raises is its failure
        done(UnitOutcome(failure=error, attempt=task.attempt))
    else:
        handle.start()


async def _waiting(site: Site, task: UnitTask, ctx: Context, done: Done) -> None:
    try:
        call = site.call(ctx)
        results = await awaited(call, task.arguments or {})
        found = outcome(task.unit.nodes[0], call, results, task.attempt)
    except asyncio.CancelledError:
        found = UnitOutcome(cancelled=True, attempt=task.attempt)
    except BaseException as error:  # noqa: BLE001 - whatever a node raises is its failure
        found = UnitOutcome(failure=error, attempt=task.attempt)
    found.variables = ctx.set_variables()
    done(found)


class _Starting:
    """Begins calls on the io loop: waking it costs more than a call, so it is woken for many."""

    def __init__(self) -> None:
        self._begin: deque[Callable[[], None]] = deque()
        self._woken = False

    def add(self, begin: Callable[[], None]) -> None:
        """Begin something on the loop, from any thread."""
        self._begin.append(begin)
        if not self._woken:
            self._woken = True
            io_loop().call_soon_threadsafe(self._all)

    def _all(self) -> None:
        self._woken = False  # before looking: what is added from now on wakes it again
        while self._begin:
            self._begin.popleft()()


_starting: Final = _Starting()


class _AsyncHandle:
    """A call on the io loop."""

    def __init__(self, begin: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._begin = begin
        self._task: asyncio.Task[None] | None = None
        self._cancelled = False

    def start(self) -> None:
        _starting.add(self._start)

    def cancel(self) -> None:
        io_loop().call_soon_threadsafe(self._cancel)

    def _start(self) -> None:
        self._task = io_loop().create_task(self._begin())
        if self._cancelled:
            self._task.cancel()

    def _cancel(self) -> None:
        self._cancelled = True
        if self._task is not None:
            self._task.cancel()


class _Nothing:
    """A call that blocks cannot be stopped from outside; the node may look at its context."""

    def cancel(self) -> None:
        return


_NOTHING: Final = _Nothing()


def _closed(site: Site) -> None:
    try:
        site.close()
    except Exception:
        log.exception("a node failed to close")
