"""Starting a flow by a message on a queue."""

from typing import Any, Literal, NamedTuple

from pydantic import Field, JsonValue

from weft_engine.library.triggers import OVERLAP_ZH, SAMPLE_ZH, Overlap, event_of, no_event
from weft_engine.nodes.node_type import NodeContext, NodeInfo, NodeType, Zh
from weft_engine.nodes.types import SKIP, Json, Skip, Text


class QueueMessage(NamedTuple):
    """A message as it was sent."""

    message: Json | Skip
    id: Text | Skip
    time: Text | Skip


class MessageTrigger(NodeType):
    """Start the flow for each message on a queue of the workspace.

    The queue is durable: a message waits until a flow that listens to it is armed.

    >>> MessageTrigger(queue="orders", sample={"order": 7}).process().message
    {'order': 7}
    """

    type: Literal["trigger.message"] = "trigger.message"
    queue: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    """The name of the queue; it is there as soon as somebody sends a message to it."""
    overlap: Overlap = "allow"
    """What to do with an event while the run of the one before still goes on: allow runs both, skip
    drops it, queue lets it wait."""
    sample: JsonValue = None
    """The message to use in a run by hand while none has come yet."""

    info = NodeInfo(
        category="trigger",
        icon="mail",
        title="Message",
        subtitle="{queue}",
        ports={
            "message": "The message.",
            "id": "The id with which it was sent, or that it was given.",
            "time": "When it was sent.",
        },
        aliases_en=("trigger", "queue", "event", "publish", "subscribe", "broker", "topic"),
        aliases_zh=("触发", "队列", "消息", "订阅", "发布", "事件"),
        pure=False,
        deterministic=False,
        zh=Zh(
            title="消息",
            summary="为工作区队列中的每条消息启动流程。",
            subtitle="{queue}",
            settings={
                "queue": ("队列", "队列名称；第一次有人发消息时自动建立。"),
                "overlap": OVERLAP_ZH,
                "sample": ("示例消息", SAMPLE_ZH),
            },
            ports={
                "message": ("消息", "消息内容。"),
                "id": ("编号", "发送时给出的编号，或系统分配的编号。"),
                "time": ("时间", "发送时间。"),
            },
        ),
    )

    def process(self, ctx: NodeContext | None = None) -> QueueMessage:
        """Give the message."""
        event: Any = event_of(ctx)
        if event is SKIP:
            return QueueMessage(SKIP, SKIP, SKIP)
        if event is None:
            if self.sample is None:
                raise no_event("message")
            return QueueMessage(self.sample, "sample", "")
        return QueueMessage(
            event.get("message"), str(event.get("id") or ""), str(event.get("time") or "")
        )
