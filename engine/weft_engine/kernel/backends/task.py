"""One chain of a plan at work in the local backend."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import monotonic, perf_counter_ns
from typing import Any, TypeVar

from weft_engine.kernel.backends.base import Counters, OperatorError
from weft_engine.kernel.graph import Vertex
from weft_engine.kernel.operators.base import (
    Batch,
    Context,
    Linear,
    Operator,
    Pulled,
    RecordError,
    Waiting,
)
from weft_engine.kernel.operators.waiting import timed_out

T = TypeVar("T")

FAILURES = (Exception, SystemExit)
"""What an operator may raise; a node that wants to leave the process only fails."""
Reader = tuple["Task", int]
Held = tuple[int, Batch | None, bool]
"""Something that came before its turn: input, batch, or None and whether the input is absent."""


@dataclass(slots=True)
class Link:
    """One operator of a chain."""

    vertex: Vertex
    operator: Operator
    context: Context
    counters: Counters = field(default_factory=Counters)
    error_readers: list[Reader] = field(default_factory=list)
    limit_ns: int | None = None
    """How long it may work in all."""
    opened: bool = False

    def spend(self, nanoseconds: int) -> None:
        """Count time that it worked."""
        self.counters.busy_ns += nanoseconds
        if self.limit_ns is not None and self.counters.busy_ns > self.limit_ns:
            self.limit_ns = None
            late = timed_out(self.vertex.policy.timeout_s or 0.0)
            raise OperatorError(self.vertex, late, None, 1)


@dataclass(slots=True, eq=False)
class Task:
    """A chain with its inputs, its readers and where it is in its life."""

    id: int
    links: list[Link]
    readers: list[list[Reader]] = field(default_factory=list)
    """By output of the last operator."""
    producers: list["Task"] = field(default_factory=list)
    stages: tuple[tuple[int, ...], ...] = ()
    stage: int = 0
    held: deque[Held] = field(default_factory=deque)
    ended: dict[int, bool] = field(default_factory=dict)
    """Inputs that have ended, and whether they were absent."""
    inputs: int = 0
    opened: bool = False
    finishing: bool = False
    exhausted: bool = False
    """It wants no more input."""
    stopped: bool = False
    """Nobody wants what it gives."""
    done: bool = False

    @property
    def head(self) -> Operator:
        """Its first operator; the only one unless it is a chain of linear ones."""
        return self.links[0].operator

    @property
    def waiting(self) -> Waiting | None:
        """Its operator, if results come later."""
        return self.head if isinstance(self.head, Waiting) else None

    @property
    def pulled(self) -> Pulled | None:
        """Its operator, if it is a source."""
        return self.head if isinstance(self.head, Pulled) else None

    @property
    def keep(self) -> bool:
        """Whether it must run to its end."""
        return any(link.vertex.keep for link in self.links)

    @property
    def all_readers(self) -> list[Reader]:
        """Who reads any of its outputs."""
        found = [reader for readers in self.readers for reader in readers]
        return found + [reader for link in self.links for reader in link.error_readers]

    def pause(self) -> float:
        """How long a source wants to be left alone."""
        until = self.pulled.wait_until if self.pulled is not None else 0.0
        return until - monotonic() if until else 0.0

    def active(self, port: int) -> bool:
        """Whether it is that input's turn."""
        return not self.stages or any(port in ports for ports in self.stages[: self.stage + 1])

    def advance(self) -> bool:
        """Go on to the next group of inputs if this one has ended."""
        moved = False
        while self.stage + 1 < len(self.stages) and all(
            port in self.ended for port in self.stages[self.stage]
        ):
            self.stage += 1
            moved = True
        return moved

    def absent(self) -> bool:
        """Whether what it reads says that it does not take part."""
        return self.head.absent([self.ended.get(port, False) for port in range(self.inputs)])

    def open(self) -> None:
        """Open its operators, once."""
        self.opened = True
        for link in self.links:
            link.opened, attempt = True, 1
            while True:
                try:
                    guarded(link, link.operator.open, link.context)
                    break
                except OperatorError as error:
                    if attempt >= link.vertex.policy.max_attempts:
                        raise
                    delay = link.vertex.policy.delay(attempt)
                    link.context.report(_cause(error), None, attempt, delay)
                    link.context.pause(delay)
                    attempt += 1

    def close(self) -> None:
        """Close its operators, once, even when one of them fails at it."""
        errors: list[Exception] = []
        for link in self.links:
            if not link.opened:
                continue
            link.opened = False
            try:
                link.operator.close()
            except Exception as exc:  # noqa: BLE001 - the others must be closed all the same
                errors.append(OperatorError(link.vertex, exc, None, 1))
        if errors:
            raise errors[0]

    def run_chain(self, batch: Batch) -> tuple[Batch, bool]:
        """Lead a batch through all operators; also whether one of them wants no more."""
        exhausted = False
        began = perf_counter_ns()
        for link in self.links:
            if not batch:
                break
            operator, counters = link.operator, link.counters
            counters.batches += 1
            counters.records_in += len(batch)
            try:
                batch = operator.apply(batch)  # type: ignore[attr-defined]
            except FAILURES as exc:
                raise _failed(link, exc) from exc
            counters.records_out += len(batch)
            now = perf_counter_ns()
            link.spend(now - began)
            began = now
            exhausted = exhausted or operator.exhausted
        return batch, exhausted

    def is_chain(self) -> bool:
        """Whether its operators are linear."""
        return isinstance(self.head, Linear)


def guarded(link: Link, work: Callable[..., T], *args: Any) -> T:
    """Call an operator, count its time, and say whose failure it is."""
    began = perf_counter_ns()
    try:
        found = work(*args)
    except FAILURES as exc:
        link.counters.busy_ns += perf_counter_ns() - began
        raise _failed(link, exc) from exc
    link.spend(perf_counter_ns() - began)
    return found


def next_of(link: Link, emission: Iterator[tuple[int, Batch]]) -> tuple[int, Batch] | None:
    """The next batch of an emission; None at its end."""
    out: tuple[int, Batch] | None = guarded(link, next, emission, None)
    return out


def _cause(error: OperatorError) -> Exception:
    return error.cause if isinstance(error.cause, Exception) else error


def _failed(link: Link, exc: BaseException) -> OperatorError:
    if isinstance(exc, OperatorError):
        return exc
    if isinstance(exc, RecordError):
        return OperatorError(link.vertex, exc.__cause__ or exc, exc.record, exc.attempt)
    return OperatorError(link.vertex, exc, None, 1)
