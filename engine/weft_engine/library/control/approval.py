"""Asking people whether to go on."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar

from pydantic import Field

from weft_engine.library.control.waiting import LONGEST
from weft_engine.library.environment import environment
from weft_engine.nodes.expressions import (
    CompiledExpression,
    CompiledTemplate,
    Expression,
    Template,
    compile_expression,
    compile_template,
)
from weft_engine.nodes.node_type import SKIP, NodeContext, NodeInfo, NodeType, Skip, Zh
from weft_engine.nodes.region import Wake
from weft_engine.nodes.types import Row

T = TypeVar("T")

Person = Annotated[str, Field(min_length=1, max_length=200)]


class Decided(NamedTuple, Generic[T]):
    """Which way it goes, and who said so."""

    approved: T | Skip
    rejected: T | Skip
    timed_out: T | Skip
    decision: Row | Skip


class Approval(NodeType):
    """Ask people for their approval, and wait for the answer.

    The question is shown with the run, in the editor and by the REST API, with what `show` says.
    What came in goes on by `approved`, `rejected` or, when nobody answers in time, `timed_out`;
    `decision` tells whether it was approved, by whom and with which comment. Nothing is held in
    memory meanwhile, and the wait outlives a restart of the server.

    >>> node = Approval(message="Refund {{ item.amount }}?", who=["finance"])
    >>> node.question({"amount": 80}, {})
    'Refund 80?'
    """

    type: Literal["control.approval"] = "control.approval"
    message: Template = Field("Go on?", min_length=1, max_length=10_000)
    """What people are asked; a template such as Refund {{ item.amount }} of {{ item.id }}."""
    who: tuple[Person, ...] = Field((), max_length=100)
    """Who may answer: names or e-mail addresses of users; everybody who may run the flow when
    empty."""
    show: Expression = "item"
    """What is shown with the question, such as item or {"order": item.id, "amount": item.sum}."""
    timeout_s: float | None = Field(None, gt=0, le=LONGEST, title="Wait at most (s)")
    """How many seconds to wait at most; for ever when empty."""

    info = NodeInfo(
        category="control",
        icon="user-check",
        title="Approval",
        subtitle="{message}",
        ports={
            "item": "What is to be approved.",
            "approved": "The same, when it was approved.",
            "rejected": "The same, when it was rejected.",
            "timed_out": "The same, when nobody answered in time.",
            "decision": "The answer: approved, by, comment.",
        },
        aliases_en=("human", "review", "confirm", "sign off", "ask", "manual", "human in the loop"),
        aliases_zh=("审批", "人工", "确认", "审核", "批准", "复核"),
        pure=False,
        parks=True,
        zh=Zh(
            title="审批",
            summary="请人批准，并等待答复。",
            subtitle="{message}",
            settings={
                "message": (
                    "问题",
                    "问什么，例如：给 {{ item.customer }} 退款 {{ item.amount }}。",
                ),
                "who": ("由谁答复", "可以答复的用户名或邮箱；留空表示所有能运行此流程的人。"),
                "show": ("展示内容", "随问题展示的内容，例如 item。"),
                "timeout_s": ("最多等待（秒）", "最多等待多少秒；留空表示一直等。"),
            },
            ports={
                "item": ("输入", "要审批的内容。"),
                "approved": ("批准", "获得批准时的内容。"),
                "rejected": ("驳回", "被驳回时的内容。"),
                "timed_out": ("超时", "没有人及时答复时的内容。"),
                "decision": ("答复", "答复：是否批准、由谁、附言。"),
            },
        ),
    )

    def park(self, item: T, ctx: NodeContext) -> Wake | None:
        """What people are asked."""
        names = environment(ctx)
        due = ctx.now().timestamp() + self.timeout_s if self.timeout_s is not None else None
        return Wake(
            "approval",
            due=due,
            message=self.question(item, names),
            data={"item": self._shown(item, names), "who": list(self.who)},
        )

    def process(self, item: T, ctx: NodeContext) -> Decided[T]:
        """The answer is there, or the time is over."""
        signal = ctx.signal
        if signal is None:
            return Decided(SKIP, SKIP, item, SKIP)
        said = signal.payload if isinstance(signal.payload, Mapping) else {}
        approved = said.get("approved") is True
        decision = {
            "approved": approved,
            "by": signal.by,
            "comment": str(said.get("comment") or ""),
        }
        if approved:
            return Decided(item, SKIP, SKIP, decision)
        return Decided(SKIP, item, SKIP, decision)

    def question(self, item: Any, names: Mapping[str, Any]) -> str:
        """What people are asked about a record."""
        return self._message(item, names)

    @cached_property
    def _message(self) -> CompiledTemplate:
        return compile_template(self.message)

    @cached_property
    def _shown(self) -> CompiledExpression:
        return compile_expression(self.show)
