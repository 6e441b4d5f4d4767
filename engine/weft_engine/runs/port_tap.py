"""Keeps what leaves a port of a node while a run goes on."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from weft_engine.errors import ResourceError
from weft_engine.nodes.node_type import Shown
from weft_engine.nodes.port_type import PortType
from weft_engine.runs.outputs import OutputRef, OutputStore, RecordsWriter


class PortTap:
    """Keeps what leaves a port for looking at."""

    def __init__(
        self,
        node: str,
        port: str,
        kind: PortType,
        store: OutputStore,
        done: Callable[["PortTap", OutputRef], None],
    ) -> None:
        self.node = node
        self.port = port
        self.kind = kind
        self.count = 0
        self._store = store
        self._done = done
        self._writer: RecordsWriter | None = store.records() if kind.stream else None
        self._value: Any = None
        self._shown: Shown | None = None
        self._over = False
        self._partial = False

    def show(self, shown: Shown) -> None:
        """Keep only a part of what passes."""
        self._shown = shown
        if self._writer is not None:
            self._writer = self._store.records(shown.limit)

    @property
    def full(self) -> bool:
        """Whether it keeps no more records, and only counts them."""
        return self._writer is not None and self._writer.full

    def spare(self, count: int) -> None:
        """Count records that it does not see."""
        self.count += count
        if self._writer is not None:
            self._writer.count += count

    def only_part(self) -> None:
        """Know that what it sees is not all there would be; it is not used in another's place."""
        self._partial = True

    def take(self, batch: list[Any]) -> None:
        """See what passes."""
        self.count += len(batch)
        if self._writer is not None:
            self._writer.take(batch, self._shown.of if self._shown is not None else None)
        else:
            self._value = batch[-1]

    def ended(self, *, absent: bool) -> None:
        """Keep what was seen; a port that was not taken has nothing to keep."""
        if not self._over and not (absent and not self.count):
            self._keep(partial=False)
        self._over = True

    def break_off(self) -> None:
        """Keep what was seen so far, if anything; the run has failed already, or is cancelled."""
        if not self._over and self.count:
            with suppress(ResourceError):
                self._keep(partial=True)
        self._over = True

    def _keep(self, *, partial: bool) -> None:
        partial = partial or self._partial
        if self._writer is not None:
            self._done(self, self._writer.finish(partial=partial))
        elif self.count:
            self._done(self, self._store.value(self._value, partial=partial))
        self._value = None
