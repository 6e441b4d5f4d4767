"""Makes the operators of a stage, as few loops as possible."""

from collections.abc import Callable
from itertools import groupby
from typing import Any

from weft_engine.kernel import streaming
from weft_engine.kernel.codegen.body import Variant
from weft_engine.kernel.codegen.fused import FusedOperator
from weft_engine.kernel.codegen.part import KINDS
from weft_engine.kernel.codegen.prepared import Prepared
from weft_engine.kernel.physical import OperatorSpec, Stage
from weft_engine.kernel.runtime.operator import StreamOperator


def make_operators(stage: Stage, *, variant: Variant = "fast") -> list[StreamOperator]:
    """Operators at work, one for every spec of the stage, fresh for one subtask.

    Neighbours that take one record after the other share a loop; the others come from `streaming`.

    Args:
        stage: The stage.
        variant: `fast` measures itself now and then; `instrumented` always; `stepping` shows every
            record before and after every operator to `FusedOperator.hook`.

    Raises:
        KernelError: `kernel.unknown_kind` when there is no operator of a kind.
    """
    made: list[StreamOperator] = []
    specs = stage.operators
    for fusable, some in groupby(specs, key=lambda spec: spec.kind in KINDS):
        group = list(some)
        behind = specs[len(made) + len(group) :]
        if fusable:
            made += _fused(group, variant, behind[0].key if behind else None)
            continue
        for spec in group:
            before = specs[len(made) - 1] if made else None
            made.append(_single(spec, before))
    return made


def _fused(
    group: list[OperatorSpec], variant: Variant, next_key: Callable[[Any], Any] | None
) -> list[FusedOperator]:
    made: list[FusedOperator] = []
    for at, spec in enumerate(group):
        made.append(FusedOperator(spec, made, at, variant, next_key))
    return made


def _single(spec: OperatorSpec, before: OperatorSpec | None) -> StreamOperator:
    operator = streaming.make(spec)
    # Keys come over the edge, or from the loop before it, if there is either.
    key = None if before is None or before.kind in KINDS else spec.key
    if key is None and not spec.copies:
        return operator
    return Prepared(operator, key, copies=spec.copies)
