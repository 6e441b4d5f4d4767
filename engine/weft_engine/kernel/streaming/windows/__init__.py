"""Windows: records of a key brought together by time or by number."""

from typing import Any

from weft_engine.errors import KernelError
from weft_engine.kernel.physical import OperatorSpec
from weft_engine.kernel.streaming.windows.counts import CountWindows
from weft_engine.kernel.streaming.windows.folding import Folding, How, Joining, make_folding
from weft_engine.kernel.streaming.windows.globally import GlobalWindows
from weft_engine.kernel.streaming.windows.operator import WindowOperator
from weft_engine.kernel.streaming.windows.sessions import SessionWindows
from weft_engine.kernel.streaming.windows.slices import SlicedWindows
from weft_engine.kernel.windows import Assigner, Count, Global, Session, Sliding, Tumbling


def make_window(
    spec: OperatorSpec,
    assigner: Assigner,
    how: How,
    fn: Any,
    result: Any = None,
    lateness_ms: int = 0,
    sides: tuple[str, ...] = (),
    early_ms: int | None = None,
) -> WindowOperator:
    """The operator of kind `window`."""
    folding = make_folding(how, fn, result)
    return _make(spec, assigner, folding, lateness_ms, sides, early_ms)


def make_window_join(
    spec: OperatorSpec,
    assigner: Assigner,
    fn: Any,
    how: str = "inner",
    lateness_ms: int = 0,
    sides: tuple[str, ...] = (),
) -> WindowOperator:
    """The operator of kind `window_join`: pairs of records of a key that share a window.

    A window by count is made of the records of both inputs as they come.
    """
    made = _make(spec, assigner, Joining(fn, how), lateness_ms, sides)
    made.two_inputs = True
    return made


def _make(
    spec: OperatorSpec,
    assigner: Assigner,
    folding: Folding,
    lateness_ms: int,
    sides: tuple[str, ...],
    early_ms: int | None = None,
) -> WindowOperator:
    if isinstance(assigner, Count):
        return CountWindows(spec, folding, assigner.size, assigner.slide, sides=sides)
    more: dict[str, Any] = {
        "processing": assigner.time == "processing",
        "lateness_ms": lateness_ms,
        "sides": sides,
    }
    if isinstance(assigner, Global):
        when = (assigner.after, assigner.every, assigner.purge)
        return GlobalWindows(spec, folding, *when, **more)
    more["early_ms"] = early_ms
    if isinstance(assigner, Session):
        return SessionWindows(spec, folding, assigner.gap, **more)
    if isinstance(assigner, Tumbling | Sliding):
        slide = assigner.slide if isinstance(assigner, Sliding) else assigner.size
        return SlicedWindows(spec, folding, assigner.size, slide, assigner.offset, **more)
    raise KernelError(
        f"There are no windows of the kind {type(assigner).__qualname__}.",
        code="kernel.unknown_kind",
        hint="Use Tumbling, Sliding, Session, Count or Global.",
    )
