"""How event time goes through the operators of a stage."""

from collections.abc import Callable, Sequence

from weft_engine.kernel.batch import MAX_TIME, MIN_TIME, Event, Idle, Watermark
from weft_engine.kernel.runtime.failure_report import Broken
from weft_engine.kernel.runtime.operator import StreamOperator


class EventTime:
    """How far it has come before every operator and behind it; it never goes back."""

    def __init__(
        self, operators: Sequence[StreamOperator], send: Callable[[int, Event], None]
    ) -> None:
        """Make it; `send` sends an event over the edges of the operator at a position."""
        self._operators = operators
        self._send = send
        self._entered = [MIN_TIME] * len(operators)
        self._passed = [MIN_TIME] * len(operators)

    def advance(self, time: int, position: int) -> None:
        """It has moved on before an operator.

        The end of time is passed on only when the operator has finished: it may have records left
        until then, which must not be late.
        """
        for at in range(position, len(self._operators)):
            if time <= self._entered[at]:
                return
            self._entered[at] = time
            try:
                passed = self._operators[at].advance(time)
            except Exception as exc:
                raise Broken(at, exc) from exc
            if passed is None or passed == MAX_TIME or not self._pass(at, passed):
                return
            time = passed

    def passed(self, position: int, time: int) -> None:
        """An operator passes on a watermark of its own accord."""
        if self._pass(position, time):
            self.advance(time, position + 1)

    def _pass(self, position: int, time: int) -> bool:
        if time <= self._passed[position]:
            return False
        self._passed[position] = time
        self._send(position, Watermark(time))
        return True

    def went_idle(self, position: int) -> None:
        """Nothing is known of time behind an operator for now."""
        for at in range(position, len(self._operators)):
            self._send(at, Idle())
