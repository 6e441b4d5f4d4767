"""Puts the subtasks of a job together in one process."""

from collections.abc import Callable, Mapping, Sequence

from weft_engine.kernel.codegen.build import make_operators
from weft_engine.kernel.physical import Edge, Stage
from weft_engine.kernel.runtime.channel import Channel
from weft_engine.kernel.runtime.gate import Gate
from weft_engine.kernel.runtime.host import Host
from weft_engine.kernel.runtime.job_spec import JobSpec
from weft_engine.kernel.runtime.messages import Report, Restore
from weft_engine.kernel.runtime.operator import StreamOperator
from weft_engine.kernel.runtime.subtask import Subtask
from weft_engine.kernel.runtime.wiring import ChannelId, channels_into, make_gate, make_routers
from weft_engine.kernel.state.api import Clock

__all__ = ["MakeOperators", "assemble", "make_operators"]

MakeOperators = Callable[[Stage], Sequence[StreamOperator]]


def assemble(
    spec: JobSpec,
    restore: Mapping[tuple[int, int], Restore],
    attempt: int,
    report: Callable[[Report], None],
    *,
    clock: Clock,
    host: Host,
    blocking: bool = True,
    operators: MakeOperators = make_operators,
) -> list[Subtask]:
    """All subtasks of a job, wired up, in the order of the plan's stages."""
    plan = spec.plan
    gates: dict[tuple[int, int], Gate | None] = {}
    numbers: dict[ChannelId, int] = {}
    for stage in plan.stages:
        for index in range(stage.parallelism):
            gates[stage.id, index] = make_gate(
                plan, stage.id, index, spec.settings, blocking=blocking
            )
            into = channels_into(plan, stage.id, index)
            numbers.update({channel: number for number, (_, channel) in enumerate(into)})

    def channel(edge: Edge, id_: ChannelId) -> Channel:
        gate = gates[edge.target, id_.target]
        assert gate is not None, "a channel leads somewhere"
        return gate.channel(numbers[id_])

    return [
        Subtask(
            spec,
            stage,
            index,
            attempt,
            operators(stage),
            gates[stage.id, index],
            make_routers(plan, stage.id, index, spec.settings, host, channel),
            restore.get((stage.id, index), Restore()),
            report,
            clock,
            host,
        )
        for stage in plan.stages
        for index in range(stage.parallelism)
    ]
