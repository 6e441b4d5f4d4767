"""Whether anybody still wants what a subtask would make of its input.

An operator that has all it wants (`limit`) is `exhausted`. What is before it, has no effect of its
own and leads nowhere else is of no use any more: its subtask closes its channels, which tells the
subtasks before it, and ends. So a stream without end ends once nobody reads it.

Checkpoints stay whole. A subtask that has closed its channels has the place in them of one that
has ended; and when those behind it, in the same checkpoint, still wanted something, they had this
checkpoint's barrier from it: then what it has acknowledged counts, not that it ended later.
"""

from collections.abc import Sequence

from weft_engine.kernel.physical import PhysicalPlan
from weft_engine.kernel.runtime.context import Place
from weft_engine.kernel.runtime.operator import StreamOperator
from weft_engine.kernel.runtime.router import Router


class Demand:
    """What the operators of a subtask are still needed for."""

    def __init__(
        self,
        place: Place,
        operators: Sequence[StreamOperator],
        routers: Sequence[Sequence[Router]],
    ) -> None:
        """Make it; `routers` are those of every operator."""
        self._place = place
        self._operators = operators
        specs, last = place.stage.operators, len(operators) - 1
        self._effects = [
            spec.effect or (position == last and not routers[position])
            for position, spec in enumerate(specs)
        ]
        back = back_only(place.host.spec.plan)
        inner = place.stage.id in back
        self._routers = [
            [
                router
                for router in group
                if inner or not (router.edge.feedback or router.edge.target in back)
            ]
            for group in routers
        ]
        self._able = [
            operator
            for operator in operators
            if type(operator).exhausted is not StreamOperator.exhausted
        ]
        self._closed = False
        for group in routers:
            for router in group:
                router.on_closed = self._note
                router.watch()

    def _note(self) -> None:
        self._closed = True
        self._place.wake()

    @property
    def gone(self) -> bool:
        """Whether what comes into the first operator is of no use any more."""
        if not self._closed:
            if not self._able:
                return False
            if not any(operator.exhausted for operator in self._able):
                return False
        return not self._wants(0)

    @property
    def useless(self) -> int:
        """How many operators, from the first on, have nobody to emit for; none until `gone`."""
        if not self.gone:
            return 0
        position = 0
        while position < len(self._operators) and not self._needed(position):
            position += 1
        return position

    def _wants(self, position: int) -> bool:
        """Whether an operator wants input."""
        return not self._operators[position].exhausted and self._needed(position)

    def _needed(self, position: int) -> bool:
        """Whether it does something by itself, or somebody wants what it emits."""
        return (
            self._effects[position]
            or any(not router.closed for router in self._routers[position])
            or (position + 1 < len(self._operators) and self._wants(position + 1))
        )


def back_only(plan: PhysicalPlan) -> frozenset[int]:
    """Stages that do nothing but lead back into a loop: nobody else gets anything of them."""
    if not any(edge.feedback for edge in plan.edges):
        return frozenset()
    found: set[int] = set()
    for stage in reversed(plan.stages):
        out = plan.out_of(stage.id)
        effect = any(spec.effect for spec in stage.operators)
        if out and not effect and all(edge.feedback or edge.target in found for edge in out):
            found.add(stage.id)
    return frozenset(found)
