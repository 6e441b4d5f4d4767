"""What stands behind every output of a flow and looks at what comes through."""

from collections.abc import Callable
from typing import Final, Protocol

from weft_engine.kernel.operators.base import Batch, Linear
from weft_engine.nodes.port_type import PortType
from weft_engine.nodes.types import SKIP

VIEW: Final = "view"
"""Under this name the input of a node without outputs is kept for looking at."""


class Tap(Protocol):
    """Looks at what leaves a port."""

    def take(self, batch: Batch, /) -> None:
        """See some records, in order; a single value is one record."""

    def ended(self, *, absent: bool) -> None:
        """There is no more; or the port was not taken."""


MakeTap = Callable[[str, str, PortType], Tap]
"""Makes the tap of a node's port; the type says whether it carries a stream."""


class TapOperator(Linear):
    """Lets everything through, and shows it to a tap; `whole` sees the gaps, too."""

    def __init__(self, tap: Tap, *, skips: bool, whole: Tap | None = None) -> None:
        self._tap = tap
        self._skips = skips
        self._whole = whole

    def apply(self, batch: Batch) -> Batch:
        """See the live records."""
        live = [record for record in batch if record is not SKIP] if self._skips else batch
        if live:
            self._tap.take(live)
        if self._whole is not None:
            self._whole.take(batch)
        return batch

    def ended(self, *, absent: bool) -> None:
        """Pass it on."""
        self._tap.ended(absent=absent)
        if self._whole is not None:
            self._whole.ended(absent=absent)
