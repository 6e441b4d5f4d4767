"""How a node's `process` is called: arguments from what arrived, outputs from its answer."""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from weft_engine.errors import NodeError
from weft_engine.kernel.operators.base import describe
from weft_engine.nodes.node_type import NodeContext, NodeType
from weft_engine.nodes.ports import Work
from weft_engine.nodes.types import SKIP


@dataclass(frozen=True, slots=True)
class Input:
    """An input port of a node, and where its values arrive."""

    name: str
    places: tuple[int, ...]
    """The operator's inputs that lead to it, one for each edge."""
    multiple: bool = False
    required: bool = True


@dataclass(slots=True)
class Stats:
    """What a node took, for its counters."""

    taken: int = 0


@lru_cache(maxsize=1024)
def _asks(cls: type[NodeType]) -> bool:
    """Whether its `process_batch` asks for the context."""
    return "ctx" in inspect.signature(cls.process_batch).parameters  # type: ignore[attr-defined]


class Call:
    """A node's `process`, called with what arrived at its ports."""

    def __init__(
        self,
        node: NodeType,
        work: Work,
        inputs: Sequence[Input],
        ctx: NodeContext,
        *,
        routed: bool = False,
    ) -> None:
        self.node = node
        self.work = work
        self.inputs = tuple(inputs)
        self.ctx = ctx
        self.routed = routed
        self.stats = Stats()
        self.outputs = len(work.outputs)
        """How many outputs there are beside that for failures."""
        method: Callable[..., Any] = node.process  # type: ignore[attr-defined]
        self.method = partial(method, ctx=ctx) if work.takes_context else method

    def batch(self, rows: Sequence[Mapping[str, Any]]) -> Any:
        """Call the node for many records at once; what it answers, or something to await.

        Args:
            rows: For each record its arguments by port.
        """
        return self._batch(
            {
                port.name: [row.get(port.name, port.default) for row in rows]
                for port in self.work.inputs
            },
        )

    def _batch(self, lists: dict[str, Any]) -> Any:
        method: Callable[..., Any] = self.node.process_batch  # type: ignore[attr-defined]
        return method(**lists, ctx=self.ctx) if _asks(type(self.node)) else method(**lists)

    def many(self, values: list[Any]) -> list[Any]:
        """Call a node that takes one value and gives one (`simple`) for many of them."""
        first, *rest = self.work.inputs
        lists = {port.name: [port.default] * len(values) for port in rest}
        answer = self._batch({first.name: values, **lists})
        self._must_be(answer, len(values))
        found: list[Any] = answer
        return found

    def answers(self, answer: Any, count: int) -> list[Sequence[Any]]:
        """What leaves by each output, for each record of a batch."""
        self._must_be(answer, count)
        return [self.results(each) for each in answer]

    def _must_be(self, answer: Any, count: int) -> None:
        if not isinstance(answer, list) or len(answer) != count:
            given = len(answer) if isinstance(answer, list) else type(answer).__qualname__
            raise NodeError(
                f"The node gave {given} where it promises a list of {count} answers.",
                code="node.bad_output",
                hint="This is a mistake in the node type; report it to its author.",
            )

    @property
    def simple(self) -> bool:
        """Whether it takes exactly one value, as its first argument."""
        return (
            len(self.inputs) == 1
            and not self.inputs[0].multiple
            and self.inputs[0].name == self.work.inputs[0].name
        )

    def arguments(self, arrived: Sequence[Any]) -> dict[str, Any] | None:
        """The arguments by port, or None when something required was skipped."""
        found: dict[str, Any] = {}
        for port in self.inputs:
            value: Any
            if port.multiple:
                live = [arrived[place] for place in port.places if arrived[place] is not SKIP]
                value = live or SKIP
            else:
                value = arrived[port.places[0]]
            if value is not SKIP:
                found[port.name] = value
            elif port.required:
                return None
        return found

    def results(self, answer: Any) -> Sequence[Any]:
        """What leaves by each output; `SKIP` where nothing does."""
        if not self.work.named:
            return (answer,) if self.outputs else ()
        if self.work.by_name and isinstance(answer, Mapping):
            answer = tuple(answer.get(port.name, SKIP) for port in self.work.outputs)
        if not isinstance(answer, tuple) or len(answer) != self.outputs:
            raise NodeError(
                f"The node gave {type(answer).__qualname__} where it promises "
                f"{', '.join(port.name for port in self.work.outputs)}.",
                code="node.bad_output",
                hint="This is a mistake in the node type; report it to its author.",
            )
        return answer

    def instead(self, value: Any) -> list[Any]:
        """What leaves by each output when a value takes the place of a failed call."""
        return [value] * self.outputs

    def skipped(self) -> list[Any]:
        """What leaves by each output when nothing was done; one for failures, too."""
        return [SKIP] * (self.outputs + self.routed)

    def failed(self, exc: Exception, given: Any, attempt: int) -> list[Any]:
        """What leaves by each output when the failure is sent on."""
        failure = describe(exc, given, self.ctx.node_id, attempt)
        return [SKIP] * self.outputs + [failure]

    def given(self, arrived: Sequence[Any]) -> Any:
        """What a call was given, for the description of a failure."""
        if self.simple:
            return arrived[0]
        return self.arguments(arrived)

    def absent(self, gone: Sequence[bool], streams: Sequence[int] = ()) -> bool:
        """Whether it does not take part, told for each of its inputs whether that does not.

        It does not when something required is missing, nor when it is lifted and none of the
        streams is left that would say for which records to call it.
        """
        if streams and all(gone[place] for place in streams):
            return True
        return any(
            port.required and all(gone[place] for place in port.places) for port in self.inputs
        )

    def streams(self) -> Iterable[int]:
        """The outputs that carry many records for each call."""
        return (index for index, port in enumerate(self.work.outputs) if port.type.stream)
