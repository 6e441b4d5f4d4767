"""A pipeline as a service: requests go in as records, answers find their way back to the caller.

    service = PipelineService("support")
    answer = answering(reply)                       # reply: what is asked → what is answered
    env.from_source(service.source()).key_by(by_session).map(answer).sink(service.sink())
    job = env.submit(wait=False)
    service.call({"question": "?"}, session="s1")

For answers in parts: `flat_map(answering_in_parts(reply))`, where `reply` yields the parts, and
`for part in service.stream(…)`.

Requests wait in a fair queue (tenants, priorities; those of one session in order). Keyed by
session, all requests of a session come to the same subtask, one after the other.
"""

import asyncio
import itertools
import secrets
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager
from time import monotonic
from typing import Any
from uuid import uuid4

from weft_engine.errors import ResourceError, said
from weft_engine.kernel import codes  # noqa: F401 - registers the codes
from weft_engine.kernel.answer_stream import AnswerStream, Coming
from weft_engine.kernel.fair_queue import Backpressure, FairQueue
from weft_engine.kernel.requests import Answer, Request, answering, answering_in_parts, passing
from weft_engine.kernel.service_ends import HUBS, ServiceSink, ServiceSource

__all__ = [
    "Answer",
    "AnswerStream",
    "PipelineService",
    "Request",
    "ServiceSink",
    "ServiceSource",
    "answering",
    "answering_in_parts",
    "passing",
]


class PipelineService:
    """Where callers and the pipeline meet, in one process. Every method is safe in any thread."""

    def __init__(
        self,
        name: str = "pipeline",
        *,
        capacity: int = 1000,
        policy: Backpressure = "block",
        in_flight: int = 256,
        weights: Mapping[Hashable, float] | None = None,
        ageing: int = 16,
        timeout_s: float | None = None,
        redeliver: bool = True,
    ) -> None:
        """Make one.

        Args:
            name: For errors.
            capacity: How many requests may wait.
            policy: What becomes of a request when there is no room: see `FairQueue`.
            in_flight: How many requests may be in the pipeline at a time; the others wait where
                priorities and shares still count.
            weights: The shares of tenants; 1 for those not named.
            ageing: How many later requests may overtake one for each step of priority.
            timeout_s: How long callers wait unless they say otherwise.
            redeliver: Whether requests that a failed attempt of the job has left unanswered are
                given to the next one. Where the environment keeps an ingress log, they come again
                from there in any case.
        """
        self.name = name
        self._id = uuid4().hex
        self._in_flight = in_flight
        self._timeout_s = timeout_s
        self._redeliver = redeliver
        self._lock = threading.Lock()
        # Never the numbers of another process, whose requests a log or a checkpoint may bring back.
        self._ids = itertools.count(secrets.randbits(62))
        self._waiting: dict[int, Coming] = {}
        self._taken: dict[int, Request] = {}
        self._again: list[Request] = []
        self._wake: Callable[[], None] | None = None
        self._jobs = 0
        self._over: str | None = None
        """Why nobody answers any more."""
        self._queue: FairQueue[Request] = FairQueue(
            capacity,
            policy=policy,
            weights=weights,
            ageing=ageing,
            on_drop=self._dropped,
            on_put=self._nudge,
        )
        HUBS[self._id] = self

    def source(self) -> ServiceSource:
        """Where the pipeline gets its requests from."""
        return ServiceSource(self._id, self.name)

    def sink(self) -> ServiceSink:
        """Where the pipeline brings its answers, and failures that were routed (`on_error`)."""
        return ServiceSink(self._id, self.name)

    def call(
        self,
        value: Any,
        *,
        session: Hashable = None,
        tenant: Hashable = "",
        priority: int = 0,
        timeout: float | None = None,
    ) -> Any:
        """Ask, and wait for the answer.

        Raises:
            ResourceError: `service.busy`, `service.dropped`, `service.timeout`, `service.closed`,
                or what the pipeline says.
        """
        seconds = timeout if timeout is not None else self._timeout_s
        deadline = None if seconds is None else monotonic() + seconds
        with self._asking(value, session, tenant, priority) as (request, coming):
            self._queue.put(request, tenant=tenant, priority=priority, key=session, timeout=seconds)
            left = None if deadline is None else max(0.0, deadline - monotonic())
            try:
                return coming.answer.result(left)
            except FutureTimeout:
                raise self._late(seconds) from None

    async def acall(
        self,
        value: Any,
        *,
        session: Hashable = None,
        tenant: Hashable = "",
        priority: int = 0,
        timeout: float | None = None,  # noqa: ASYNC109 - the same as of `call`
    ) -> Any:
        """Ask, and wait for the answer in a coroutine. Raises as `call` does."""
        seconds = timeout if timeout is not None else self._timeout_s
        limit = asyncio.timeout(seconds)
        with self._asking(value, session, tenant, priority) as (request, coming):
            try:
                async with limit:
                    await self._queue.aput(request, tenant=tenant, priority=priority, key=session)
                    return await asyncio.wrap_future(coming.answer)
            except TimeoutError:
                if limit.expired():
                    raise self._late(seconds) from None
                raise

    def stream(
        self,
        value: Any,
        *,
        session: Hashable = None,
        tenant: Hashable = "",
        priority: int = 0,
        timeout: float | None = None,
    ) -> AnswerStream:
        """Ask, and see the answer come in parts: by `for`, or by `async for` in a coroutine.

        `call` gives what is the stream's `result` behind the loop; that raises as `call` does.
        `timeout` is for all of it.
        """
        seconds = timeout if timeout is not None else self._timeout_s
        how: dict[str, Any] = {"tenant": tenant, "priority": priority, "key": session}
        return AnswerStream(
            lambda: self._asking(value, session, tenant, priority),
            lambda request, left: self._queue.put(request, **how, timeout=left),
            lambda request: self._queue.aput(request, **how),
            lambda: self._late(seconds),
            seconds,
        )

    @property
    def pending(self) -> int:
        """How many callers wait for an answer."""
        return len(self._waiting)

    def close(self) -> None:
        """Take no more requests; the source ends when those that wait have been read."""
        self._queue.close()

    def fail(self, error: BaseException) -> None:
        """Close it, and let everybody who waits have an error: the pipeline has failed."""
        self._queue.close()
        for request in self._queue.get_some(len(self._queue)):
            self._fail(request.id, error)
        for id_ in list(self._waiting):
            self._fail(id_, error)

    def job_begins(self) -> None:
        """A job is going to answer."""
        with self._lock:
            self._jobs += 1
            self._over = None

    def job_over(self, error: BaseException | None) -> None:
        """The job that answers is over: who waits has an error, and so has who asks from now on."""
        why = f": {said(error)}" if isinstance(error, Exception) else ""
        with self._lock:
            self._jobs -= 1
            if self._jobs:
                return
            self._over = f"the pipeline behind {self.name!r} is over{why}"
            self._taken, self._again = {}, []
            left = list(self._waiting)
        while self._queue.get_some(1000):
            pass
        for id_ in left:
            self._fail(id_, self._ended())

    def take(self, limit: int) -> list[Request] | None:
        """For the source: requests to work on; None when there will be no more."""
        with self._lock:
            again, self._again = self._again[:limit], self._again[limit:]
            room = min(limit - len(again), self._in_flight - len(self._taken))
        fresh = self._queue.get_some(room) if room > 0 else []
        with self._lock:
            wanted = [one for one in (*again, *fresh) if one.id in self._waiting]
            self._taken.update((one.id, one) for one in wanted)
            over = self._queue.closed and not len(self._queue)
            idle = not wanted and not self._taken and not self._again
        return None if over and idle else wanted

    def attach(self, wake: Callable[[], None], *, logged: bool = False) -> None:
        """For the source: an attempt of the pipeline begins."""
        with self._lock:
            self._wake = wake
            left, self._taken = self._taken, {}
            if self._redeliver and not logged:
                self._again = [*left.values(), *self._again]

    def answer(self, record: Any) -> None:
        """For the sink: hand an answer to who waits for it. The first one counts."""
        if isinstance(record, Answer):
            if record.part is not None:
                self._part(record.id, record.part, record.value)
            elif record.failure is None:
                self._resolve(record.id, lambda future: future.set_result(record.value))
            else:
                self._fail(record.id, self._told(record.failure))
        elif isinstance(record, Mapping) and isinstance(record.get("item"), Request):
            self._fail(record["item"].id, self._told(record))
        else:
            raise ResourceError(
                f"the sink of {self.name!r} was given a {type(record).__qualname__}, not an answer",
                code="service.failed",
                hint="Make answers with request.reply(value), map(answering(function)) or"
                " flat_map(answering_in_parts(function)).",
            )

    @contextmanager
    def _asking(
        self, value: Any, session: Hashable, tenant: Hashable, priority: int
    ) -> Iterator[tuple[Request, Coming]]:
        """Somebody waits for an answer, until the end of the block."""
        request, coming = Request(next(self._ids), value, session, tenant, priority), Coming()
        with self._lock:
            if self._over is not None:
                raise self._ended()
            self._waiting[request.id] = coming
        try:
            yield request, coming
        finally:
            self._forget(request.id)

    def _forget(self, id_: int) -> None:
        # The request of who gave up may still be in the pipeline, and may never come out of it.
        with self._lock:
            gave_up = self._waiting.pop(id_, None) is not None
            self._taken.pop(id_, None)
        if gave_up:
            self._nudge()

    def _part(self, id_: int, number: int, value: Any) -> None:
        with self._lock:
            coming = self._waiting.get(id_)
        if coming is not None:
            coming.part(number, value)

    def _resolve(self, id_: int, how: Callable[[Future[Any]], None]) -> None:
        with self._lock:
            coming = self._waiting.pop(id_, None)
            self._taken.pop(id_, None)
        if coming is not None and coming.answer.set_running_or_notify_cancel():
            how(coming.answer)
        self._nudge()  # there is room for another one

    def _fail(self, id_: int, error: BaseException) -> None:
        self._resolve(id_, lambda future: future.set_exception(error))

    def _dropped(self, request: Request) -> None:
        error = ResourceError(
            f"the request was given up for newer ones: too many wait for {self.name!r}",
            code="service.dropped",
            hint="Try again later.",
            retryable=True,
        )
        self._fail(request.id, error)

    def _nudge(self) -> None:
        wake = self._wake
        if wake is not None:
            wake()

    def _told(self, failure: Mapping[str, Any]) -> ResourceError:
        return ResourceError(
            str(failure.get("message", "the pipeline could not answer")),
            code=str(failure.get("code", "service.failed")),
            hint=str(failure.get("hint", "")),
            params={"service": self.name},
        )

    def _ended(self) -> ResourceError:
        return ResourceError(
            self._over or "",
            code="service.closed",
            hint="Start it again.",
            params={"service": self.name},
        )

    def _late(self, seconds: float | None) -> ResourceError:
        return ResourceError(
            f"{self.name!r} had not answered after {seconds:.3g} s",
            code="service.timeout",
            hint="Give it more time, or the pipeline more subtasks.",
            params={"service": self.name},
            retryable=True,
        )
