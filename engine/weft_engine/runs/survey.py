"""What a run takes over of an earlier one, as it is told before the run begins."""

from typing import Final

import msgspec

REASONS: Final = {
    "chosen": "the new run begins here",
    "before_chosen": "it depends on the node where the new run begins",
    "new": "the flow had no such node",
    "changed": "it is another node now, or its edges are others",
    "before_changed": "something before it is another node now",
    "inside": "something in it is another node now",
    "together": "it is worked on together with a node that runs again",
    "unsure": "it may give something else for the same inputs",
    "failed": "it failed",
    "before_failed": "it depends on a node that failed",
    "rest": "some of its rounds or records are taken over, the others are done",
    "not_reached": "the earlier run did not come so far",
    "goes_on": "its stream goes on from the last checkpoint",
    "anew": "its stream begins anew, as no checkpoint was made",
}


class Again(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A node that runs again, or for the first time."""

    node: str
    """Its path."""
    reason: str
    """Why, as one of `REASONS`."""
    because: str | None = None
    """The path of the node that it is due to."""
    kept: int = 0
    """How many of its activations are taken over all the same."""


class Effect(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A node with effects that were done, and are done again."""

    node: str
    times: int


class Survey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a run would take over of an earlier one."""

    taken_over: list[str] = []
    """Paths of nodes that do not run, as what they gave is used."""
    again: list[Again] = []
    effects: list[Effect] = []
