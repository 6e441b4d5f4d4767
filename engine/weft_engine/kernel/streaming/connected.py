"""Functions of several streams, a method for each, with state in common."""

from collections.abc import Callable
from typing import Any

from weft_engine.kernel.functions import instantiate
from weft_engine.kernel.streaming.function_context import RecordContext
from weft_engine.kernel.streaming.process import FunctionOperator, Handler


class CoProcess(FunctionOperator):
    """Calls `process1`, `process2` and so on with record and context, by input."""

    method = "process"

    def handlers(self, fn: Any) -> tuple[tuple[Handler, ...], Any]:
        _, made = instantiate(fn, f"{self.method}1")
        inputs = range(1, self._spec.inputs + 1)
        methods = [getattr(made, f"{self.method}{number}") for number in inputs]
        return tuple(map(self.handler, methods)), made

    def handler(self, method: Callable[..., Any]) -> Handler:
        """What is called with a record and the context."""
        return method


class CoFlatMap(CoProcess):
    """Calls `flat_map1`, `flat_map2` and so on; each gives any number of records."""

    method = "flat_map"

    def handler(self, method: Callable[..., Any]) -> Handler:
        def call(value: Any, context: RecordContext) -> Any:
            return method(value)

        return call


class CoMap(CoProcess):
    """Calls `map1`, `map2` and so on; one record becomes another."""

    method = "map"
    null_on_error = True

    def handler(self, method: Callable[..., Any]) -> Handler:
        def call(value: Any, context: RecordContext) -> Any:
            return (method(value),)

        return call
