"""Choosing a way."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Final, Generic, Literal, NamedTuple, Self, TypeVar

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from weft_engine.library.environment import environment
from weft_engine.nodes.expression_facts import constant
from weft_engine.nodes.expressions import CompiledExpression, Expression, compile_expression
from weft_engine.nodes.node_type import (
    SKIP,
    NodeContext,
    NodeInfo,
    NodeType,
    PortsFrom,
    SettingGroup,
    Skip,
    Zh,
)
from weft_engine.nodes.port_type import PortType

T = TypeVar("T")


class Branches(NamedTuple, Generic[T]):
    """The two ways out of a decision; one of them is not taken."""

    true: T | Skip
    false: T | Skip


class If(NodeType):
    """Send each record one way or the other, depending on a condition.

    >>> If(condition="item.amount > 100").process({"amount": 250})
    Branches(true={'amount': 250}, false=SKIP)
    """

    type: Literal["control.if"] = "control.if"
    condition: Expression
    """What decides, such as item.amount > 100."""

    info = NodeInfo(
        category="control",
        icon="arrows-split-2",
        title="If / else",
        subtitle="if {condition}",
        ports={
            "item": "The record that is looked at.",
            "true": "Records for which the condition is true.",
            "false": "All other records.",
        },
        aliases_en=("branch", "condition", "decision", "route", "else"),
        aliases_zh=("如果", "条件", "分支", "判断", "否则", "路由"),
        zh=Zh(
            title="条件分支",
            summary="按条件把每条记录送往其中一条路。",
            subtitle="如果 {condition}",
            settings={"condition": ("条件", "用来判断的表达式，例如 item.amount > 100。")},
            ports={
                "item": ("记录", "要判断的记录。"),
                "true": ("是", "满足条件的记录。"),
                "false": ("否", "其余的记录。"),
            },
        ),
    )

    def process(self, item: T, ctx: NodeContext | None = None) -> Branches[T]:
        """Decide for one record."""
        if self._compiled(item, environment(ctx)):
            return Branches(item, SKIP)
        return Branches(SKIP, item)

    def never_taken(self, variables: Mapping[str, Any]) -> frozenset[str]:
        """One of the two ways, when the condition does not depend on the record."""
        known, found = constant(self.condition, variables)
        return frozenset({"false" if found else "true"} if known else ())

    @cached_property
    def _compiled(self) -> CompiledExpression:
        return compile_expression(self.condition)


OTHERWISE: Final = "otherwise"


class Case(SettingGroup):
    """One way, and when it is taken."""

    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z_][A-Za-z0-9_-]*$")]
    """The name of the way, such as urgent; an output port is called so."""
    when: Expression
    """When it is taken, such as item.priority == 1."""


class Switch(NodeType):
    """Send each record one of several ways, depending on conditions.

    The cases are looked at from the top. The first whose condition is true is taken, or all that
    are true; a record that no case takes goes the way `otherwise`.

    >>> cases = [Case(name="big", when="item > 100"), Case(name="odd", when="item % 2 == 1")]
    >>> Switch(cases=cases).process(7)
    {'odd': 7}
    """

    type: Literal["control.switch"] = "control.switch"
    cases: tuple[Case, ...] = Field(min_length=1, max_length=64)
    """The ways, in the order in which they are looked at."""
    take: Literal["first", "all"] = "first"
    """Which of the cases that are true are taken: the first, or all of them."""

    info = NodeInfo(
        category="control",
        icon="route",
        title="Switch",
        subtitle="{take}",
        ports={
            "item": "The record that is looked at.",
        },
        aliases_en=("case", "router", "branch", "select", "choose", "match", "multi-way"),
        aliases_zh=("多路", "分支", "路由", "选择", "匹配", "分流"),
        ports_from=PortsFrom(
            setting="cases",
            key="name",
            type=PortType("T"),
            description="Records of this case; otherwise has those that no case takes.",
            also=(OTHERWISE,),
        ),
        zh=Zh(
            title="多路分支",
            summary="按多个条件把每条记录送往不同的路。",
            subtitle="{take}",
            settings={
                "cases": ("分支", "各条路，按顺序判断。"),
                "cases.name": ("名称", "这条路的名称，例如 urgent；输出端口用这个名称。"),
                "cases.when": ("条件", "何时走这条路，例如 item.priority == 1。"),
                "take": ("选取", "条件成立的路选第一条，还是全部都走。"),
            },
            ports={
                "item": ("记录", "要判断的记录。"),
                OTHERWISE: ("其他", "没有任何分支选中的记录。"),
            },
        ),
    )

    @model_validator(mode="after")
    def _named_apart(self) -> Self:
        names = [case.name for case in self.cases]
        twice = next((name for name in names if names.count(name) > 1 or name == OTHERWISE), None)
        if twice is not None:
            message = (
                f"a case cannot be called {OTHERWISE}"
                if twice == OTHERWISE
                else f"two cases are called {twice}"
            )
            raise PydanticCustomError(
                "case_name", "{message}", {"message": message, "hint": "Give it another name."}
            )
        return self

    def process(self, item: T, ctx: NodeContext | None = None) -> dict[str, Any]:
        """Decide for one record."""
        env = environment(ctx)
        taken: dict[str, Any] = {}
        for name, when in self._compiled:
            if when(item, env):
                taken[name] = item
                if self.take == "first":
                    break
        return taken or {OTHERWISE: item}

    def never_taken(self, variables: Mapping[str, Any]) -> frozenset[str]:
        """The cases that are never true; with `first` also all behind one that always is."""
        closed: set[str] = set()
        always = False
        for case in self.cases:
            known, found = constant(case.when, variables)
            if (always and self.take == "first") or (known and not found):
                closed.add(case.name)
            elif known:
                always = True
        return frozenset({*closed, OTHERWISE} if always else closed)

    @cached_property
    def _compiled(self) -> list[tuple[str, CompiledExpression]]:
        return [(case.name, compile_expression(case.when)) for case in self.cases]
