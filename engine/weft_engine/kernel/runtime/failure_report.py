"""Failures as plain data, for whoever started the job."""

import pickle
import threading
import traceback
from typing import Any, Final

from weft_engine.errors import FlowError, WeftError, said
from weft_engine.kernel.operators.base import RecordError
from weft_engine.kernel.physical import Stage
from weft_engine.kernel.redact import redacted
from weft_engine.kernel.runtime.failures import NO_RECORD, OperatorFailure
from weft_engine.kernel.runtime.messages import FailureReport
from weft_engine.kernel.state.hashing import UnstableKeyError, stable_hash

_LONGEST_MESSAGE: Final = 4_000
_LONGEST_TRACEBACK: Final = 20_000
_LONGEST_TEXT: Final = 500
_MOST_PICKLED: Final = 65_536
_UNHASHABLE: Final = "unhashable type: "
_UNHASHABLE_HINT: Final = (
    "If that is the key of a record: use tuple(...) of a list, frozenset(...) of a set, one of the "
    "fields of a dict."
)


class Broken(BaseException):
    """An operator of a stage failed.

    Not an `Exception`, so that the failure of an operator passes through those before it, whose
    error policies it does not concern.
    """

    def __init__(self, position: int, cause: BaseException) -> None:
        super().__init__(position, cause)
        self.position = position
        self.cause = cause


def unwrapped(exc: BaseException) -> tuple[BaseException, Any, str | None]:
    """What went wrong, the record it went wrong on (or `NO_RECORD`), and the operator if known."""
    record: Any = NO_RECORD
    uid: str | None = None
    while True:
        if isinstance(exc, Broken):
            exc = exc.cause
        elif isinstance(exc, OperatorFailure):
            uid = exc.uid
            record = exc.record if exc.record is not NO_RECORD else record
            exc = exc.cause
        elif isinstance(exc, RecordError) and exc.__cause__ is not None:
            record = exc.record
            exc = exc.__cause__
        else:
            return exc, record, uid


def with_refused_key(exc: BaseException, stage: Stage) -> BaseException:
    """The failure, said plainly where it comes of a key that cannot be one.

    Where records are divided, `stable_hash` refuses such keys before they come to an operator.
    Where there is nothing to divide nobody has looked at them, and Python says only that it cannot
    hash something.
    """
    cause, record, uid = unwrapped(exc)
    if not _is_unhashable(cause) or record is NO_RECORD:
        return exc
    position = exc.position if isinstance(exc, Broken) else 0
    specs = {spec.uid: spec for spec in stage.operators}
    spec = specs.get(uid or "", stage.operators[position])
    for key in filter(None, (spec.key, *spec.keys)):
        try:
            stable_hash(key(record))
        except UnstableKeyError as refused:
            refused.__cause__ = cause
            return Broken(position, OperatorFailure(spec.uid, refused, record))
        except Exception:  # noqa: BLE001, S112 - it is not the key of this record
            continue
    return exc


def _is_unhashable(cause: BaseException) -> bool:
    return isinstance(cause, TypeError) and str(cause).startswith(_UNHASHABLE)


def is_interrupt(exc: BaseException) -> bool:
    """Whether it is Python's answer to Ctrl-C, and not something that a function has raised."""
    main = threading.current_thread() is threading.main_thread()
    return main and isinstance(exc, KeyboardInterrupt)


def make_report(exc: BaseException, stage: Stage, subtask: int) -> FailureReport:
    """Describe what made a subtask fail."""
    position = exc.position if isinstance(exc, Broken) else 0
    cause, record, uid = unwrapped(exc)
    specs = {spec.uid: spec for spec in stage.operators}
    spec = specs.get(uid or "", stage.operators[position])
    known = cause if isinstance(cause, WeftError) else None
    kind = type(cause)
    hint = known.hint if known else _advice(cause)
    return FailureReport(
        uid=spec.uid,
        operator=spec.name,
        subtask=subtask,
        type=kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}",
        message=(known.message if known else said(cause))[:_LONGEST_MESSAGE],
        code=known.code if known else "node.crashed",
        hint=hint,
        sample=None if record is NO_RECORD else sample_of(record),
        traceback=_traceback(cause),
        owner=spec.owner,
        retryable=not isinstance(cause, FlowError),
        pickled=_pickled(cause),
    )


def _advice(cause: BaseException) -> str:
    """What to do about an error that is not ours, also noted in its traceback."""
    if not _is_unhashable(cause):
        return ""
    note = f"Hint: {_UNHASHABLE_HINT}"
    if note not in getattr(cause, "__notes__", ()):
        cause.add_note(note)
    return _UNHASHABLE_HINT


def unspeakable(exc: BaseException, stage: Stage, subtask: int) -> FailureReport:
    """The report on an exception that itself raises when it is looked at."""
    position = exc.position if isinstance(exc, Broken) else 0
    spec = stage.operators[position]
    kind = type(unwrapped(exc)[0])
    return FailureReport(
        uid=spec.uid,
        operator=spec.name,
        subtask=subtask,
        type=kind.__qualname__,
        message="the exception itself raises when it is looked at",
        owner=spec.owner,
    )


def sample_of(record: Any) -> Any:
    """A record as it may be shown: short, without secrets, and picklable anywhere."""
    try:
        return _short(redacted(record))
    except Exception:  # noqa: BLE001 - a record may refuse to be looked at
        return f"<{type(record).__qualname__}>"


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {_short(key): _short(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_short(item) for item in value]
    if isinstance(value, tuple):
        return tuple(_short(item) for item in value)
    if value is None or type(value) in (bool, int, float):
        return value
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"


def _traceback(exc: BaseException) -> str:
    text = "".join(traceback.format_exception(exc))
    if len(text) <= _LONGEST_TRACEBACK:
        return text
    half = _LONGEST_TRACEBACK // 2
    return f"{text[:half]}\n…\n{text[-half:]}"


def _pickled(exc: BaseException) -> bytes:
    """The exception, if it comes out of a pickle as what it was."""
    try:
        data = pickle.dumps(exc)
        again = pickle.loads(data)  # noqa: S301 - what was pickled in the line before
    except Exception:  # noqa: BLE001 - whatever a foreign class does when it is pickled
        return b""
    same = type(again) is type(exc) and again.args == exc.args
    return data if same and len(data) <= _MOST_PICKLED else b""
