"""Starting a flow when another one has ended."""

from typing import Any, Literal, NamedTuple

from pydantic import Field, JsonValue

from weft_engine.library.triggers import OVERLAP_ZH, SAMPLE_ZH, Overlap, event_of, no_event
from weft_engine.nodes.node_type import NodeContext, NodeInfo, NodeType, Zh
from weft_engine.nodes.types import SKIP, Json, Row, Skip, Text


class EndedRun(NamedTuple):
    """A run of another flow that is over."""

    run: Row | Skip
    outputs: Json | Skip
    state: Text | Skip


class FlowEndedTrigger(NodeType):
    """Start the flow when a run of another flow of the workspace has ended.

    >>> FlowEndedTrigger(flow="flw_1", sample={"state": "completed"}).process().state
    'completed'
    """

    type: Literal["trigger.flow_ended"] = "trigger.flow_ended"
    flow: str = Field(min_length=1, max_length=40)
    """The id of the other flow; it stands in its address."""
    ends: Literal["completed", "failed", "any"] = "completed"
    """Which ends count; any includes cancelled runs."""
    overlap: Overlap = "allow"
    """What to do with an event while the run of the one before still goes on: allow runs both, skip
    drops it, queue lets it wait."""
    sample: JsonValue = None
    """The run to use in a run by hand while the other flow has not ended yet."""

    info = NodeInfo(
        category="trigger",
        icon="flag",
        title="Flow ended",
        subtitle="{ends}",
        ports={
            "run": "The run: id, number, state, flow, times and failure.",
            "outputs": "What the other flow gave: node, port, value; large ones are left out.",
            "state": "How it ended: completed, failed or cancelled.",
        },
        aliases_en=("trigger", "after", "chain", "on error", "on success", "follow", "workflow"),
        aliases_zh=("触发", "之后", "串联", "出错时", "完成时", "流程结束"),
        pure=False,
        deterministic=False,
        zh=Zh(
            title="流程结束",
            summary="工作区中另一个流程的运行结束时启动流程。",
            subtitle="{ends}",
            settings={
                "flow": ("流程", "另一个流程的编号，可在它的地址中找到。"),
                "ends": ("结束方式", "哪些结束方式算数；任一也包括被取消的运行。"),
                "overlap": OVERLAP_ZH,
                "sample": ("示例运行", SAMPLE_ZH),
            },
            ports={
                "run": ("运行", "那次运行：编号、序号、状态、流程、时间和失败原因。"),
                "outputs": ("结果", "另一个流程的结果：节点、端口、值；过大的不包括。"),
                "state": ("状态", "结束方式：completed、failed 或 cancelled。"),
            },
        ),
    )

    def process(self, ctx: NodeContext | None = None) -> EndedRun:
        """Give the run."""
        event: Any = event_of(ctx)
        if event is SKIP:
            return EndedRun(SKIP, SKIP, SKIP)
        if event is None:
            if not isinstance(self.sample, dict):
                raise no_event("run")
            event = self.sample
        run = {key: value for key, value in event.items() if key != "outputs"}
        return EndedRun(run, event.get("outputs") or {}, str(event.get("state") or ""))
