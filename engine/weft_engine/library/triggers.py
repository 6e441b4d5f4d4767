"""What all triggers have in common: the event of a run, and what stands for it in a test."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from weft_engine.errors import NodeError, register_codes
from weft_engine.nodes.node_type import NodeContext
from weft_engine.nodes.types import SKIP, Skip

register_codes(
    {
        "trigger.no_event": "A trigger has had no event yet that a run by hand could use.",
        "trigger.bad_cron": "The cron expression of a schedule is wrong.",
        "trigger.unknown_zone": "There is no such time zone.",
    }
)

Overlap = Literal["allow", "skip", "queue"]
OVERLAP_ZH: Final = (
    "运行重叠时",
    "上一次运行还没结束时又来了事件：同时运行、跳过（放弃这次），或排队等上一次结束后再运行。",
)
SAMPLE_ZH: Final = "手动运行且还没有收到过事件时使用的内容。"


def event_of(ctx: NodeContext | None) -> Mapping[str, Any] | Skip | None:
    """The payload of the event that this trigger gives.

    `SKIP` when another trigger started the run; None when no event is known, as in a run by hand
    before the first one.
    """
    event = ctx.event if ctx is not None else None
    if event is None or event is SKIP:
        return event
    payload: Mapping[str, Any] = event.get("payload") or {}
    return payload


def no_event(what: str) -> NodeError:
    """There is nothing to test with: says how to get something."""
    return NodeError(
        f"The trigger has had no event yet, so there is no {what} to run with.",
        code="trigger.no_event",
        hint="Fill in its sample to test the flow by hand, or arm the flow and send it an event.",
        params={"what": what},
    )
