"""Breakpoints, compiled: where they are, when their conditions hold, how often they did."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from weft_engine.compiler.calling import CALL, is_isolated
from weft_engine.compiler.program import Program, ScopePlan
from weft_engine.errors import ExpressionError, FlowError, WeftError, said
from weft_engine.library.environment import names as names_of
from weft_engine.nodes.expressions import NAMES, CompiledExpression, compile_expression
from weft_engine.runs.debug import Breakpoint
from weft_engine.runs.engine.debugging_values import plain, shown_ports
from weft_engine.runs.engine.gate import Stop

if TYPE_CHECKING:
    from weft_engine.runs.engine.core import Core

_WORD: Final = re.compile(r"(?<![\w.])[^\W\d]\w*")
_MOST_CHARACTERS: Final = 20_000
"""Of all conditions together; compiling them holds up whoever else tells a run something."""


@dataclass(slots=True)
class Point:
    """One breakpoint."""

    said: Breakpoint
    condition: CompiledExpression | None = None
    count: int = 0
    """How often its condition has held."""
    stopped: bool = False
    told: bool = False
    """Whether it was told that its condition cannot be worked out."""

    @property
    def key(self) -> str:
        """What it is counted by: the same place and condition is the same breakpoint."""
        return f"{self.said.when} {self.said.node} {self.said.condition or ''}"


@dataclass(slots=True)
class Hit:
    """An activation that breakpoints were looked at for."""

    counts: dict[str, int] = field(default_factory=dict)
    """Of the breakpoints whose condition held, by their keys."""
    point: Point | None = None
    """The one that stops it."""


class Points:
    """The breakpoints of a run."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._at: dict[tuple[str, str], list[Point]] = {}
        self._known: dict[str, Point] = {}
        self.said: Sequence[Breakpoint] = ()
        self.strange: list[str] = []
        """Nodes with breakpoints that this run does not have."""

    @cached_property
    def _places(self) -> dict[str, tuple[ScopePlan, str]]:
        """Every node that runs, by its path; most runs have no breakpoints, and need none."""
        return {path: (plan, name) for plan, path, name in _nodes(self._program)}

    @property
    def active(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self._at)

    def compiled(self, said: Iterable[Breakpoint]) -> list[Point]:
        """Breakpoints with their conditions.

        Raises:
            FlowError: `run.bad_breakpoint`.
        """
        return [Point(one, self._condition(one)) for one in said if one.enabled and not one.sample]

    def set(self, said: Sequence[Breakpoint], counts: Mapping[str, int] | None = None) -> None:
        """Put these in the place of all earlier ones; those that stay go on counting.

        Raises:
            FlowError: `run.bad_breakpoint`; nothing has changed then.
        """
        found = self.compiled(said)
        self.said, self._at, self.strange = said, {}, []
        for point in found:
            before = self._known.get(point.key)
            if before is not None:
                point.count, point.stopped, point.told = before.count, before.stopped, before.told
            self._known[point.key] = point
            self._at.setdefault((point.said.node, point.said.when), []).append(point)
            if point.said.node not in self._places and not self._is_called(point.said.node):
                self.strange.append(point.said.node)

    def _is_called(self, path: str) -> bool:
        """Whether a node lies in a flow that is called as a run of its own, which looks there."""
        parts = path.split("/")
        for at in range(1, len(parts)):
            plan, name = self._places.get("/".join(parts[:at]), (None, ""))
            node = plan.compiled.flow.nodes.get(name) if plan is not None else None
            if node is not None and node.type == CALL and is_isolated(node):
                return True
        return False

    def restore(self, key: str, count: int, *, stopped: bool) -> None:
        """Count what was counted before the run was left."""
        point = self._known.get(key)
        if point is not None:
            point.count = max(point.count, count)
            point.stopped = point.stopped or stopped

    def hit(self, core: "Core", stop: Stop) -> Hit | None:
        """Look at the breakpoints for an activation; None when there is none here."""
        prefix, at = stop.scope.planned.prefix, self._at
        found: Hit | None = None
        for name in stop.unit.unit.nodes:
            for point in at.get((prefix + name, stop.when), ()):
                found = found or Hit()
                if not self._holds(core, stop, point):
                    continue
                point.count += 1
                found.counts[point.key] = point.count
                late = point.said.once and point.stopped
                if found.point is None and point.count >= point.said.hits and not late:
                    found.point, point.stopped = point, True
        return found

    def _holds(self, core: "Core", stop: Stop, point: Point) -> bool:
        condition = point.condition
        if condition is None:
            return True
        if len(stop.unit.unit.nodes) > 1:
            why = "the node is worked on together with others; it is looked at from the next run on"
        else:
            try:
                item, names = _names(core, stop, condition, self._ports(point.said))
                return bool(condition(item, names))
            except WeftError as error:
                why = error.message
            except Exception as error:  # noqa: BLE001 - whatever it met, the run goes on
                why = said(error)
        if not point.told:
            point.told = True
            core.story.log(
                point.said.node, stop.place, "warning", f"Condition of the breakpoint: {why}"
            )
        return False

    def _condition(self, point: Breakpoint) -> CompiledExpression | None:
        if not (point.condition or "").strip():
            return None
        try:
            text = point.condition or ""
            known = not self._is_called(point.node)  # else the run that is called knows its ports
            return compiled_condition(text, self._ports(point) if known else _WORD.findall(text))
        except ExpressionError as error:
            raise bad_condition(point, error) from error

    def _ports(self, point: Breakpoint) -> dict[str, Any]:
        """The ports of a node on the side where it stops, with what they are when nothing came."""
        plan, name = self._places.get(point.node, (None, ""))
        work = plan.compiled.works.get(name) if plan is not None else None
        if work is None:
            return {}
        if point.when == "before":
            return {port.name: port.default for port in work.inputs}
        return {port.name: None for port in work.outputs}


def compiled_condition(text: str, ports: Iterable[str]) -> CompiledExpression:
    """A condition at a node whose ports, on the side where it stops, have these names.

    Raises:
        ExpressionError: It cannot be read, or names what is not there.
    """
    names = dict.fromkeys((*NAMES, "scope", *ports))
    return compile_expression(text, names=tuple(names))


def usable(
    said: Iterable[Breakpoint], program: Program
) -> tuple[list[Breakpoint], list[FlowError]]:
    """Breakpoints that a program can have, and what is wrong with the others."""
    points, found, wrong = Points(program), list[Breakpoint](), list[FlowError]()
    for one in said:
        try:
            points.compiled([one])
            found.append(one)
        except FlowError as error:
            wrong.append(error)
    return found, wrong


def require_good(said: Iterable[Breakpoint], program: Program) -> None:
    """Refuse breakpoints with conditions that mean nothing.

    Raises:
        FlowError: `run.bad_breakpoint`.
    """
    wanted = list(said)
    if wanted:
        Points(program).compiled(wanted)


def require_readable(said: Iterable[Breakpoint]) -> None:
    """As `require_good`, where the flow is not known: names that may be ports pass.

    Raises:
        FlowError: `run.bad_breakpoint`; also where all conditions together are too long.
    """
    wanted = [point for point in said if (point.condition or "").strip()]
    if sum(len(point.condition or "") for point in wanted) > _MOST_CHARACTERS:
        raise _too_long()
    for point in wanted:
        # Whatever stands there may be a port: compiled once, however many names there are.
        text = point.condition or ""
        try:
            compiled_condition(text, _WORD.findall(text))
        except ExpressionError as error:
            raise bad_condition(point, error) from error


def _too_long() -> FlowError:
    return FlowError(
        f"The conditions of the breakpoints have more than {_MOST_CHARACTERS:,} characters.",
        code="run.bad_breakpoint",
        hint="Make them shorter, or take away breakpoints that are not needed now.",
        params={"limit": _MOST_CHARACTERS},
    )


def bad_condition(point: Breakpoint, error: ExpressionError) -> FlowError:
    """A condition that cannot be compiled."""
    return FlowError(
        f"The condition of the breakpoint {point.when} {point.node} cannot be used: "
        f"{error.message}",
        code="run.bad_breakpoint",
        hint=error.hint or "Correct the condition; `item` is the first value.",
        params={**error.params, "node": point.node, "condition": point.condition,
                "cause": error.code},
    )  # fmt: skip


def _names(
    core: "Core", stop: Stop, condition: CompiledExpression, ports: Mapping[str, Any]
) -> tuple[Any, dict[str, Any]]:
    scope, unit = stop.scope, stop.unit
    number = stop.place.rpartition("#")[2]
    found = names_of(
        core.run_scope.inputs if scope.inputs is None else scope.inputs,
        {"id": core.request.run_id, "node": stop.node},
        scope.variables_of(unit),
        index=int(number) if number.isdigit() and "#" in stop.place else scope.index,
        nodes=scope.before(unit) if "nodes" in condition.used else None,
    )
    values = {port.name: plain(stop.values[port.keys[0]]) for port in shown_ports(stop)}
    item = next((values[name] for name in ports if name in values), None)
    given = {name: values.get(name, default) for name, default in ports.items()}
    return item, {**given, **found, "scope": stop.place}


def _nodes(program: Program) -> Iterator[tuple[ScopePlan, str, str]]:
    """Every node that runs: the plan of its scope, its path, its name."""
    waiting = [program.top] + ([program.on_error] if program.on_error is not None else [])
    while waiting:
        plan = waiting.pop()
        around = "/".join(part.partition("@")[0] for part in plan.path.split("/"))
        for name in plan.unit_of:
            yield plan, f"{around}/{name}" if around else name, name
        waiting += [inner for sections in plan.inner.values() for inner in sections.values()]
