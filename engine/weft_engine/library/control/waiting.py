"""Waiting: for a time, or for something that happens elsewhere."""

from collections.abc import Mapping
from datetime import UTC
from functools import cached_property
from typing import Any, Generic, Literal, NamedTuple, Self, TypeVar

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from weft_engine.errors import NodeError
from weft_engine.library import times
from weft_engine.library.control import codes  # noqa: F401 - registers the codes
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
from weft_engine.nodes.types import Json

T = TypeVar("T")

LONGEST = 10 * 366 * 86_400
"""The longest wait, in seconds."""


class Wait(NodeType):
    """Wait for some time, then give on what came in.

    Nothing is held in memory meanwhile, and the wait outlives a restart of the server. Give either
    a number of seconds or a moment; a moment that is past is not waited for.

    >>> Wait(seconds=90).process("late")
    'late'
    """

    type: Literal["control.wait"] = "control.wait"
    seconds: float | None = Field(None, ge=0, le=LONGEST)
    """How long to wait, in seconds."""
    until: Expression | None = None
    """Instead: when to go on, such as item.due or "2030-01-01T09:00:00+01:00". A date without a
    time zone is in UTC; a number counts seconds since 1970."""

    info = NodeInfo(
        category="control",
        icon="clock",
        title="Wait",
        subtitle="{seconds} {until}",
        ports={"item": "What is to wait.", "out": "The same, later."},
        aliases_en=("sleep", "delay", "pause", "timer", "timeout", "until", "schedule"),
        aliases_zh=("等待", "延时", "暂停", "定时", "睡眠"),
        pure=False,
        parks=True,
        zh=Zh(
            title="等待",
            summary="等待一段时间，然后原样给出。",
            subtitle="{seconds} {until}",
            settings={
                "seconds": ("秒数", "等待多少秒。"),
                "until": (
                    "直到",
                    '也可以给出时刻，例如 item.due 或 "2030-01-01T09:00:00+01:00"；'
                    "没有时区的按 UTC，数字是 1970 年以来的秒数。",
                ),
            },
            ports={"item": ("输入", "要等待的内容。"), "out": ("输出", "同样的内容，晚些给出。")},
        ),
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.seconds is None) == (self.until is None):
            raise PydanticCustomError(
                "wait_for",
                "{message}",
                {
                    "message": "give either seconds or until",
                    "hint": "One of the two says how long to wait.",
                },
            )
        return self

    def park(self, item: T, ctx: NodeContext) -> Wake | None:
        """When to go on."""
        now = ctx.now().timestamp()
        due = now + self.seconds if self.seconds is not None else self._moment(item, ctx)
        if due - now > LONGEST:
            raise _bad_time(due, "That is more than ten years from now.")
        return Wake("timer", due=due) if due > now else None

    def process(self, item: T, ctx: NodeContext | None = None) -> T:
        """The time has come."""
        return item

    def _moment(self, item: Any, ctx: NodeContext) -> float:
        if self._until is None:
            return 0.0
        found = self._until(item, environment(ctx))
        if isinstance(found, int | float) and not isinstance(found, bool):
            return float(found)
        if not isinstance(found, str):
            raise _bad_time(found, "Give a date as text, or seconds since 1970.")
        moment = times.parse(found)
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return aware.timestamp()

    @cached_property
    def _until(self) -> CompiledExpression | None:
        return compile_expression(self.until) if self.until is not None else None


def _bad_time(found: Any, hint: str) -> NodeError:
    return NodeError(
        f"{str(found)[:80]} is not a time to wait for.",
        code="control.bad_time",
        hint=hint,
        params={"found": str(found)[:80]},
    )


class Heard(NamedTuple, Generic[T]):
    """What came of waiting for a signal."""

    received: Json | Skip
    timed_out: T | Skip


class WaitForSignal(NodeType):
    """Wait until somebody sends this run a signal, and give what came with it.

    Signals are sent by another program through the REST API, by name. The name may hold
    expressions, so that each order, say, waits for its own. Nothing is held in memory meanwhile. A
    signal that was sent before the wait began counts.

    >>> WaitForSignal(name="paid-{{ item.order }}").signal_name({"order": 7}, {})
    'paid-7'
    """

    type: Literal["control.signal"] = "control.signal"
    name: Template = Field(min_length=1, max_length=1000)
    """The name of the signal, such as paid-{{ item.order }}."""
    timeout_s: float | None = Field(None, gt=0, le=LONGEST, title="Wait at most (s)")
    """How many seconds to wait at most; for ever when empty."""

    info = NodeInfo(
        category="control",
        icon="bell",
        title="Wait for signal",
        subtitle="{name}",
        ports={
            "item": "What is to wait.",
            "received": "What came with the signal.",
            "timed_out": "What waited, when no signal came in time.",
        },
        aliases_en=("signal", "event", "callback", "webhook", "external", "message", "resume"),
        aliases_zh=("信号", "事件", "回调", "等待", "外部", "恢复"),
        pure=False,
        parks=True,
        zh=Zh(
            title="等待信号",
            summary="等到有人给这次运行发来信号，并给出信号的内容。",
            subtitle="{name}",
            settings={
                "name": ("名称", "信号的名称，例如 paid-{{ item.order }}。"),
                "timeout_s": ("最多等待（秒）", "最多等待多少秒；留空表示一直等。"),
            },
            ports={
                "item": ("输入", "要等待的内容。"),
                "received": ("收到", "信号带来的内容。"),
                "timed_out": ("超时", "没有及时等到信号时，原来的内容。"),
            },
        ),
    )

    def park(self, item: T, ctx: NodeContext) -> Wake | None:
        """What to wait for."""
        due = ctx.now().timestamp() + self.timeout_s if self.timeout_s is not None else None
        return Wake("signal", due=due, signal=self.signal_name(item, environment(ctx)))

    def process(self, item: T, ctx: NodeContext) -> Heard[T]:
        """The signal is there, or the time is over."""
        if ctx.signal is None:
            return Heard(SKIP, item)
        return Heard(ctx.signal.payload, SKIP)

    def signal_name(self, item: Any, names: Mapping[str, Any]) -> str:
        """The name of the signal for a record."""
        return self._name(item, names)

    @cached_property
    def _name(self) -> CompiledTemplate:
        return compile_template(self.name)
