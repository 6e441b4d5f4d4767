"""The outputs of a route but its first."""

from typing import Any

from weft_engine.errors import NodeError
from weft_engine.kernel.batch import Batch
from weft_engine.kernel.physical import OperatorSpec
from weft_engine.kernel.runtime.operator import OperatorContext


class Sides:
    """Collects records for them, and emits them in batches."""

    def __init__(self, spec: OperatorSpec, context: OperatorContext) -> None:
        self._spec = spec
        self._context = context
        self._values: dict[int, list[Any]] = {at: [] for at in range(1, spec.outputs)}
        self._times: dict[int, list[int]] = {at: [] for at in range(1, spec.outputs)}

    def add(self, output: int | None, value: Any, time: int | None) -> None:
        """Take a record; None leads nowhere.

        Raises:
            NodeError: `node.bad_output` when there is no such output.
        """
        if output is None:
            return
        values = self._values.get(output)
        if values is None:
            raise NodeError(
                f"The function of {self._spec.name!r} chose the output {output!r}; there are "
                f"{self._spec.outputs}.",
                code="node.bad_output",
                hint="Give a number from 0 on, or None to drop the record.",
            )
        values.append(value)
        if time is not None:
            self._times[output].append(time)
        if len(values) >= self._context.batch_size:
            self._emit(output)

    def flush(self) -> None:
        """Emit what there is."""
        for output, values in self._values.items():
            if values:
                self._emit(output)

    def _emit(self, output: int) -> None:
        values, times = self._values[output], self._times[output]
        self._values[output], self._times[output] = [], []
        self._context.emit(Batch(values, times or None), output)
