"""Running results by key: what they are so far, close at hand."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from weft_engine.kernel.state.api import Table

ABSENT: Final[Any] = object()
_MOST: Final = 65_536
"""How many keys are held before they are written back; bounds what a barrier waits for."""
_MOST_BATCHED: Final = 4096
"""The same before a table for which writing is work."""


class Running:
    """A write-back cache before a table, which the loop reads and writes as a plain dict.

    It spares the table a call for every batch and every record, and the loop the search for the
    keys of a batch before it begins: what was read once is at hand until the next checkpoint.
    What is written back is let go of, so that the table can protect a snapshot that is being
    written from being changed.
    """

    def __init__(self, table: Table, create: Callable[[], Any] | None = None) -> None:
        self.held: dict[Any, Any] = {}
        """The values at hand; never another dict."""
        self.batched = bool(getattr(table, "batched", False))
        """Whether many values are read far cheaper at once than one by one."""
        self._most = _MOST_BATCHED if self.batched else _MOST
        self._table = table
        self._create = create
        self._absent: set[Any] = set()
        """Keys that the last `prefetch` has found nothing for."""

    def prefetch(self, keys: Iterable[Any]) -> None:
        """Read the values of keys that are about to be needed, those that are not at hand."""
        missing = set(keys).difference(self.held)
        if missing:
            found = self._table.begin(missing)
            self.held.update((key, found[key]) for key in missing if key in found)
            self._absent = missing.difference(found)

    def fetch(self, key: Any) -> Any:
        """The value of a key that the dict has nothing (or None) for; `ABSENT` for a new key."""
        if key in self.held:
            return None
        value = ABSENT if key in self._absent else self._table.get(key, ABSENT)
        if value is ABSENT and self._create is not None:
            return self._create()
        return value

    def trim(self) -> None:
        """Write back if there is much; called after every batch."""
        if len(self.held) > self._most:
            self.flush()

    def flush(self) -> None:
        """Write everything back; called before every snapshot."""
        held = self.held
        if held:
            keys = list(held)
            self._table.begin(keys).update(held)
            self._table.done(keys)
            held.clear()
        self._absent.clear()
