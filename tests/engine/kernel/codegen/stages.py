"""Runs the operators of one stage alone: contexts and state are real, the rest is lists."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

from weft_engine.kernel.batch import Batch
from weft_engine.kernel.codegen.build import make_operators
from weft_engine.kernel.codegen.fused import FusedOperator
from weft_engine.kernel.physical import OperatorSpec, Stage
from weft_engine.kernel.policy import PLAIN, Policy
from weft_engine.kernel.runtime.operator import Partitioner, StreamOperator
from weft_engine.kernel.settings import Settings
from weft_engine.kernel.testing import HarnessContext

Variant = Literal["fast", "instrumented", "stepping"]


def spec(
    kind: str,
    fn: Any = None,
    *,
    uid: str = "",
    key: Callable[[Any], Any] | None = None,
    outputs: int = 1,
    policy: Policy = PLAIN,
    timed: bool = False,
    **params: Any,
) -> OperatorSpec:
    if fn is not None:
        params["fn"] = fn
    return OperatorSpec(
        uid or kind, kind, uid or kind, params, key, outputs=outputs, policy=policy, timed=timed
    )


class StageContext(HarnessContext):
    """Hands what leaves by output 0 to the next operator, if there is one."""

    def __init__(
        self, made: OperatorSpec, batch_size: int, next_one: StreamOperator | None
    ) -> None:
        super().__init__(made, batch_size, 0, {}, Settings())
        self.next_one = next_one
        self.edge: Partitioner | None = None
        self.shares = [0, 0, 0]

    def emit(self, batch: Batch, output: int = 0, operator: int = -1) -> None:
        super().emit(batch, output)
        if output == 0 and self.next_one is not None:
            self.next_one.process(0, batch)

    def partitioner(self, output: int = 0) -> Partitioner | None:
        return self.edge if output == 0 and self.next_one is None else None

    def measured(self, records_in: int = 0, records_out: int = 0, busy_ns: int = 0) -> None:
        for at, value in enumerate((records_in, records_out, busy_ns)):
            self.shares[at] += value


class Running:
    """A stage at work."""

    def __init__(
        self,
        *specs: OperatorSpec,
        variant: Variant = "fast",
        batch_size: int = 1024,
        edge: Partitioner | None = None,
    ) -> None:
        self.specs = specs
        self.operators = make_operators(Stage(0, "stage", specs, 1), variant=variant)
        assert len(self.operators) == len(specs)
        behind: list[StreamOperator | None] = [*self.operators[1:], None]
        self.contexts = [
            StageContext(one, batch_size, next_one)
            for one, next_one in zip(specs, behind, strict=True)
        ]
        self.contexts[-1].edge = edge
        for operator, context in zip(self.operators, self.contexts, strict=True):
            operator.open(context)
            operator.restore([])

    @property
    def fused(self) -> FusedOperator:
        first = self.operators[0]
        assert isinstance(first, FusedOperator)
        return first

    def push(
        self,
        values: Sequence[Any],
        times: Sequence[int] | None = None,
        keys: Sequence[Any] | None = None,
    ) -> "Running":
        if values:
            batch = Batch(
                list(values),
                None if times is None else list(times),
                None if keys is None else list(keys),
            )
            self.operators[0].process(0, batch)
        return self

    def end(self) -> "Running":
        for operator in self.operators:
            operator.finish()
            operator.snapshot(1)
        return self

    def close(self) -> None:
        for operator in self.operators:
            operator.close()

    def batches(self, operator: int = -1, output: int = 0) -> list[Batch]:
        found = self.contexts[operator].events[output]
        return [event for event in found if isinstance(event, Batch)]

    def out(self, operator: int = -1, output: int = 0) -> list[Any]:
        return [value for batch in self.batches(operator, output) for value in batch.values]

    def times(self, operator: int = -1, output: int = 0) -> list[int]:
        return [time for batch in self.batches(operator, output) for time in batch.times or ()]

    def keys(self) -> list[Any]:
        return [key for batch in self.batches() for key in batch.keys or ()]
