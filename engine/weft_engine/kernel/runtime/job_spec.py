"""What a subtask needs to know about its job, wherever it runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from weft_engine.kernel.checkpoint.api import CheckpointStorage
from weft_engine.kernel.physical import PhysicalPlan
from weft_engine.kernel.settings import Settings


@dataclass(frozen=True, slots=True)
class JobSpec:
    """A job as it is sent to its workers: picklable as far as its functions are."""

    id: str
    plan: PhysicalPlan
    settings: Settings
    storage: CheckpointStorage | None = None
    services: Mapping[str, Any] = field(default_factory=dict)
    """`services.ServiceSpec` by name."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """What the program's author has configured, for `context.get_config`."""
    for_savepoints: bool = False
    """Whether the storage is there for savepoints only: the job asked for no checkpoints. It then
    starts from none of its own, and nobody wants what its subtasks have at their end."""
