"""Loops that hand a state from round to round."""

from functools import cached_property
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from pydantic import Field

from weft_engine.errors import NodeError
from weft_engine.kernel.stream import DataStream
from weft_engine.library.control import codes  # noqa: F401 - registers the codes
from weft_engine.library.control.inner import NUMBER, T_, U_
from weft_engine.nodes.expressions import CompiledExpression, Expression, compile_expression
from weft_engine.nodes.node_type import SKIP, Inside, NodeInfo, NodeType, Zh
from weft_engine.nodes.region import Drive, InnerPort, Region, ScopeFailedError
from weft_engine.nodes.types import Number

T = TypeVar("T")
U = TypeVar("U")

MOST_ROUNDS = 1_000_000


class Looped(NamedTuple, Generic[T]):
    """Where a loop ended."""

    state: T
    iterations: Number


class While(NodeType):
    """Go round as long as a condition holds, or until it does.

    The nodes inside start afresh in every round. They are given the `state` and what they lead to
    `next` is the state of the next round; when nothing arrives there, the loop ends. `while` looks
    at the condition before each round, `until` behind it; in the condition, `item` is the state and
    `index` the number of rounds gone. Variables that are set inside hold on for later rounds and
    for what follows the loop.

    >>> While(condition="item < 100", max_iterations=10).holds(40, {"index": 0})
    True
    """

    type: Literal["control.while"] = "control.while"
    condition: Expression
    """What is looked at, such as item.page <= item.pages."""
    mode: Literal["while", "until"] = "while"
    """While: go round as long as the condition is true, maybe not once. Until: go round at least
    once, until the condition is true."""
    max_iterations: int = Field(ge=1, le=MOST_ROUNDS, title="Most rounds", examples=[100])
    """How often the loop may go round."""
    on_limit: Literal["fail", "finish"] = Field("fail", title="At the limit")
    """What happens when it has gone round that often and is not done: stop, or give the state as
    it is."""

    info = NodeInfo(
        category="control",
        icon="refresh",
        title="While",
        subtitle="{mode} {condition}",
        ports={
            "initial": "The state of the first round.",
            "state": "The state at the end.",
            "iterations": "How often it went round.",
        },
        aliases_en=("loop", "until", "do while", "poll", "pages", "pagination", "repeat until"),
        aliases_zh=("循环", "直到", "轮询", "分页", "重复", "条件循环"),
        inside=Inside(
            repeats=True,
            outputs=(
                InnerPort("state", T_, "The state of this round."),
                InnerPort("index", NUMBER, "The number of the round, from 0."),
            ),
            inputs=(InnerPort("next", T_, "The state of the next round.", required=True),),
        ),
        zh=Zh(
            title="条件循环",
            summary="条件成立时反复执行，或执行到条件成立为止。",
            subtitle="{mode} {condition}",
            settings={
                "condition": ("条件", "每轮判断的表达式，例如 item.page <= item.pages。"),
                "mode": (
                    "方式",
                    "成立时继续：先看条件，可能一轮也不做；直到成立：至少做一轮，直到条件成立。",
                ),
                "max_iterations": ("最多轮数", "循环最多执行多少轮。"),
                "on_limit": ("到达上限时", "到了最多轮数还没结束：报错停止，或给出当前的状态。"),
            },
            ports={
                "initial": ("初始", "第一轮的状态。"),
                "state": ("状态", "循环的状态。"),
                "iterations": ("轮数", "一共做了几轮。"),
                "index": ("序号", "当前是第几轮，从 0 开始。"),
                "next": ("下一轮", "下一轮的状态。"),
            },
        ),
    )

    def region(self, initial: T) -> Looped[T]:  # type: ignore[empty-body]
        """The outer ports."""

    def drive(self, region: Region) -> Drive:
        """Go round."""
        state = region.input("initial")
        if state is SKIP:
            return {"state": SKIP, "iterations": SKIP}
        count = 0
        while self._goes_on(region, state, count):
            if count == self.max_iterations:
                self._at_limit(region)
                break
            region.start(str(count), state=state, index=count)
            end = yield
            if end.state in ("failed", "cancelled"):
                raise ScopeFailedError(end)
            count += 1
            region.keep(end.variables)
            region.progress(count)
            if (following := end.exits.get("next", SKIP)) is SKIP:
                break
            state = following
        return {"state": state, "iterations": count}

    def holds(self, state: Any, names: Any) -> bool:
        """Whether the condition is true of a state."""
        return bool(self._condition(state, names))

    def _goes_on(self, region: Region, state: Any, count: int) -> bool:
        names = {**region.names(), "index": count}
        if self.mode == "while":
            return self.holds(state, names)
        return count == 0 or not self.holds(state, names)

    def _at_limit(self, region: Region) -> None:
        message = f"The loop went round {self.max_iterations:,} times and was not done."
        if self.on_limit == "finish":
            region.log("warning", message)
            return
        raise NodeError(
            message,
            code="control.limit_reached",
            hint="Look at what leads to `next`: does it ever change the condition? Else raise the "
            "limit, or let the loop give what it has.",
            params={"max_iterations": self.max_iterations},
        )

    @cached_property
    def _condition(self) -> CompiledExpression:
        return compile_expression(self.condition)


class Repeated(NamedTuple, Generic[T, U]):
    """Where a repetition ended, and what came out of each round."""

    state: T
    results: DataStream[U]


class Repeat(NodeType):
    """Do the same a number of times, one after the other.

    The nodes inside start afresh in every round. They may lead something to `result`, which comes
    out as a stream, and to `next`, which is the `state` of the next round; when nothing arrives
    there, the state stays as it is. Variables that are set inside hold on for later rounds and for
    what follows.

    >>> Repeat(times="len(item)").count([1, 2, 3], {})
    3
    """

    type: Literal["control.repeat"] = "control.repeat"
    times: Expression = "3"
    """How often, as an expression such as 3 or item.copies; item is the first state."""

    info = NodeInfo(
        category="control",
        icon="rotate-clockwise",
        title="Repeat",
        subtitle="{times} times",
        ports={
            "initial": "The state of the first round; may be left out.",
            "state": "The state at the end.",
            "results": "What came out of each round.",
        },
        aliases_en=("loop", "times", "n times", "again", "for", "counter"),
        aliases_zh=("重复", "循环", "次数", "多次", "计数"),
        inside=Inside(
            repeats=True,
            outputs=(
                InnerPort("state", T_, "The state of this round."),
                InnerPort("index", NUMBER, "The number of the round, from 0."),
            ),
            inputs=(
                InnerPort("next", T_, "The state of the next round."),
                InnerPort("result", U_, "What comes out of this round."),
            ),
        ),
        zh=Zh(
            title="重复",
            summary="按给定的次数依次重复执行。",
            subtitle="{times} 次",
            settings={
                "times": (
                    "次数",
                    "重复多少次，可写表达式，例如 3 或 item.copies；item 是初始状态。",
                )
            },
            ports={
                "initial": ("初始", "第一轮的状态，可以不接。"),
                "state": ("状态", "循环的状态。"),
                "results": ("结果", "每一轮得到的结果。"),
                "index": ("序号", "当前是第几轮，从 0 开始。"),
                "next": ("下一轮", "下一轮的状态。"),
                "result": ("结果", "这一轮的结果。"),
            },
        ),
    )

    def region(self, initial: T | None = None) -> Repeated[T, U]:  # type: ignore[empty-body]
        """The outer ports."""

    def drive(self, region: Region) -> Drive:
        """Go round."""
        state = region.input("initial")
        if state is SKIP:
            return {"state": SKIP, "results": SKIP}
        times = self.count(state, region.names())
        for number in range(times):
            region.progress(number, times)
            region.start(str(number), state=state, index=number)
            end = yield
            if end.state in ("failed", "cancelled"):
                raise ScopeFailedError(end)
            region.keep(end.variables)
            if (result := end.exits.get("result", SKIP)) is not SKIP:
                region.emit("results", result)
            if (following := end.exits.get("next", SKIP)) is not SKIP:
                state = following
        region.progress(times, times)
        return {"state": state}

    def count(self, state: Any, names: Any) -> int:
        """How often to go round; `control.bad_count` when that is no such number."""
        found = self._times(state, names)
        whole = isinstance(found, int | float) and not isinstance(found, bool) and found == found
        if whole and 0 <= found <= MOST_ROUNDS and found == int(found):
            return int(found)
        raise NodeError(
            f"{found!r} is not a number of times.",
            code="control.bad_count",
            hint=f"Give a whole number from 0 to {MOST_ROUNDS:,}.",
            params={"found": str(found)[:80]},
        )

    @cached_property
    def _times(self) -> CompiledExpression:
        return compile_expression(self.times)
