"""How the failure of an operator finds its way out of a subtask."""

from typing import Any, Final

from weft_engine.errors import said

NO_RECORD: Final[Any] = object()
"""Stands for the record where an operator did not fail on one."""


class OperatorFailure(Exception):  # noqa: N818 - wraps the error proper, which is its cause
    """An operator failed, and with it the subtask; `cause` says why."""

    def __init__(
        self, uid: str, cause: BaseException, record: Any = NO_RECORD, attempt: int = 1
    ) -> None:
        super().__init__(f"the operator {uid!r} failed: {type(cause).__qualname__}: {said(cause)}")
        self.uid = uid
        self.cause = cause
        self.record = record
        """The record it failed on, as it is: redact it before anybody sees it."""
        self.attempt = attempt
        """In which attempt, counted from 1."""
