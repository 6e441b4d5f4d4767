"""Why a job has failed, as an exception."""

import pickle
from typing import Any

from weft_engine.errors import NodeError, ResourceError, WeftError, said
from weft_engine.kernel.backends.base import JobCancelledError
from weft_engine.kernel.runtime.messages import Failed, FailureReport, Lost

__all__ = ["JobCancelledError", "JobFailedError", "error_of", "is_retryable", "lost"]


class JobFailedError(NodeError):
    """An operator failed, and with it the job.

    It names the operator, the subtask and the record, without secrets. `__cause__` is the author's
    own exception, where it can be had: one that was raised in another process may not be picklable.
    """

    def __init__(self, report: FailureReport) -> None:
        cause = f"{report.type}: {report.message}" if report.type else report.message
        sample = "" if report.sample is None else f" on the record {report.sample!r}"
        super().__init__(
            f"the operator {report.operator!r} ({report.uid}) failed in subtask {report.subtask}"
            f"{sample}: {cause}",
            code=report.code,
            hint=report.hint or "See the cause; a policy for errors can skip such records.",
            params={
                "operator": report.operator,
                "uid": report.uid,
                "subtask": report.subtask,
                "sample": report.sample,
                "cause": cause,
            },
            retryable=report.retryable,
        )
        self.report = report
        self.operator = report.operator
        """The name of the operator."""
        self.uid = report.uid
        self.subtask = report.subtask
        self.sample: Any = report.sample
        """The record it failed on, without secrets; None where it was not one record."""
        self.traceback = report.traceback
        """The traceback in the process where it failed, as text."""

    def __reduce__(self) -> Any:
        return (JobFailedError, (self.report,))


def error_of(failed: Failed) -> JobFailedError:
    """The error of a subtask, the same kind on every backend.

    It is raised from the author's own exception: the very one where it was raised in this process,
    a copy if it can be pickled, and none otherwise; then the traceback is a note.
    """
    error = JobFailedError(failed.report)
    error.__cause__ = failed.error or _unpickled(failed.report.pickled)
    if failed.error is None and failed.report.traceback:
        error.add_note(failed.report.traceback)
    return error


def _unpickled(data: bytes) -> BaseException | None:
    if not data:
        return None
    try:
        error = pickle.loads(data)  # noqa: S301 - written by a worker of this job
    except Exception:  # noqa: BLE001 - exceptions of programs may do anything here
        return None
    return error if isinstance(error, BaseException) else None


def lost(report: Lost) -> ResourceError:
    """The error for a worker that is gone."""
    return ResourceError(
        f"the worker {report.worker} is gone: {report.reason}",
        code="job.worker_lost",
        hint="Was it killed, or out of memory? With checkpoints and a restart strategy the job"
        " goes on by itself.",
        params={"worker": report.worker, "reason": report.reason},
        retryable=True,
    )


def is_retryable(error: BaseException, report: FailureReport | None = None) -> bool:
    """Whether starting again may help: yes, unless the error says otherwise.

    `WeftError.retryable` is about trying the same call again at once, so it is not heeded here; a
    report is, and so are the codes for a store that is full or not usable.
    """
    if report is not None:
        return report.retryable and report.code not in _FINAL_CODES
    if isinstance(error, WeftError):
        return error.code not in _FINAL_CODES
    return isinstance(error, Exception)


_FINAL_CODES = frozenset(
    {
        "checkpoint.storage_full",
        "checkpoint.corrupt",
        "checkpoint.format",
        "checkpoint.in_use",
        "checkpoint.key_groups",
        "checkpoint.kind_changed",
        "checkpoint.state_lost",
    }
)


def checkpoint_error(code: str, message: str) -> ResourceError:
    """The error for a checkpoint that could not be made."""
    return ResourceError(
        message,
        code=code,
        hint="Give checkpoints more time, or say how many of them may fail in a row.",
        retryable=code != "checkpoint.storage_full",
    )


def wrapped(error: BaseException, code: str, message: str, hint: str) -> WeftError:
    """An error of the program's own, met where the coordinator called it."""
    made = ResourceError(f"{message}: {said(error)}", code=code, hint=hint, retryable=True)
    made.__cause__ = error
    return made
