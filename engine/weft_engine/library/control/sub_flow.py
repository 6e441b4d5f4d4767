"""Calling another flow."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from weft_engine.nodes.expressions import CompiledExpression, Expression, compile_expression
from weft_engine.nodes.node_type import SKIP, Inside, NodeInfo, NodeType, SettingGroup, Zh
from weft_engine.nodes.region import Drive, Region, ScopeFailedError
from weft_engine.nodes.types import Any


class Argument(SettingGroup):
    """A value for one of the inputs of the called flow."""

    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z_][A-Za-z0-9_-]*$")]
    """The input of the called flow."""
    value: Expression
    """What it is given, such as item.customer."""


class CallFlow(NodeType):
    """Run another flow as one step of this one.

    The called flow is given values for its inputs, runs in a scope of its own, and its outputs come
    out: of one output node what that gave, of several a record of them by node; a stream becomes a
    list. It sees neither the variables nor the nodes of this flow. Its steps are part of this run;
    isolated, they are a run of their own with its own place in the history.

    >>> node = CallFlow(flow="send-invoice", arguments=[Argument(name="order", value="item.id")])
    >>> node.given({"id": 7}, {})
    {'order': 7}
    """

    type: Literal["flow.call"] = "flow.call"
    flow: str = Field(min_length=1, max_length=200)
    """The flow to call."""
    arguments: tuple[Argument, ...] = Field((), max_length=100)
    """What its inputs are given; the others keep their defaults."""
    isolated: bool = False
    """Whether it is a run of its own."""

    info = NodeInfo(
        category="control",
        icon="subtask",
        title="Call flow",
        output="result",
        subtitle="{flow}",
        ports={
            "item": "What the arguments are made of; may be left out.",
            "result": "What the called flow gave.",
        },
        aliases_en=("sub-flow", "subflow", "execute workflow", "run flow", "function", "reuse"),
        aliases_zh=("子流程", "调用", "执行流程", "复用", "函数"),
        inside=Inside(),
        widgets={"flow": "flow"},
        zh=Zh(
            title="调用流程",
            summary="把另一个流程作为一步来运行。",
            subtitle="{flow}",
            settings={
                "flow": ("流程", "要调用的流程。"),
                "arguments": ("参数", "交给它的输入；其余的用默认值。"),
                "arguments.name": ("输入", "被调用流程的输入。"),
                "arguments.value": ("值", "交给它的值，例如 item.customer。"),
                "isolated": ("独立运行", "是否作为一次单独的运行。"),
            },
            ports={
                "item": ("输入", "用来计算参数的内容，可以不接。"),
                "result": ("结果", "被调用流程给出的结果。"),
            },
        ),
    )

    @model_validator(mode="after")
    def _named_apart(self) -> Self:
        names = [argument.name for argument in self.arguments]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise PydanticCustomError(
                "argument_name",
                "{message}",
                {"message": f"two arguments are called {twice}", "hint": "Remove one of them."},
            )
        return self

    def region(self, item: Any = None) -> Any:
        """The outer ports."""

    def drive(self, region: Region) -> Drive:
        """Run the flow."""
        item = region.input("item")
        if item is SKIP:
            return {"result": SKIP}
        region.start("0", **self.given(item, region.names()))
        end = yield
        if end.state in ("failed", "cancelled"):
            raise ScopeFailedError(end)
        if len(end.exits) == 1:
            return {"result": next(iter(end.exits.values()))}
        return {"result": {k: value for k, value in end.exits.items() if value is not SKIP}}

    def given(self, item: Any, names: Mapping[str, Any]) -> dict[str, Any]:
        """The values for the inputs of the called flow."""
        return {name: value(item, names) for name, value in self._values}

    @cached_property
    def _values(self) -> list[tuple[str, CompiledExpression]]:
        return [(each.name, compile_expression(each.value)) for each in self.arguments]
