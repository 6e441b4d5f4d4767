"""What is done with one record by a stretch of nodes: plain data that travels to any worker."""

import inspect
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from weft_engine.compiler.calls import Input
from weft_engine.errors import NodeError
from weft_engine.kernel.operators.base import describe
from weft_engine.kernel.policy import Policy
from weft_engine.nodes.node_type import NodeClass, NodeContext, NodeType
from weft_engine.nodes.settings import validate
from weft_engine.nodes.types import SKIP

Key = tuple[str, str]


class LiveContext(NodeContext, Protocol):
    """The run as a node sees it; picklable."""

    def at(self, identity: str, event: Any, attempt: int) -> NodeContext:
        """The same for one record, by whatever names that record, and the event if it is one."""
        ...


class Watch(Protocol):
    """Counts and samples what a node does in one subtask; picklable before it is opened."""

    def fresh(self) -> "Watch":
        """One like it, for a subtask of its own."""
        ...

    def open(self, place: str, attempt: int, restored: Sequence[Any]) -> None:
        """Begin, with counts of before."""

    def took(self, count: int, busy_ns: int = 0) -> None:
        """It was given so many records."""

    def gave(self, port: str, records: Sequence[Any]) -> None:
        """Records left by a port."""

    def lived_with(self, error: BaseException, record: Any, attempt: int) -> None:
        """A record failed, and the stream goes on."""

    def broke(self, error: BaseException, record: Any, attempt: int) -> None:
        """It failed, and the stream with it."""

    def counts(self) -> Any:
        """What `open` takes after a restart."""

    def close(self) -> None:
        """No more."""


@dataclass(frozen=True, slots=True)
class Step:
    """One node of a stretch."""

    name: str
    cls: NodeClass
    settings: Mapping[str, Any]
    inputs: tuple[Input, ...]
    """By slot of what is known of the record."""
    outputs: tuple[tuple[str, int], ...]
    """Port and slot."""
    streams: frozenset[str]
    """Ports that carry many records for each call."""
    named: bool
    by_name: bool
    takes_context: bool
    asynchronous: bool
    heavy: bool
    """It may block: it is called on a thread of its own."""
    policy: Policy
    context: LiveContext
    watch: Watch
    error: int | None = None
    """The slot for failures, where they are sent on."""
    event: bool = False
    """It is a trigger: the record is its event."""

    @property
    def waits(self) -> bool:
        """Whether records are to be worked on side by side because of it."""
        return (
            self.asynchronous
            or self.heavy
            or self.policy.max_attempts > 1
            or self.policy.timeout_s is not None
        )


class StepFailure(Exception):  # noqa: N818 - wraps the error proper, which is its cause
    """A node failed on a record, and that is not to be lived with."""


class Site:
    """A step at work in one subtask."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.watch = step.watch.fresh()
        self.node = made(step.cls, step.settings)
        self._method: Callable[..., Any] = self.node.process  # type: ignore[attr-defined]

    def open(self) -> None:
        """Get the node ready."""
        self.node.open(self.step.context)

    def close(self) -> None:
        """Let go of it."""
        self.node.close()
        self.watch.close()

    def arguments(self, slots: Sequence[Any]) -> dict[str, Any] | None:
        """By port; None when something that is required was skipped."""
        found: dict[str, Any] = {}
        for port in self.step.inputs:
            value: Any
            if port.multiple:
                live = [slots[place] for place in port.places if slots[place] is not SKIP]
                value = live or SKIP
            else:
                value = slots[port.places[0]]
            if value is not SKIP:
                found[port.name] = value
            elif port.required:
                return None
        return found

    def call(self, arguments: dict[str, Any], item: Any, identity: str, attempt: int) -> Any:
        """Call the node; an awaitable where it is asynchronous."""
        if self.step.takes_context:
            event = item if self.step.event else None
            arguments = {**arguments, "ctx": self.step.context.at(identity, event, attempt)}
        return self._method(**arguments)

    def fill(self, slots: list[Any], answer: Any) -> None:
        """Put the answer of a call where others find it."""
        for (_, slot), value in zip(self.step.outputs, self._results(answer), strict=True):
            slots[slot] = value

    def _results(self, answer: Any) -> Sequence[Any]:
        step = self.step
        if not step.named:
            return (answer,) if step.outputs else ()
        if step.by_name and isinstance(answer, Mapping):
            return tuple(answer.get(port, SKIP) for port, _ in step.outputs)
        if not isinstance(answer, tuple) or len(answer) != len(step.outputs):
            raise NodeError(
                f"The node gave {type(answer).__qualname__} where it promises "
                f"{', '.join(port for port, _ in step.outputs)}.",
                code="node.bad_output",
                hint="This is a mistake in the node type; report it to its author.",
            )
        return answer

    def failed(self, slots: list[Any], error: Exception, given: Any, attempt: int) -> None:
        """Live with a failure, by the node's policy.

        Raises:
            StepFailure: it is not to be lived with.
        """
        step = self.step
        if step.policy.on_error == "fail":
            self.watch.broke(error, given, attempt)
            raise StepFailure from error
        self.watch.lived_with(error, given, attempt)
        if step.policy.on_error == "continue":
            for port, slot in step.outputs:
                slots[slot] = () if port in step.streams else None
        elif step.error is not None:
            slots[step.error] = describe(error, given, step.name, attempt)


@dataclass(frozen=True, slots=True)
class Program:
    """Everything that a stretch does."""

    steps: tuple[Step, ...]
    slots: tuple[Any, ...]
    """What is known before the record is: constants, `SKIP` elsewhere. The record is the first."""
    ports: tuple[tuple[str, str, int, bool], ...]
    """What is shown: node, port, slot, and whether there are many for each record."""
    numbered: bool = False
    """Whether records always come in the same order, so that their numbers name them."""

    @property
    def waits(self) -> bool:
        """Whether records are to be worked on side by side."""
        return any(step.waits for step in self.steps)


def made(cls: NodeClass, settings: Mapping[str, Any]) -> NodeType:
    """A node, fresh for one subtask."""
    node, issues = validate(cls, dict(settings))
    if node is None:
        raise NodeError(issues[0].message, code="node.setting_invalid", hint=issues[0].hint)
    return node


def run_steps(sites: Sequence[Site], slots: list[Any], identity: str) -> None:
    """Lead a record through, one node after the other.

    Raises:
        StepFailure: a node failed, and that is not to be lived with.
    """
    item = slots[0]
    for site in sites:
        arguments = site.arguments(slots)
        if arguments is None:
            continue
        began = time.perf_counter_ns()
        try:
            site.fill(slots, _read(site.call(arguments, item, identity, 1), site))
        except Exception as error:  # noqa: BLE001 - whatever a node raises is its failure
            site.failed(slots, error, _given(arguments, item), 1)
        site.watch.took(1, time.perf_counter_ns() - began)


async def run_steps_waiting(
    sites: Sequence[Site],
    slots: list[Any],
    identity: str,
    blocking: Callable[[Callable[[], Any]], Awaitable[Any]],
    sleep: Callable[[float], Awaitable[None]],
    limited: Callable[[Awaitable[Any], float], Awaitable[Any]],
) -> None:
    """As `run_steps`, with nodes that wait: for answers, for another attempt.

    Args:
        sites: The nodes.
        slots: What is known of the record.
        identity: What names the record.
        blocking: Does something on a thread.
        sleep: Waits some seconds.
        limited: Waits for something at most so many seconds.
    """
    item = slots[0]
    for site in sites:
        arguments = site.arguments(slots)
        if arguments is None:
            continue
        began = time.perf_counter_ns()
        policy, attempt = site.step.policy, 1
        while True:
            try:
                asked = _ask(site, arguments, item, identity, attempt, blocking)
                answer = await (
                    asked if policy.timeout_s is None else limited(asked, policy.timeout_s)
                )
                site.fill(slots, answer)
            except Exception as error:  # noqa: BLE001 - whatever a node raises is its failure
                if attempt < policy.max_attempts:
                    await sleep(policy.delay(attempt))
                    attempt += 1
                    continue
                site.failed(slots, error, _given(arguments, item), attempt)
            break
        site.watch.took(1, time.perf_counter_ns() - began)


async def _ask(
    site: Site,
    arguments: dict[str, Any],
    item: Any,
    identity: str,
    attempt: int,
    blocking: Callable[[Callable[[], Any]], Awaitable[Any]],
) -> Any:
    call = partial(site.call, arguments, item, identity, attempt)
    if not site.step.asynchronous:
        if site.step.heavy or site.step.policy.timeout_s is not None:
            return await blocking(lambda: _read(call(), site))
        return _read(call(), site)
    answer = call()
    if inspect.isasyncgen(answer):
        return [record async for record in answer]
    return _read(await answer, site)


def _read(answer: Any, site: Site) -> Any:
    """Read what a call gives bit by bit to its end, so that its failure is one of this record."""
    if isinstance(answer, Iterator):
        return list(answer)
    if site.step.named and site.step.streams and isinstance(answer, tuple):
        return tuple(list(part) if isinstance(part, Iterator) else part for part in answer)
    return answer


def _given(arguments: dict[str, Any], item: Any) -> Any:
    """What a call was given, for the description of a failure."""
    if not arguments:
        return item
    return next(iter(arguments.values())) if len(arguments) == 1 else arguments
