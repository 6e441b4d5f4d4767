"""Where a pipeline that is a service begins and ends."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol
from weakref import WeakValueDictionary

from weft_engine.errors import ResourceError
from weft_engine.kernel.connectors import ReaderContext, Sink, Source
from weft_engine.kernel.requests import Request


class Hub(Protocol):
    """What the two ends need of a `PipelineService`."""

    def take(self, limit: int) -> list[Request] | None:
        """Requests to work on; None when there will be no more."""

    def attach(self, wake: Callable[[], None], *, logged: bool = False) -> None:
        """An attempt of the pipeline begins."""

    def answer(self, record: Any) -> None:
        """Hand an answer to who waits for it."""

    def job_begins(self) -> None:
        """A job is going to answer."""

    def job_over(self, error: BaseException | None) -> None:
        """Nobody answers any more."""


HUBS: Final[WeakValueDictionary[str, Hub]] = WeakValueDictionary()
"""The services of this process: the ends are copied and pickled, and know only a name."""


class _RequestReader:
    def __init__(self, service: Hub, context: ReaderContext, logged: bool) -> None:
        self._service = service
        service.attach(context.wake, logged=logged)

    def read(self, limit: int) -> list[Request] | None:
        return self._service.take(limit)

    def position(self) -> None:
        return None

    def close(self) -> None: ...


class ServiceSource(Source[Request]):
    """The requests of a `PipelineService` of this process."""

    bounded = False
    replayable = False

    def __init__(self, service: str, name: str, *, logged: bool = False) -> None:
        self._service = service
        self._name = name
        self._logged = logged

    def reader(self, split: Any, position: Any, context: ReaderContext) -> _RequestReader:
        """Take requests from now on.

        Raises:
            ResourceError: `service.closed` in a process that the service is not in.
        """
        return _RequestReader(_hub(self._service, self._name), context, self._logged)

    def logged(self) -> "ServiceSource":
        """The same, for requests that come again from a log."""
        return ServiceSource(self._service, self._name, logged=True)

    def job_begins(self) -> None:
        """A job is going to answer."""
        if (hub := HUBS.get(self._service)) is not None:
            hub.job_begins()

    def job_over(self, error: BaseException | None) -> None:
        """Nobody answers any more."""
        if (hub := HUBS.get(self._service)) is not None:
            hub.job_over(error)


class _AnswerWriter:
    def __init__(self, service: Hub) -> None:
        self._service = service

    def write(self, values: Sequence[Any], /) -> None:
        for value in values:
            self._service.answer(value)

    def prepare(self, checkpoint: int) -> None: ...

    def close(self) -> None: ...


class ServiceSink(Sink[Any]):
    """Answers, to those who wait in this process.

    An answer is given at once, not when a checkpoint is durable; a second one, after a restart, is
    ignored.
    """

    delivery = "at_least_once"

    def __init__(self, service: str, name: str) -> None:
        self._service = service
        self._name = name

    def writer(self, subtask: int, parallelism: int, attempt: str) -> _AnswerWriter:
        """Open it for one subtask."""
        return _AnswerWriter(_hub(self._service, self._name))


def _hub(id_: str, name: str) -> Hub:
    found = HUBS.get(id_)
    if found is None:
        raise ResourceError(
            f"the pipeline service {name!r} is not in this process",
            code="service.closed",
            hint="Keep the PipelineService, and run its pipeline on threads of the same process.",
        )
    return found
