"""Rules about flows that are called: they are there, do not call each other in a circle, run."""

import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from weft_engine.compiler.calling import calls, calls_of
from weft_engine.compiler.problems import Facts, Fix, Problem, fix, problem
from weft_engine.errors import FlowError
from weft_engine.flow.file import from_data
from weft_engine.flow.model import Flow
from weft_engine.flow.ops import RemoveNode, SetField, SetSetting, UnsetSetting

FirstError = Callable[[str, Flow], str | None]
"""Checks a flow that is called, given its name: the message of its first error, if there is one."""


def rules(facts: Facts, first_error: FirstError) -> Iterator[Problem]:
    """What is wrong with calls of other flows, when these are known."""
    if facts.flows is None:
        return
    for name, callee in sorted(calls(facts.flow)):
        if not facts.enabled(name):
            continue
        data = facts.flows.get(callee)
        if data is None:
            yield _unknown(facts, name, callee, facts.flows)
            continue
        circle = circle_of(callee, facts.flows)
        if circle:
            yield _recursion(name, circle, facts.flows)
            continue
        try:
            flow = from_data(data)
        except FlowError as error:
            yield _broken(name, callee, error.message)
            continue
        said = first_error(callee, flow)
        if flow.mode == "streaming":
            yield _broken(name, callee, "it never ends, as it runs in streaming mode")
        elif said is not None:
            yield _broken(name, callee, said)
        yield from _arguments(facts, name, callee, flow)


def circles(flow: Flow, flows: Mapping[str, Any]) -> list[Problem]:
    """The calls of a flow that lead into a circle; nothing else about them is looked at.

    Args:
        flow: The flow.
        flows: Those that it calls, and that these call, by name; it may be among them itself.
    """
    found = []
    for name, callee in sorted(calls(flow)):
        circle = [] if _is_off(flow, name) else circle_of(callee, flows)
        if circle:
            found.append(_recursion(name, circle, flows))
    return found


def _is_off(flow: Flow, name: str | None) -> bool:
    """Whether a node, or a container around it, is disabled."""
    seen: set[str] = set()
    while name is not None and name in flow.nodes and name not in seen:
        seen.add(name)
        if flow.nodes[name].disabled:
            return True
        name = flow.nodes[name].parent
    return False


def circle_of(name: str, flows: Mapping[str, Any]) -> list[str]:
    """The way on which a flow comes to be called twice, from one call to the other; else empty."""
    path: list[str] = []
    clear: set[str] = set()
    todo: list[tuple[str, bool]] = [(name, False)]
    while todo:
        at, done = todo.pop()
        if done:
            path.pop()
            clear.add(at)
        elif at in path:
            return [*path[path.index(at) :], at]
        elif at not in clear:
            path.append(at)
            todo.append((at, True))
            data = flows.get(at)
            inner = calls_of(data) if isinstance(data, Mapping) else ()
            todo.extend((other, False) for other in sorted(set(inner), reverse=True))
    return []


def _unknown(facts: Facts, name: str, callee: str, flows: Mapping[str, Any]) -> Problem:
    close = difflib.get_close_matches(callee, sorted(flows), n=1, cutoff=0.6)
    return problem(
        "unknown_flow",
        f"there is no flow {callee!r} to call",
        hint=f"Did you mean {close[0]!r}?" if close else "Choose a flow that is there.",
        node=name,
        path=("flow",),
        fixes=[_set(name, near, callee) for near in close],
        flow=callee,
        nearest=close[0] if close else None,
    )


def _set(node: str, value: str, held: str) -> Fix:
    op = SetSetting(node=node, path=("flow",), value=value, expect=held)
    return fix("set_setting", f"Call {value}", op, setting="flow", value=value)


def _recursion(name: str, circle: list[str], flows: Mapping[str, Any]) -> Problem:
    alone = len(circle) == 2
    titles = [_title(called, flows.get(called)) for called in circle]
    way = " → ".join(titles)
    off = SetField(node=name, field="disabled", value=True)
    return problem(
        "call_recursion",
        f"the flow {titles[0]!r} calls itself" + ("" if alone else f": {way}"),
        hint="Flows cannot call each other in a circle; repeat work with a loop.",
        node=name,
        path=("flow",),
        fixes=[
            fix("turn_off", "Turn the call off", off),
            fix("remove_node", "Remove the call", RemoveNode(id=name)),
        ],
        flow=titles[0],
        flows=circle,
        way=way,
    )


def _title(called: str, data: Any) -> str:
    """What a flow is called by people; it may be called by its id."""
    name = data.get("name") if isinstance(data, Mapping) else None
    return name if isinstance(name, str) and name else called


def _broken(name: str, callee: str, said: str) -> Problem:
    return problem(
        "called_flow_invalid",
        f"the called flow {callee!r} has a problem: {said}",
        hint="Open it and solve its problems.",
        node=name,
        path=("flow",),
        flow=callee,
        said=said,
    )


def _arguments(facts: Facts, name: str, callee: str, flow: Flow) -> Iterator[Problem]:
    given = facts.flow.nodes[name].settings.get("arguments")
    for at, argument in enumerate(given if isinstance(given, list) else ()):
        wanted = argument.get("name") if isinstance(argument, dict) else None
        if isinstance(wanted, str) and wanted not in flow.inputs:
            yield _argument(name, callee, at, wanted, sorted(flow.inputs))


def _argument(name: str, callee: str, at: int, wanted: str, known: list[str]) -> Problem:
    close = difflib.get_close_matches(wanted, known, n=1, cutoff=0.5)
    path = ("arguments", at, "name")
    fixes = [
        fix("set_setting", f"Write {near}", SetSetting(node=name, path=path, value=near),
            setting="arguments", value=near)
        for near in close
    ]  # fmt: skip
    gone = UnsetSetting(node=name, path=("arguments", at))
    return problem(
        "unknown_argument",
        f"the called flow {callee!r} has no input {wanted!r}",
        hint=f"Did you mean {close[0]!r}?"
        if close
        else (f"It has {', '.join(known)}." if known else "It has no inputs."),
        node=name,
        path=path,
        fixes=[*fixes, fix("unset_setting", "Remove it", gone, setting=wanted)],
        flow=callee,
        input=wanted,
        nearest=close[0] if close else None,
    )
