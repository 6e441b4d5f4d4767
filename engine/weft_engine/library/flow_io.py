"""What a flow is given when a run starts."""

from difflib import get_close_matches
from typing import Literal

from pydantic import Field, JsonValue

from weft_engine.errors import NodeError
from weft_engine.library import codes  # noqa: F401 - registers the codes
from weft_engine.nodes.node_type import NodeContext, NodeInfo, NodeType, Zh
from weft_engine.nodes.types import Any


class FlowInput(NodeType):
    """Give a value that is asked for when the run starts.

    The flow declares its inputs with types and defaults; this node brings one onto the canvas.

    >>> FlowInput(name="city", default="Cork").process()
    'Cork'
    """

    type: Literal["flow.input"] = "flow.input"
    name: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z_][A-Za-z0-9_-]*$")
    """The flow input to give."""
    default: JsonValue = None
    """The value when the run is started without one; the flow's own default comes first."""

    info = NodeInfo(
        category="source",
        icon="player-play",
        title="Flow input",
        output="value",
        subtitle="{name}",
        ports={"value": "The value the run was started with."},
        aliases_en=("parameter", "argument", "variable", "start", "form", "question"),
        aliases_zh=("参数", "变量", "输入", "开始", "入口"),
        pure=False,
        widgets={"name": "input"},
        zh=Zh(
            title="流程输入",
            summary="给出运行开始时填写的值。",
            subtitle="{name}",
            settings={
                "name": ("输入", "要取用的流程输入。"),
                "default": ("默认值", "运行时没有给出时使用的值；优先使用流程自己的默认值。"),
            },
            ports={"value": ("值", "运行开始时给出的值。")},
        ),
    )

    def process(self, ctx: NodeContext | None = None) -> Any:
        """Return the value."""
        inputs = ctx.inputs if ctx else {}
        found = inputs.get(self.name, self.default)
        if found is not None:
            return found
        near = get_close_matches(self.name, list(inputs), 1, 0.5)
        raise NodeError(
            f"The run was started without the input '{self.name}'.",
            code="input.missing",
            hint=f"Did you mean '{near[0]}'?"
            if near
            else "Give it when starting the run, "
            f"e.g. weft run FILE --input {self.name}=…, or declare a default in the flow.",
            params={"input": self.name, "nearest": near[0] if near else None},
        )
