"""What nobody foresaw."""

from typing import Any

from weft_engine.errors import KernelError, WeftError, said


def mistake(error: BaseException) -> WeftError:
    """What nobody foresaw, as an error of the engine."""
    if isinstance(error, WeftError):
        return error
    known = KernelError(
        f"The engine made a mistake: {type(error).__qualname__}: {said(error)}",
        hint="Please report it, with the log of the engine.",
    )
    known.__cause__ = error
    return known


def too_long(seconds: float) -> dict[str, Any]:
    """The failure of a run that took longer than it may."""
    return {
        "code": "run.timeout",
        "message": f"The run took longer than its limit of {seconds:g} s.",
        "hint": "Give it more time, or let it do less.",
        "params": {"max_seconds": seconds},
        "node": None,
        "attempt": 1,
        "chain": [],
        "sample": None,
    }
