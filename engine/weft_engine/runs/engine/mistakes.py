"""What nobody foresaw."""

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
