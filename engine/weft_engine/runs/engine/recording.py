"""Writes down what a run has done, row by row; a turn's rows form one group."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from time import time
from typing import Any, Literal

from weft_engine.runs.journal.base import Journal, Moment, StepRow, WakeRow
from weft_engine.runs.journal.values import ValueStore

State = Literal["completed", "failed", "skipped", "started"]


class Recording:
    """The journal as a run writes it; or nothing, where a run has none."""

    def __init__(self, journal: Journal | None = None, values: ValueStore | None = None) -> None:
        if journal is not None and (values is None or journal.durability == "none"):
            journal = None
        self.journal = journal
        self.values = values
        self.waits = journal is not None and journal.durability == "sync"
        """Whether what has effects, or is told, waits until the rows before it are on disk."""
        self.rows: list[StepRow] = []
        self.hold: Callable[[], None] = _nothing
        """Told of every row: what is said from then on tells of it, and waits for it."""
        self._loose = False
        """Whether something was handed over that nobody is told of when it is on disk."""
        self.heard: dict[tuple[str, str], str] = {}
        """The ids of signals that ended waits, by node and scope, until that is written down."""
        self._after: list[Callable[[], object]] = []
        """What is done with once the rows before it are on disk: waits, and the signals that ended
        them."""

    @property
    def kept(self) -> bool:
        """Whether anything is written at all."""
        return self.journal is not None

    @property
    def pending(self) -> bool:
        """Whether there is anything that `commit` has not handed over, or is to wait for."""
        return bool(self.rows or self._loose)

    def add(self, row: StepRow) -> None:
        """Write a row, after those before it."""
        if self.waits:
            self.hold()
        self.rows.append(row)

    def started(self, path: str, scope: str, attempt: int) -> None:
        """A node with effects is about to be called."""
        if self.waits:
            self.add(
                StepRow(node=path, scope=scope, state="started", attempt=attempt, started=time())
            )

    def ended(
        self,
        path: str,
        scope: str,
        state: State,
        outputs: Iterable[tuple[str, Any]] = (),
        *,
        variables: Mapping[str, Any] | None = None,
        failure: Mapping[str, Any] | None = None,
        attempt: int = 1,
        started: float = 0.0,
        kind: Literal["node", "scope"] = "node",
        key: str = "",
        shown: Mapping[str, Any] | None = None,
    ) -> None:
        """An activation, or a scope, has ended.

        Raises:
            JournalError: a value cannot be kept.
        """
        if self.journal is None or self.values is None:
            return
        plain = self.values.plain
        self.add(
            StepRow(
                node=path,
                scope=scope,
                kind=kind,
                key=key,
                attempt=attempt,
                state=state,
                outputs={port: plain(value, f"{path}.{port}") for port, value in outputs},
                variables=dict(variables or {}),
                failure=dict(failure) if failure else None,
                started=started,
                ended=time(),
                shown=dict(shown or {}),
                signal=self.heard.get((path, scope), "") if self.heard else "",
            )
        )

    def tried(
        self,
        path: str,
        scope: str,
        *,
        failure: Mapping[str, Any],
        attempt: int,
        started: float,
        ended: float,
        run: str,
    ) -> None:
        """An attempt of a container has failed, and another follows."""
        if self.kept:
            self.add(
                StepRow(
                    node=path,
                    scope=scope,
                    kind="retry",
                    key=run,
                    attempt=attempt,
                    failure=dict(failure),
                    started=started,
                    ended=ended,
                )
            )

    def commit(self, then: Callable[[], None] | None, when: Moment = "soon") -> None:
        """Hand over the rows of a turn; `then` is called once all of them are on disk."""
        journal, rows = self.journal, self.rows
        if journal is None:
            if then is not None:
                then()
            return
        if rows or (self._loose and then is not None):
            self.rows = []
            self._loose = self.waits and then is None
            journal.record_all(rows, then, when)
        elif then is not None:
            then()
        after, self._after = self._after, []
        for done in after:
            done()

    def park(self, wake: WakeRow) -> None:
        """An activation waits."""
        if self.journal is not None:
            self.commit(None)
            if self.waits:
                self.hold()
                self._loose = True
            self.journal.park(wake)

    def unpark(self, path: str, scope: str) -> None:
        """It waits no more, once the rows before are on disk."""
        if self.journal is not None:
            self._after.append(partial(self.journal.unpark, path, scope))

    def take(self, signal_id: str, place: tuple[str, str] | None = None) -> None:
        """A signal has had its effect, on what waited at a place of the run."""
        if self.journal is not None:
            self._after.append(partial(self.journal.take, signal_id))
            if place is not None:
                self._after.append(partial(self.heard.pop, place, None))


def _nothing() -> None:
    """Nobody is told."""
