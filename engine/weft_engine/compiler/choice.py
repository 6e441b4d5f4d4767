"""Which operator calls a node."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from weft_engine.compiler.activation import (
    Lifted,
    LiftedMany,
    LiftedMap,
    ValueCall,
    ValueSource,
)
from weft_engine.compiler.awaited import Awaited
from weft_engine.compiler.batching import LiftedBatches, LiftedMapBatches
from weft_engine.compiler.calls import Call
from weft_engine.kernel.operators.base import Operator
from weft_engine.kernel.policy import Policy

CONCURRENCY: Final = 16
"""How many calls of an asynchronous node are under way at a time."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An operator to be made."""

    factory: Callable[[], Operator]
    outputs: int
    kind: str = "operator"


def choose(
    call: Call, policy: Policy, places: int, streams: Sequence[int], *, skips: bool
) -> Choice:
    """Choose the operator that calls a node.

    Args:
        call: The call.
        policy: What happens when it fails.
        places: How many edges lead to the node.
        streams: Which of them carry records that it is called for one by one.
        skips: Whether there may be gaps between these records.
    """
    outputs = call.outputs + call.routed
    many = any(True for _ in call.streams())
    asynchronous = call.work.asynchronous
    waits = asynchronous or policy.max_attempts > 1 or policy.timeout_s is not None
    if not streams and many and not call.work.named and not asynchronous:
        return Choice(partial(ValueSource, call, places), call.outputs)
    if waits:
        return Choice(partial(Awaited, call, places, streams or None, _concurrency(call)), outputs)
    if not streams:
        return Choice(partial(ValueCall, call, places), outputs)
    plain = call.simple and not call.work.named and not call.routed
    if call.work.batched and plain and outputs:
        return Choice(partial(LiftedMapBatches, call, skips=skips), outputs, "linear")
    if call.work.batched:
        return Choice(partial(LiftedBatches, call, places, streams), outputs)
    if many:
        return Choice(partial(LiftedMany, call, places, streams), outputs)
    if plain:
        return Choice(partial(LiftedMap, call, skips=skips), max(outputs, 1), "linear")
    return Choice(partial(Lifted, call, places, streams), outputs)


def _concurrency(call: Call) -> int:
    """How many calls a node wants under way: its own setting, or the usual number."""
    wanted = getattr(call.node, "concurrency", CONCURRENCY)
    return wanted if isinstance(wanted, int) else CONCURRENCY
