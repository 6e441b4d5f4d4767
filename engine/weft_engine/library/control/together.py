"""Several branches side by side: wait for all of them, or for the first."""

from typing import Literal, TypeVar

from weft_engine.library.control.inner import T_, U_
from weft_engine.nodes.node_type import SKIP, Inside, NodeInfo, NodeType, Zh
from weft_engine.nodes.region import Drive, InnerPort, Region, ScopeFailedError

T = TypeVar("T")
U = TypeVar("U")

_RESULT = InnerPort("result", U_, "What a branch comes to.", multiple=True, required=True)
_ZH_PORTS = {
    "item": ("输入", "交给各条分支的内容。"),
    "result": ("结果", "一条分支的结果。"),
}


class Parallel(NodeType):
    """Do several things at the same time, and go on when all of them are done.

    Every edge that leads to `result` is a branch. Its values come out as a list, in the order of
    the ids of the nodes they come from; branches that were skipped are left out. A branch that
    fails stops the others, unless its nodes say what to do on an error.

    >>> Parallel().info.inside.inputs[0].multiple
    True
    """

    type: Literal["control.parallel"] = "control.parallel"

    info = NodeInfo(
        category="control",
        icon="arrows-split",
        title="Parallel",
        output="results",
        ports={
            "item": "What the branches are given; may be left out.",
            "results": "What the branches came to.",
        },
        aliases_en=("fork", "join", "gather", "concurrent", "fan out", "all", "simultaneous"),
        aliases_zh=("并行", "并发", "同时", "分叉", "汇总"),
        inside=Inside(outputs=(InnerPort("item", T_, "What it was given."),), inputs=(_RESULT,)),
        zh=Zh(
            title="并行",
            summary="同时执行几条分支，全部完成后继续。",
            ports={**_ZH_PORTS, "results": ("结果", "各条分支的结果。")},
        ),
    )

    def region(self, item: T | None = None) -> list[U]:  # type: ignore[empty-body]
        """The outer ports."""

    def drive(self, region: Region) -> Drive:
        """Start the branches and wait for all."""
        item = region.input("item")
        if item is SKIP:
            return {"results": SKIP}
        region.start("0", item=item)
        end = yield
        if end.state in ("failed", "cancelled"):
            raise ScopeFailedError(end)
        region.keep(end.variables)
        found = end.exits.get("result", SKIP)
        return {"results": [] if found is SKIP else list(found)}


class Race(NodeType):
    """Do several things at the same time, and take the result that is there first.

    Every edge that leads to `result` is a branch. The first value that arrives is the result, and
    what is still under way is stopped. A branch that fails or is skipped drops out; only when all
    have failed, the race fails. With a Wait node as one of the branches it is a time limit.
    Variables that are set inside are gone with it: how far the others came depends on time.

    >>> Race().info.inside.inputs[0].multiple
    True
    """

    type: Literal["control.race"] = "control.race"

    info = NodeInfo(
        category="control",
        icon="flag",
        title="Race",
        output="result",
        ports={
            "item": "What the branches are given; may be left out.",
            "result": "The first result.",
        },
        aliases_en=("first", "fastest", "any of", "timeout", "hedge", "fallback", "winner"),
        aliases_zh=("竞速", "最快", "任一", "超时", "抢先", "备用"),
        inside=Inside(outputs=(InnerPort("item", T_, "What it was given."),), inputs=(_RESULT,)),
        zh=Zh(
            title="竞速",
            summary="同时执行几条分支，采用最先得到的结果。",
            ports=_ZH_PORTS,
        ),
    )

    def region(self, item: T | None = None) -> U:  # type: ignore[empty-body,type-var]
        """The outer ports."""

    def drive(self, region: Region) -> Drive:
        """Start the branches and wait for the first."""
        item = region.input("item")
        if item is SKIP:
            return {"result": SKIP}
        region.start("0", item=item)
        region.first("0")
        end = yield
        if end.state in ("failed", "cancelled"):
            raise ScopeFailedError(end)
        found = end.exits.get("result", SKIP)
        return {"result": found[0] if found is not SKIP and found else SKIP}
