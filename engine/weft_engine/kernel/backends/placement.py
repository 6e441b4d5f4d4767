"""Which worker hosts which subtask, and which channels there are between them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from weft_engine.errors import ResourceError
from weft_engine.kernel.backends.control import Place
from weft_engine.kernel.physical import Edge, PhysicalPlan, Stage, channel_targets

Workers = Mapping[str, Sequence[str]]
"""The names of the workers by placement label."""


def deal(plan: PhysicalPlan, workers: Workers, label: str) -> dict[Place, str]:
    """Deal the subtasks of a plan to workers.

    The subtasks of one number go to the same worker, whatever their stage: records that need not
    be exchanged then stay where they are. A stage without a placement goes to those labelled
    `label`; with "" as their only label the workers take every stage.

    Raises:
        ResourceError: `kernel.no_workers` when a stage wants workers that there are not.
    """
    placed: dict[Place, str] = {}
    for stage in plan.stages:
        names = workers.get(label_of(stage, label), ())
        if not names:
            raise ResourceError(
                f"The stage {stage.name!r} wants to run on workers labelled "
                f"{stage.placement!r}, of which there are none.",
                code="kernel.no_workers",
                hint=f"Use one of the labels that there are: {', '.join(sorted(workers))}.",
                params={"stage": stage.name, "placement": stage.placement},
            )
        for index in range(stage.parallelism):
            placed[stage.id, index] = names[index % len(names)]
    return placed


def label_of(stage: Stage, label: str) -> str:
    """The label of the workers that a stage runs on."""
    return stage.placement or label if label else ""


@dataclass(frozen=True, slots=True)
class Link:
    """One channel."""

    number: int
    """The same in every worker."""
    edge: Edge
    source: Place
    target: Place
    input: int
    """Its number among the channels into its target."""


def links(plan: PhysicalPlan) -> Iterator[Link]:
    """All channels of a plan, always in the same order."""
    inputs: dict[Place, int] = {}
    number = 0
    parallelism = {stage.id: stage.parallelism for stage in plan.stages}
    for edge in plan.edges:
        for source in range(parallelism[edge.source]):
            for target in channel_targets(edge.exchange, source, parallelism[edge.target]):
                place = (edge.target, target)
                yield Link(number, edge, (edge.source, source), place, inputs.get(place, 0))
                inputs[place] = inputs.get(place, 0) + 1
                number += 1
