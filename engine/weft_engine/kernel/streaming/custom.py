"""Operators that whoever builds a graph brings along."""

from collections.abc import Callable

from weft_engine.kernel.physical import OperatorSpec
from weft_engine.kernel.runtime.operator import StreamOperator


def make_custom(
    spec: OperatorSpec, factory: Callable[[OperatorSpec], StreamOperator]
) -> StreamOperator:
    """The operator that a factory makes for one subtask; the factory must be picklable."""
    return factory(spec)
