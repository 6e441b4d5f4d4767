"""Services of a job: things that functions call by name, made once in every worker process."""

import asyncio
import inspect
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any, Final

from weft_engine.errors import FlowError, ResourceError, WeftError, said
from weft_engine.kernel import codes  # noqa: F401 - registers the codes
from weft_engine.kernel.io_loop import Worker, result_of, run_soon
from weft_engine.kernel.policy import PLAIN, Policy

__all__ = ["ServiceSpec", "Services", "make_services", "retry_policy"]

_STARTS: Final = ("open", "start", "setup")
_STOPS: Final = ("close", "stop", "cleanup")
_SHORT: Final = {
    "attempts": "max_attempts",
    "delay": "delay_s",
    "max_delay": "max_delay_s",
    "timeout": "timeout_s",
}


def retry_policy(given: Policy | Mapping[str, Any] | int | None) -> Policy:
    """How often to try and how long to wait in between.

    Args:
        given: A policy; a dict of its fields, as `{"max_attempts": 3, "delay_s": 0.5}`, also
            without the units; or the number of attempts.

    Raises:
        FlowError: `config.unknown_key` or `config.bad_value`.
    """
    if given is None:
        return PLAIN
    if isinstance(given, Policy):
        return given
    values = {"max_attempts": given} if isinstance(given, int) else dict(given)
    values = {_SHORT.get(name, name): value for name, value in values.items()}
    known = [one.name for one in fields(Policy) if one.name != "on_error"]
    for name, value in values.items():
        if name not in known:
            raise FlowError(
                f"a retry policy has no {name!r}",
                code="config.unknown_key",
                hint=f"It may have {', '.join(known)}.",
            )
        if value is not None and (not isinstance(value, int | float) or value < 0):
            raise FlowError(
                f"{name} of a retry policy is {value!r}",
                code="config.bad_value",
                hint="Give a number.",
            )
    if values.get("max_attempts", 1) < 1:
        raise FlowError(
            "max_attempts is less than 1", code="config.bad_value", hint="1 is to try once."
        )
    return Policy(**values)


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """How a service is made and called; picklable as far as its factory is."""

    factory: Any
    """A class or a function that makes it, or the service itself if it cannot be called."""
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    timeout_s: float | None = None
    """How long a call may take, every attempt anew; a call can say otherwise."""
    retry: Policy | Mapping[str, Any] | int | None = None
    """See `retry_policy`. A call that timed out may go on behind our back: methods that are
    retried should do no harm when they run twice."""

    @property
    def policy(self) -> Policy:
        """The retry policy."""
        return retry_policy(self.retry)

    @property
    def seconds(self) -> float | None:
        """The time limit of an attempt."""
        return self.timeout_s if self.timeout_s is not None else self.policy.timeout_s


class _Service:
    """One service of this process."""

    def __init__(self, name: str, spec: ServiceSpec) -> None:
        self.name = name
        self.policy = spec.policy
        self.seconds = spec.seconds
        self._spec = spec
        self._lock = threading.Lock()
        self._made: Any = None
        self._there = False
        self._closed = False
        self._idle: list[Worker] = []

    def instance(self) -> Any:
        """The service itself, made and started by whoever comes first."""
        if self._there:
            return self._made
        with self._lock:
            if self._closed:
                raise _closed(self.name)
            if not self._there:
                self._made = self._start()
                self._there = True
            return self._made

    def method(self, name: str) -> Callable[..., Any]:
        """One of its methods.

        Raises:
            FlowError: `service.unknown_method`.
        """
        made = self.instance()
        found = None if name.startswith("_") else getattr(made, name, None)
        if callable(found):
            return found  # type: ignore[no-any-return]
        there = [n for n in dir(made) if not n.startswith("_") and callable(getattr(made, n, None))]
        raise FlowError(
            f"the service {self.name!r} has no method {name!r}",
            code="service.unknown_method",
            hint=_nearest(name, there),
            params={"service": self.name, "method": name},
        )

    async def on_thread(self, work: Callable[[], Any]) -> Any:
        """Do something that may block on a thread; given up on when cancelled."""
        with self._lock:
            worker: Worker | None = self._idle.pop() if self._idle else None
        worker = worker or Worker(f"weft-service-{self.name}")
        try:
            return await worker.call(work)
        except asyncio.CancelledError:
            worker = None  # left behind with what it does
            raise
        finally:
            if worker is not None:
                self._give_back(worker)

    def _give_back(self, worker: Worker) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(worker)
                return
        worker.close()

    def close(self) -> None:
        """Stop it, if it was started."""
        with self._lock:
            self._closed = True
            made, self._made = self._made, None
            was_there, self._there = self._there, False
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.close()
        if was_there:
            _call_first(made, _STOPS)

    def _start(self) -> Any:
        spec = self._spec
        try:
            made = (
                spec.factory(*spec.args, **spec.kwargs) if callable(spec.factory) else spec.factory
            )
            _call_first(made, _STARTS)
        except Exception as exc:
            raise ResourceError(
                f"the service {self.name!r} could not be started: {said(exc)}",
                code="service.start_failed",
                hint="See that what it needs is there: files, addresses, credentials.",
                params={"service": self.name},
            ) from exc
        return made


class Services:
    """The services of a job in one process. Every method may be called from any thread."""

    def __init__(self, specs: Mapping[str, Any]) -> None:
        """`specs` are `ServiceSpec`s, classes, functions or objects."""
        self._services = {
            name: _Service(name, spec if isinstance(spec, ServiceSpec) else ServiceSpec(spec))
            for name, spec in specs.items()
        }
        self._closing = threading.Event()

    def call(
        self, name: str, method: str, *args: Any, timeout: float | None = None, **kwargs: Any
    ) -> Any:
        """Call a method of a service and wait for its answer.

        Without a time limit it runs in the calling thread.

        Args:
            name: Of the service.
            method: A public one, ordinary or async.
            *args: Handed over.
            timeout: How many seconds an attempt may take; the service's own limit when None.
            **kwargs: Handed over.

        Raises:
            FlowError: `service.unknown`, `service.unknown_method`.
            ResourceError: `service.start_failed`, `service.timeout`, `service.closed`, or
                `service.failed` with what the method raised as its cause.
        """
        service = self._find(name)
        seconds = timeout if timeout is not None else service.seconds
        found = service.method(method)
        if seconds is None and not inspect.iscoroutinefunction(found):
            return self._call_here(service, method, found, args, kwargs)
        if threading.current_thread().name == "weft-io":
            raise FlowError(
                f"{name}.{method} was called from a coroutine in a way that would block all others",
                code="service.failed",
                hint="Use call_service_async in coroutines and await its answer.",
            )
        return result_of(run_soon(self._attempts(service, method, seconds, args, kwargs)))

    def call_async(
        self, name: str, method: str, *args: Any, timeout: float | None = None, **kwargs: Any
    ) -> "Future[Any]":
        """As `call`, but gives a future at once; its `cancel` gives the call up."""
        service = self._find(name)
        seconds = timeout if timeout is not None else service.seconds
        return run_soon(self._attempts(service, method, seconds, args, kwargs))

    def close(self) -> None:
        """Stop all services, the last one registered first."""
        self._closing.set()
        first: BaseException | None = None
        for service in reversed(self._services.values()):
            try:
                service.close()
            except Exception as exc:  # noqa: BLE001 - the others are to be closed too
                first = first or exc
        if first is not None:
            raise first

    def _find(self, name: str) -> _Service:
        found = self._services.get(name)
        if found is None:
            raise FlowError(
                f"no service {name!r} is registered",
                code="service.unknown",
                hint=_nearest(name, self._services) or "Register it with env.register_service.",
                params={"service": name},
            )
        if self._closing.is_set():
            raise _closed(name)
        return found

    def _call_here(
        self,
        service: _Service,
        method: str,
        found: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> Any:
        attempt = 1
        while True:
            try:
                result = found(*args, **kwargs)
                return _awaited(result) if inspect.isawaitable(result) else result
            except Exception as exc:
                if not _again(service.policy, attempt, exc):
                    raise _failed(service.name, method, attempt, exc) from exc
                if self._closing.wait(service.policy.delay(attempt)):
                    raise _closed(service.name) from exc
                attempt += 1

    async def _attempts(
        self,
        service: _Service,
        method: str,
        seconds: float | None,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> Any:
        found = await service.on_thread(lambda: service.method(method))
        attempt = 1
        while True:
            limit = asyncio.timeout(seconds)
            began = time.monotonic()
            try:
                async with limit:
                    if inspect.iscoroutinefunction(found):
                        return await found(*args, **kwargs)
                    result = await service.on_thread(lambda: found(*args, **kwargs))
                    return await result if inspect.isawaitable(result) else result
            except Exception as exc:
                error: WeftError = (
                    _late(service.name, method, time.monotonic() - began)
                    if limit.expired()
                    else _failed(service.name, method, attempt, exc)
                )
                if not _again(service.policy, attempt, error if limit.expired() else exc):
                    raise error from exc
            await asyncio.sleep(service.policy.delay(attempt))
            attempt += 1


def make_services(specs: Mapping[str, Any]) -> Services:
    """The services of a job in this process; none is made before it is called."""
    return Services(specs)


def _again(policy: Policy, attempt: int, exc: BaseException) -> bool:
    final = isinstance(exc, WeftError) and not exc.retryable
    return attempt < policy.max_attempts and not final


def _failed(name: str, method: str, attempt: int, exc: Exception) -> WeftError:
    if isinstance(exc, WeftError):
        return exc
    tries = f" in {attempt} attempts" if attempt > 1 else ""
    return ResourceError(
        f"{name}.{method} failed{tries}: {type(exc).__qualname__}: {said(exc)}",
        code="service.failed",
        hint="The service's own error is given as the cause.",
        params={"service": name, "method": method},
    )


def _late(name: str, method: str, seconds: float) -> ResourceError:
    return ResourceError(
        f"{name}.{method} had not answered after {seconds:.3g} s",
        code="service.timeout",
        hint="Give it more time (timeout), or more attempts (retry).",
        params={"service": name, "method": method},
        retryable=True,
    )


def _closed(name: str) -> ResourceError:
    return ResourceError(
        f"the service {name!r} has been closed",
        code="service.closed",
        hint="The job is ending; calls come too late.",
        params={"service": name},
    )


def _nearest(name: str, known: Iterable[str]) -> str:
    there = list(known)
    near = get_close_matches(name, there, 3) or sorted(there)[:8]
    return f"Did you mean {', '.join(near)}?" if near else ""


def _call_first(made: Any, names: Iterable[str]) -> None:
    for name in names:
        found = getattr(made, name, None)
        if callable(found):
            result = found()
            if inspect.isawaitable(result):
                _awaited(result)
            return


def _awaited(result: Any) -> Any:
    """What something comes to on the loop; its own thread would wait for itself."""
    if threading.current_thread().name == "weft-io":
        if inspect.iscoroutine(result):
            result.close()
        raise FlowError(
            "a service was called from a coroutine in a way that would block all others",
            code="service.failed",
            hint="Use call_service_async in coroutines and await its answer.",
        )
    return result_of(run_soon(_wait_for(result)))


async def _wait_for(result: Any) -> Any:
    return await result
