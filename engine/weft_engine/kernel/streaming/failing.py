"""What becomes of a record that fails, by the policy of its operator."""

from collections.abc import Callable
from typing import Any

from weft_engine.kernel.batch import Batch
from weft_engine.kernel.logs import RecordErrors
from weft_engine.kernel.operators.base import describe
from weft_engine.kernel.runtime.failures import NO_RECORD, OperatorFailure
from weft_engine.kernel.runtime.operator import OperatorContext


class Failures:
    """Retries, skips, puts null in the place of a record, or leads it to the failure output."""

    def __init__(self, context: OperatorContext) -> None:
        self._context = context
        self._spec = context.spec
        self.policy = context.spec.policy
        self._errors = RecordErrors(context.log)

    def settle(
        self,
        exc: Exception,
        record: Any,
        again: Callable[[], Any] | None = None,
        time: int | None = None,
    ) -> tuple[bool, Any]:
        """Decide what becomes of a record that failed; `again` tries once more, `time` is its own.

        Returns:
            Whether something takes the record's place in the stream, and what.

        Raises:
            OperatorFailure: when the failure is not to be lived with.
        """
        attempt = 1
        while again is not None and attempt < self.policy.max_attempts:
            self._context.count("retries")
            self._context.pause(self.policy.delay(attempt))
            attempt += 1
            try:
                return True, again()
            except Exception as other:  # noqa: BLE001 - whatever a function raises is its failure
                exc = other
        return self.give_up(exc, record, attempt, time)

    def give_up(
        self, exc: Exception, record: Any = NO_RECORD, attempt: int = 1, time: int | None = None
    ) -> tuple[bool, Any]:
        """As `settle`, when nothing more is to be tried."""
        if isinstance(exc, OperatorFailure):
            raise exc
        if self.policy.on_error == "fail":
            raise OperatorFailure(self._spec.uid, exc, record, attempt) from exc
        self._context.count("errors")
        self._errors.failed(exc, record)
        if self.policy.on_error == "continue":
            return True, None
        if self.policy.on_error == "route":
            sample = None if record is NO_RECORD else record
            failure = describe(exc, sample, self._spec.owner or self._spec.name, attempt)
            times = [time] if time is not None else None
            self._context.emit(Batch([failure], times), self._spec.outputs)
        return False, None
