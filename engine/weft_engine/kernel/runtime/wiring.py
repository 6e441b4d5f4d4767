"""Which channels lead into and out of a subtask, in the order in which both ends number them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from weft_engine.kernel.physical import Edge, PhysicalPlan, Stage, channel_targets
from weft_engine.kernel.runtime.channel import Channel
from weft_engine.kernel.runtime.gate import Gate
from weft_engine.kernel.runtime.host import Host
from weft_engine.kernel.runtime.router import Router
from weft_engine.kernel.settings import Settings


@dataclass(frozen=True, slots=True)
class ChannelId:
    """One channel of a plan."""

    edge: int
    source: int
    """The number of the sending subtask."""
    target: int
    """The number of the receiving subtask."""


def stage_of(plan: PhysicalPlan, stage: int) -> Stage:
    """A stage by its id."""
    return next(item for item in plan.stages if item.id == stage)


def channels_into(plan: PhysicalPlan, stage: int, index: int) -> list[tuple[Edge, ChannelId]]:
    """The channels into a subtask; their place in the list is their number at its gate."""
    return [
        (edge, ChannelId(edge.id, source, index))
        for edge in plan.into(stage)
        for source in range(stage_of(plan, edge.source).parallelism)
        if index in targets_of(plan, edge, source)
    ]


def targets_of(plan: PhysicalPlan, edge: Edge, source: int) -> range:
    """The subtasks that a sender has channels to."""
    return channel_targets(edge.exchange, source, stage_of(plan, edge.target).parallelism)


def make_gate(
    plan: PhysicalPlan, stage: int, index: int, settings: Settings, *, blocking: bool = True
) -> Gate | None:
    """The gate of a subtask; None for sources."""
    into = channels_into(plan, stage, index)
    if not into:
        return None
    bound = stage_of(plan, stage).queue_records
    if bound is not None:
        settings = replace(settings, queue_records=bound)
    return Gate(
        [edge.port for edge, _ in into],
        settings,
        feedback=[number for number, (edge, _) in enumerate(into) if edge.feedback],
        blocking=blocking,
    )


def make_routers(
    plan: PhysicalPlan,
    stage: int,
    index: int,
    settings: Settings,
    host: Host,
    channel: Callable[[Edge, ChannelId], Channel],
) -> dict[tuple[int, int], list[Router]]:
    """The sending ends of a subtask, by operator and output; `channel` gives each channel's."""
    outputs: dict[tuple[int, int], list[Router]] = {}
    for edge in plan.out_of(stage):
        targets = targets_of(plan, edge, index)
        router = Router(
            edge,
            index,
            [channel(edge, ChannelId(edge.id, index, target)) for target in targets],
            stage_of(plan, edge.target).parallelism,
            plan.key_groups,
            settings,
            host.seconds,
        )
        outputs.setdefault((edge.operator, edge.output), []).append(router)
    return outputs
