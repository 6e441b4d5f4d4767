"""Trying something, and going on when it fails."""

from typing import Any, Generic, Literal, NamedTuple, TypeVar

from weft_engine.library.control.inner import ROW, T_, U_
from weft_engine.nodes.node_type import SKIP, Inside, NodeInfo, NodeType, Skip, Zh
from weft_engine.nodes.region import (
    BODY,
    Drive,
    InnerPort,
    Region,
    ScopeEnd,
    ScopeFailedError,
)
from weft_engine.nodes.types import Row

T = TypeVar("T")
U = TypeVar("U")

CATCH = "catch"
FINALLY = "finally"


class Tried(NamedTuple, Generic[U]):
    """How it went."""

    result: U | Skip
    failed: Row | Skip


class Try(NodeType):
    """Try something; when it fails, catch the failure and go on.

    What `item` leads to is tried. When a node of it fails, after its retries, the rest of it is
    stopped and what `error` leads to is done instead; `error` is the failure: code, message, node
    and so on. What `outcome` leads to is done at last in any case, also when the run is cancelled.
    `result` is what the body led to `result`, or the catch to `caught`. A failure of the catch is
    one of the whole, and so is one of what is done at last.

    >>> Try().info.inside.sections
    ('body', 'catch', 'finally')
    """

    type: Literal["control.try"] = "control.try"
    fail_again: bool = False
    """Whether the whole fails all the same, with the first failure, when all is done."""

    info = NodeInfo(
        category="control",
        icon="shield-check",
        title="Try",
        ports={
            "item": "What the body is given; may be left out.",
            "result": "What the body or the catch came to.",
            "failed": "The failure, when there was one.",
        },
        aliases_en=("catch", "finally", "error handling", "exception", "fallback", "rescue"),
        aliases_zh=("捕获", "异常", "错误处理", "容错", "兜底", "最后"),
        inside=Inside(
            outputs=(
                InnerPort("item", T_, "What it was given."),
                InnerPort("error", ROW, "The failure.", section=CATCH),
                InnerPort("outcome", ROW, "How it went: state, failure.", section=FINALLY),
            ),
            inputs=(
                InnerPort("result", U_, "What the body comes to."),
                InnerPort("caught", U_, "What the catch comes to.", section=CATCH),
            ),
            always=(FINALLY,),
        ),
        zh=Zh(
            title="尝试",
            summary="尝试执行；失败时捕获错误并继续。",
            settings={"fail_again": ("仍然失败", "全部做完后，整体是否仍以最初的错误失败。")},
            ports={
                "item": ("输入", "交给主体的内容，可以不接。"),
                "result": ("结果", "主体或捕获部分的结果。"),
                "failed": ("失败", "出错时的错误内容。"),
                "error": ("错误", "捕获到的错误。"),
                "outcome": ("结局", "进行得如何：状态、错误。"),
                "caught": ("补救", "捕获部分的结果。"),
            },
        ),
    )

    def region(self, item: T | None = None) -> Tried[U]:  # type: ignore[empty-body]
        """The outer ports."""

    def drive(self, region: Region) -> Drive:
        """Try, catch, and do what is to be done at last."""
        item = region.input("item")
        if item is SKIP:
            return {"result": SKIP, "failed": SKIP}
        region.start("0", item=item)
        tried = last = yield
        if tried.state == "failed":
            region.log("warning", f"Caught: {(tried.failure or {}).get('message', '')}")
            region.start("0", CATCH, error=dict(tried.failure or {}))
            last = yield
        if last.state not in ("failed", "cancelled"):
            region.keep(last.variables)
        region.start("0", FINALLY, outcome=_outcome(tried, last))
        final = yield
        region.keep(final.variables)
        for end in (final, last):
            if end.state in ("failed", "cancelled"):
                raise ScopeFailedError(end)
        if tried.state != "failed":
            return {"result": tried.exits.get("result", SKIP), "failed": SKIP}
        if self.fail_again:
            raise ScopeFailedError(tried)
        return {"result": last.exits.get("caught", SKIP), "failed": dict(tried.failure or {})}


def _outcome(tried: ScopeEnd, last: ScopeEnd) -> dict[str, Any]:
    """What is told to what is done at last; `caught` is true when the catch did its work."""
    failure = last.failure if last.state == "failed" else tried.failure
    state = "completed" if tried.state == "skipped" else tried.state
    if tried is not last and last.state == "cancelled":
        state = "cancelled"
    return {
        "state": state,
        "caught": tried.section == BODY and tried.state == "failed" and last.state == "completed",
        "failure": dict(failure) if failure else None,
    }
