"""Variables: values that later nodes read by name."""

from difflib import get_close_matches
from functools import cached_property
from typing import Annotated, Literal, TypeVar

from pydantic import Field, JsonValue

from weft_engine.errors import NodeError
from weft_engine.library.control import codes  # noqa: F401 - registers the codes
from weft_engine.library.environment import environment
from weft_engine.nodes.expressions import CompiledExpression, Expression, compile_expression
from weft_engine.nodes.node_type import NodeContext, NodeInfo, NodeType, Zh
from weft_engine.nodes.types import Any

T = TypeVar("T")

Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class SetVariable(NodeType):
    """Set a variable for the nodes that come after this one.

    A node sees what was set before it along the edges, as vars.name in expressions; nodes beside
    it do not. What is set in a round of While or Repeat holds on for later rounds and after the
    loop; what is set for a record of For each is gone with it.

    >>> SetVariable(name="page", value="item + 1").process(1)
    1
    """

    type: Literal["vars.set"] = "vars.set"
    name: Name
    """The variable, such as page; expressions read it as vars.page."""
    value: Expression = "item"
    """Its new value, such as vars.page + 1."""

    info = NodeInfo(
        category="control",
        icon="variable",
        title="Set variable",
        subtitle="{name} = {value}",
        ports={"item": "What the value is made of.", "out": "The same as what came in."},
        aliases_en=("variable", "assign", "remember", "store", "state", "counter"),
        aliases_zh=("变量", "赋值", "记住", "保存", "状态"),
        pure=False,
        region="run",
        zh=Zh(
            title="设置变量",
            summary="为后面的节点设置一个变量。",
            subtitle="{name} = {value}",
            settings={
                "name": ("变量", "变量的名称，例如 page；表达式里写 vars.page。"),
                "value": ("值", "变量的新值，例如 vars.page + 1。"),
            },
            ports={"item": ("输入", "用来计算的内容。"), "out": ("输出", "与输入相同。")},
        ),
    )

    def process(self, item: T, ctx: NodeContext | None = None) -> T:
        """Set the variable."""
        value = self._value(item, environment(ctx))
        if ctx is not None:
            ctx.set_variable(self.name, value)
        return item

    @cached_property
    def _value(self) -> CompiledExpression:
        return compile_expression(self.value)


class GetVariable(NodeType):
    """Give the value of a variable.

    Variables are declared by the flow or set by Set variable before this node.

    >>> GetVariable(name="page", default=1).process()
    1
    """

    type: Literal["vars.get"] = "vars.get"
    name: Name
    """The variable to read."""
    default: JsonValue = None
    """The value when no such variable is set."""

    info = NodeInfo(
        category="control",
        icon="variable",
        title="Get variable",
        output="value",
        subtitle="{name}",
        ports={
            "after": "What has to happen before; may be left out.",
            "value": "The value of the variable.",
        },
        aliases_en=("variable", "read", "recall", "state", "constant"),
        aliases_zh=("变量", "读取", "取值", "状态", "常量"),
        pure=False,
        region="run",
        zh=Zh(
            title="读取变量",
            summary="给出变量的值。",
            subtitle="{name}",
            settings={
                "name": ("变量", "要读取的变量。"),
                "default": ("默认值", "没有这个变量时使用的值。"),
            },
            ports={
                "after": ("先做", "必须先完成的内容，可以不接。"),
                "value": ("值", "变量的值。"),
            },
        ),
    )

    def process(self, after: Any = None, ctx: NodeContext | None = None) -> Any:
        """Read the variable."""
        known = ctx.variables if ctx is not None else {}
        found = known.get(self.name, self.default)
        if found is not None or self.name in known:
            return found
        near = get_close_matches(self.name, list(known), 1, 0.5)
        raise NodeError(
            f"There is no variable '{self.name}' here.",
            code="vars.unknown",
            hint=f"Did you mean '{near[0]}'?"
            if near
            else "Declare it in the flow, or let Set variable come before, joined by edges.",
            params={"variable": self.name, "nearest": near[0] if near else None},
        )
