"""What runs are told by whoever starts them for events."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlmodel import Session

from weft_engine.flow.model import Flow

TRIGGERS: Final = "trigger."
"""How the types of trigger nodes begin."""

Recent = Callable[[str], Awaitable[Mapping[str, dict[str, Any]]]]
"""Answers the newest event of each trigger node of a flow: node → `{event_id, payload, at}`."""


@dataclass(frozen=True, kw_only=True)
class Fired:
    """A frozen flow, and the event for which to run it."""

    flow_id: str
    workspace_id: str
    flow: Flow
    armed_by: str | None
    """The user on whose behalf it runs."""
    starter: str
    """Their name."""
    trigger: dict[str, Any]
    """As in `RunRequest.trigger`."""
    mark: Callable[[Session, str], None]
    """Notes the run's id with the event, in the transaction that stores the run; what it raises
    takes both back."""


async def nothing_recent(flow_id: str) -> Mapping[str, dict[str, Any]]:
    """Where there are no triggers."""
    return {}


def has_triggers(flow: Flow) -> bool:
    """Whether a flow can be started by events."""
    return any(node.type.startswith(TRIGGERS) for node in flow.nodes.values())
