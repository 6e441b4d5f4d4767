"""Failing on purpose, and what is done when a run has failed."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal, NamedTuple, TypeVar

from pydantic import Field

from weft_engine.errors import NodeError
from weft_engine.library.control import codes  # noqa: F401 - registers the codes
from weft_engine.library.environment import environment
from weft_engine.nodes.expressions import CompiledTemplate, Template, compile_template
from weft_engine.nodes.node_type import SKIP, NodeContext, NodeInfo, NodeType, Skip, Zh
from weft_engine.nodes.types import Row

T = TypeVar("T")


class Fail(NodeType):
    """End this part of the flow with an error.

    Whatever arrives makes it fail: the Try around it catches that, else the run fails. The name is
    kept with the failure, as `params.name`, so that what catches it can tell failures apart.

    >>> Fail(message="No stock of {{ item.sku }}").said({"sku": "A1"}, {})
    'No stock of A1'
    """

    type: Literal["control.fail"] = "control.fail"
    message: Template = Field("The flow was ended.", min_length=1, max_length=10_000)
    """What went wrong, such as No stock of {{ item.sku }}."""
    name: str = Field("", max_length=100)
    """A short name of this error, such as out_of_stock."""

    info = NodeInfo(
        category="control",
        icon="alert-octagon",
        title="Fail",
        subtitle="{message}",
        ports={"item": "Whatever arrives makes it fail."},
        aliases_en=("error", "throw", "raise", "stop and error", "abort", "assert", "exception"),
        aliases_zh=("报错", "失败", "抛出", "中止", "异常", "断言"),
        zh=Zh(
            title="报错",
            summary="以一个错误结束流程的这一部分。",
            subtitle="{message}",
            settings={
                "message": ("错误信息", "出了什么错，例如：{{ item.sku }} 没有库存。"),
                "name": ("名称", "这个错误的简短名称，例如 out_of_stock。"),
            },
            ports={"item": ("输入", "有内容到达就报错。")},
        ),
    )

    def process(self, item: T, ctx: NodeContext | None = None) -> None:
        """Fail."""
        raise NodeError(
            self.said(item, environment(ctx)),
            code="control.failed",
            hint="The flow ends here on purpose; see its Fail node.",
            params={"name": self.name},
        )

    def said(self, item: Any, names: Mapping[str, Any]) -> str:
        """The message for a record."""
        return self._message(item, names)

    @cached_property
    def _message(self) -> CompiledTemplate:
        return compile_template(self.message)


class Handling(NamedTuple):
    """What failed, and in which run."""

    failure: Row | Skip
    run: Row | Skip


class OnError(NodeType):
    """Begin what is done when the run has failed.

    What follows is no part of the run itself: it runs once, after the run has failed, and is given
    the failure (code, message, hint, node, scope and so on) and the run (id and inputs). The run
    stays failed. A run that is cancelled or succeeds does not come here.

    >>> OnError().process()
    Handling(failure=SKIP, run=SKIP)
    """

    type: Literal["control.on_error"] = "control.on_error"

    info = NodeInfo(
        category="control",
        icon="lifebuoy",
        title="On error",
        ports={"failure": "Why the run failed.", "run": "The run: id, inputs."},
        aliases_en=("error handler", "error trigger", "failure", "catch all", "alert", "notify"),
        aliases_zh=("出错时", "错误处理", "失败", "告警", "通知"),
        pure=False,
        zh=Zh(
            title="出错时",
            summary="运行失败后要做的事从这里开始。",
            ports={
                "failure": ("错误", "运行为什么失败。"),
                "run": ("运行", "这次运行：编号、输入。"),
            },
        ),
    )

    def process(self, ctx: NodeContext | None = None) -> Handling:
        """Give the failure; nothing while the run has not failed."""
        if ctx is None or ctx.failure is None:
            return Handling(SKIP, SKIP)
        return Handling(dict(ctx.failure), {"id": ctx.run_id, "inputs": dict(ctx.inputs)})
