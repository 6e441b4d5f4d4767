"""What runs take over of earlier ones, as the REST API tells it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

FlowChoice = Literal["as_it_was", "current"]
"""The flow of the earlier run, or what became of it."""


class AgainInfo(BaseModel):
    """A node that another attempt runs."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    node: str
    """Its path."""
    reason: str
    """Why: `failed`, `changed`, `before_changed`, …"""
    because: str | None = None
    """The path of the node that it is due to."""
    kept: int = 0
    """How many of its activations are taken over all the same."""


class EffectInfo(BaseModel):
    """A node with effects outside that were done, and are done again."""

    node: str
    times: int


class AgainPlan(BaseModel):
    """What a run takes over of the one it is forked from, and what it does again."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    taken_over: list[str] = Field(default_factory=list)
    """Paths of nodes that do not run: what they gave then is used."""
    again: list[AgainInfo] = Field(default_factory=list)
    effects: list[EffectInfo] = Field(default_factory=list)
    """Among `again`."""
