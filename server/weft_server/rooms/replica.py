"""The server's live copy of a document, and the only place that lets updates into pycrdt."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from pycrdt import Subscription, TransactionEvent

from weft_engine.errors import KernelError, WeftError
from weft_server.rooms.assembly import FATAL, Document, assemble, empty_document
from weft_server.rooms.codec import ProtocolError, read_state
from weft_server.rooms.facts import Facts
from weft_server.rooms.guard import Contents
from weft_server.rooms.repository import RELAY, SYSTEM, Change, StoredDocument

T = TypeVar("T")


class Replica:
    """A document in memory, with all that is needed to make it again.

    pycrdt may panic in the middle of a change. Then the document is made anew from the last whole
    state and the updates since, and what caused the panic is left out.
    """

    def __init__(self, stored: StoredDocument, facts: Facts | None = None) -> None:
        self._base = stored.snapshot
        self._tail = [change.update for change in stored.changes]
        self._tail_size = sum(map(len, self._tail))
        self.facts = Facts.of(stored) if facts is None else facts
        self._emitted: list[bytes] = []
        self._subscription: Subscription | None = None
        self.identity = object()
        """Tells this copy from any other one, also from one made after this is gone."""
        self.version = 0
        """Grows with every change."""
        self.doc: Document = empty_document()
        self._rebuild()

    @property
    def state(self) -> dict[int, int]:
        """How many clocks of each client are known."""
        return self.facts.state

    @property
    def size(self) -> int:
        """Bytes of the encoded document, at most."""
        return len(self._base) + self._tail_size

    @property
    def tail_size(self) -> int:
        """Bytes of the updates since the last whole state."""
        return self._tail_size

    def state_vector(self) -> bytes:
        """What is known, as clients are told it."""
        return self.doc.get_state()

    def answer(self, state_vector: bytes) -> bytes:
        """Everything that a client with this state lacks."""
        with self._careful():
            return self.doc.get_update(state_vector)

    def merge(self, update: bytes, contents: Contents) -> bytes | None:
        """Apply an update that was parsed and fits; what it changed, if anything.

        Raises:
            ProtocolError: it is not well formed inside; the document is as before.
        """
        plan = self.facts.check(contents)
        expected = contents.after(self.state)
        is_new = bool(contents.new_clients(self.state))
        with self._careful(), self.doc.transaction(origin="client"):
            self.doc.apply_update(update)
        # pycrdt keeps what it cannot place, for ever and without a word.
        suspicious = len(contents.items) > 1 or (is_new and not self._emitted)
        if suspicious and not self._knows(expected):
            self._rebuild()
            raise ProtocolError("the update cannot be placed")
        self.facts.take(contents, plan)
        return self._take()

    def _knows(self, expected: dict[int, int]) -> bool:
        state = read_state(self.doc.get_state())
        return all(state.get(client, 0) >= clock for client, clock in expected.items())

    def change(self, work: Callable[[Document], T]) -> tuple[T, bytes | None]:
        """Let the server itself change the document; also the update that came of it."""
        try:
            with self._careful():
                result = work(self.doc)
        except ProtocolError as error:
            raise KernelError(f"the document could not be changed: {error.reason}") from error
        update = self._take()
        if update is not None:
            self.facts.learn(Change(SYSTEM, RELAY, update))
        return result, update

    def _take(self) -> bytes | None:
        """The update of the change that was just made; it becomes part of the history."""
        if not self._emitted:
            return None
        # One transaction makes one update.
        (update,) = self._emitted
        self._emitted.clear()
        self._tail.append(update)
        self._tail_size += len(update)
        self.version += 1
        return update

    def compact(self) -> bytes:
        """The whole document as one update, from which it is made again from now on."""
        if self._tail:
            self._base = self.doc.get_update()
            self._tail.clear()
            self._tail_size = 0
        return self._base

    def close(self) -> None:
        """Let go of the document; an observed one is never freed."""
        if self._subscription is not None:
            self.doc.unobserve(self._subscription)
            self._subscription = None

    @contextmanager
    def _careful(self) -> Iterator[None]:
        self._emitted.clear()
        try:
            yield
        except (WeftError, *FATAL):
            raise
        except BaseException as error:
            # A panic of pycrdt is no Exception, and it may leave half a change behind.
            self._rebuild()
            raise ProtocolError(
                f"the document does not take this: {type(error).__name__}"
            ) from error

    def _rebuild(self) -> None:
        self.close()
        self.doc = assemble([self._base, *self._tail])
        self._emitted.clear()
        self._subscription = self.doc.observe(self._on_update)

    def _on_update(self, event: TransactionEvent) -> None:
        self._emitted.append(event.update)
