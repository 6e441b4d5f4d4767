"""What callers ask a pipeline, and what they are answered."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from weft_engine.errors import WeftError, said
from weft_engine.kernel.functions import FlatMapFunction


@dataclass(frozen=True, slots=True)
class Request:
    """A record of the pipeline: what somebody asks."""

    id: int
    value: Any
    session: Hashable = None
    tenant: Hashable = ""
    priority: int = 0

    def having(self, value: Any) -> "Request":
        """The same request on its way, with what has been made of its value."""
        return replace(self, value=value)

    def reply(self, value: Any = None) -> "Answer":
        """What the sink is to be given at last."""
        return Answer(self.id, value, session=self.session)

    def part(self, number: int, value: Any) -> "Answer":
        """A part of the answer, before the last of it. Parts are numbered from 0 on.

        The caller is given each number once, in order, also when a restart makes them again.
        """
        return Answer(self.id, value, session=self.session, part=number)

    def fail(self, error: BaseException) -> "Answer":
        """Let the caller have an error."""
        known = error if isinstance(error, WeftError) else None
        failure = {
            "code": known.code if known else "service.failed",
            "message": known.message if known else f"{type(error).__qualname__}: {said(error)}",
            "hint": known.hint if known else "",
        }
        return Answer(self.id, None, failure, session=self.session)


@dataclass(frozen=True, slots=True)
class Answer:
    """A record of the pipeline: what the caller gets."""

    id: int
    value: Any
    failure: Mapping[str, Any] | None = None
    session: Hashable = None
    part: int | None = None
    """Its number, when more is to come; None: this is the last of it."""


def answering(fn: Callable[[Any], Any]) -> Callable[[Request | Answer], Answer]:
    """Makes of a function on values one on requests; what it raises goes to the caller.

    What has been answered before (see `passing`) goes by.
    """

    def answer(request: Request | Answer) -> Answer:
        if isinstance(request, Answer):
            return request
        try:
            return request.reply(fn(request.value))
        except Exception as exc:  # noqa: BLE001 - it is the caller's, the pipeline goes on
            return request.fail(exc)

    return answer


def passing(fn: Callable[[Any], Any]) -> Callable[[Request | Answer], Request | Answer]:
    """The same for operators on the way: the request goes on with what the function makes of it.

    When the function raises, the request is answered with that, and operators made by `passing`,
    `answering` and `answering_in_parts` let it go by.
    """

    def go_on(request: Request | Answer) -> Request | Answer:
        if isinstance(request, Answer):
            return request
        try:
            return request.having(fn(request.value))
        except Exception as exc:  # noqa: BLE001 - it is the caller's, the pipeline goes on
            return request.fail(exc)

    return go_on


class _InParts(FlatMapFunction[Request | Answer, Answer]):
    """Emits every answer at once: a list of them would keep callers waiting for one another."""

    def __init__(self, fn: Callable[[Any], Iterable[Any]]) -> None:
        self._fn = fn

    def process(self, value: Request | Answer) -> Iterable[Answer]:
        if isinstance(value, Answer):
            return (value,)
        try:
            last = value.reply(self._emit_parts(value))
        except Exception as exc:  # noqa: BLE001 - it is the caller's, the pipeline goes on
            last = value.fail(exc)
        self.context.emit(last)
        return ()

    def _emit_parts(self, request: Request) -> Any:
        """Send on what the function yields; what it returns."""
        parts, number = iter(self._fn(request.value)), 0
        while True:
            try:
                part = next(parts)
            except StopIteration as end:
                return end.value
            self.context.emit(request.part(number, part))
            number += 1


def answering_in_parts(
    fn: Callable[[Any], Iterable[Any]],
) -> FlatMapFunction[Request | Answer, Answer]:
    """For `flat_map`: what a generator function yields are parts, what it returns is the answer.

    Every part is on its way as soon as it is yielded. What the function raises goes to the caller.
    """
    return _InParts(fn)
