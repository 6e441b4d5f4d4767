"""The voice of a run: events numbered in order, and handed over several at a time."""

import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from time import time
from typing import Any

from weft_engine.runs.events import RunEvent

EmitAll = Callable[[list[RunEvent]], None]
"""Takes events in order, some at a time, one call after the other, but from several threads."""


class Voice:
    """Numbers the events of a run; from any thread.

    What is said waits until `flush`, so that the run's thread pays for the way out once a turn.
    What tells of rows that are not on disk yet waits for them, too: see `hold`.
    """

    def __init__(self, run_id: str, emit: EmitAll, last_seq: int = 0) -> None:
        self._run_id = run_id
        self._emit = emit
        self.seq = last_seq
        self._lock = threading.RLock()
        self._leaving = threading.RLock()
        self._said: list[RunEvent] = []
        self._upto: int | None = None
        """The number of the last event that may be handed over; all may when None."""
        self._over = False
        self._text = ""
        self._text_until = 0.0

    def say(self, kind: str, node: str | None, data: dict[str, Any]) -> None:
        """Add an event. The data belongs to the event from now on."""
        self.say_all(node, ((kind, data),))

    def say_all(self, node: str | None, said: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """Add events of one moment: what they are, and their data."""
        with self._lock:
            if self._over:
                return
            now = time()
            if not self._text_until - 0.001 <= now < self._text_until:
                self._write_time(now)
            at, run, seq = self._text, self._run_id, self.seq
            for kind, data in said:
                seq += 1
                self._said.append(
                    RunEvent(seq=seq, at=at, type=kind, run=run, node=node, data=data)
                )
            self.seq = seq

    @property
    def now(self) -> str:
        """The moment of the last event, as it was told."""
        return self._text

    def flush(self) -> None:
        """Hand over what was said."""
        if not self._said:
            return
        with self._leaving:
            with self._lock:
                said, kept = self._said, []
                if self._upto is not None:
                    at = len(said) - (self.seq - self._upto)
                    said, kept = said[:at], said[at:]
                self._said = kept
            if said:
                self._emit(said)

    def hold(self) -> None:
        """Keep back what is said from now on; it tells of what is not on disk yet."""
        if self._upto is None:
            with self._lock:
                self._upto = self.seq

    def free(self, upto: int | None = None) -> None:
        """Rows are on disk: events up to this number may go; all of them where none is named."""
        with self._lock:
            self._upto = upto

    def drop(self) -> list[RunEvent]:
        """Forget what is kept back: it tells of what never came to the disk."""
        self.flush()
        with self._lock:
            dropped, self._said, self._upto = self._said, [], None
            self.seq -= len(dropped)
        return dropped

    def end(self, kind: str, data: dict[str, Any]) -> None:
        """Say the last event; what a thread that was left behind says later is not heard."""
        with self._lock:
            self.say(kind, None, data)
            self._over = True
        self.flush()

    def _write_time(self, now: float) -> None:
        milliseconds = int(now * 1000)
        moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
        self._text = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._text_until = (milliseconds + 1) / 1000
