"""Rules about single nodes: types, settings, frames, pinned outputs."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from weft_engine.compiler.problems import Facts, Fix, Problem, Severity, fix, problem
from weft_engine.flow.model import Node
from weft_engine.flow.ops import ReplaceNode, SetField, SetFlow, SetSetting, UnsetSetting
from weft_engine.flow.paths import get
from weft_engine.flow.values import copy
from weft_engine.nodes.node_type import NodeClass
from weft_engine.nodes.setting_titles import title_of
from weft_engine.nodes.settings import SettingIssue, show, validate

_CODES = {
    "bad": "bad_setting",
    "unknown": "unknown_setting",
    "missing": "missing_setting",
    "expression": "bad_expression",
}


def rules(facts: Facts) -> Iterator[Problem]:
    """What is wrong with single nodes."""
    if not facts.flow.nodes:
        yield problem(
            "empty_flow", "the flow has no nodes", hint="Add a node to start, such as a source."
        )
    elif all(node.disabled for node in facts.flow.nodes.values()):
        yield problem(
            "empty_flow",
            "every node is disabled",
            severity="warning",
            hint="Enable some to run it.",
        )
    for name, node in facts.nodes():
        yield from _type(facts, name, node)
        yield from _settings(facts, name, node)
        yield from _frame(facts, name, node)
        yield from _pinned(facts, name, node)
    yield from _outputs(facts)


_LIKE_OUTPUT: Final = frozenset({"flow.output", "flow.outputs", "flow.result", "flow.return"})
_NO_OUTPUT_NODE: Final = (
    "A flow needs no node for its outputs: what its last nodes give is its output. To choose "
    "others, list their ids, `outputs: [report]`, beside `nodes`."
)


def _severity(node: Node) -> Severity:
    """A node that does not run stops nobody."""
    return "warning" if node.disabled else "error"


def _type(facts: Facts, name: str, node: Node) -> Iterator[Problem]:
    spec = facts.specs.get(name)
    if spec is None:
        wants_output = node.type in _LIKE_OUTPUT
        near = [] if wants_output else facts.catalogue.nearest_all(node.type)
        yield problem(
            "unknown_type",
            f"there is no node type {node.type!r}",
            severity=_severity(node),
            hint=_NO_OUTPUT_NODE if wants_output else _hint(near),
            node=name,
            fixes=[_retype(facts, name, node, kind) for kind in near],
            type=node.type,
            nearest=near[0] if near else None,
            rule="output" if wants_output else None,
        )
    elif node.version is not None and node.version > spec.version:
        yield problem(
            "newer_version",
            f"it was made with version {node.version}, and {spec.version} is installed",
            severity="warning",
            hint="Update the package that offers it.",
            node=name,
            version=node.version,
            installed=spec.version,
        )


def _hint(near: Sequence[str]) -> str:
    return f"Did you mean {near[0]!r}?" if near else "Install the package that offers it."


def _retype(facts: Facts, name: str, node: Node, kind: str) -> Fix:
    spec = facts.catalogue.spec(kind)
    title = spec.name if spec else kind
    op = ReplaceNode(id=name, type=kind, settings=dict(node.settings), expect=node.type)
    return fix("replace_type", f"Use “{title}” ({kind})", op, type=kind, name=title)


def _settings(facts: Facts, name: str, node: Node) -> Iterator[Problem]:
    cls = facts.catalogue.get(node.type)
    if cls is None:
        return
    built, issues = validate(cls, node.settings)
    for issue in issues:
        yield problem(
            _CODES[issue.kind],
            issue.message,
            severity=_severity(node),
            hint=issue.hint,
            node=name,
            path=issue.path,
            fixes=list(_setting_fixes(facts, name, node, cls, issue)),
            given=issue.params,
        )
    if built is not None:
        yield from _flow_inputs(facts, name, node, cls)


def _setting_fixes(
    facts: Facts, name: str, node: Node, cls: NodeClass, issue: SettingIssue
) -> Iterator[Fix]:
    held = dict(node.settings)
    if issue.kind == "unknown" and len(issue.path) == 1:
        key = str(issue.path[0])
        for near in issue.nearest:
            yield fix(
                "rename_setting",
                f"Rename it to {near}",
                UnsetSetting(node=name, path=(key,)),
                SetSetting(node=name, path=(str(near),), value=copy(held[key])),
                setting=str(near),
            )
        unset = UnsetSetting(node=name, path=(key,))
        yield fix("unset_setting", f"Remove {key}", unset, setting=key)
    elif issue.kind == "unknown":
        unset = UnsetSetting(node=name, path=issue.path)
        yield fix("unset_setting", f"Remove {show(issue.path)}", unset, setting=show(issue.path))
    elif issue.kind == "expression":
        yield from _rewritten(name, node, issue)
    elif issue.kind == "missing" and len(issue.path) == 1:
        yield from _suggested(facts, name, cls, issue)
    elif issue.kind == "bad" and issue.path:
        for near in issue.nearest:
            op = SetSetting(node=name, path=issue.path, value=near)
            yield fix(
                "set_setting", f"Set {title_of(cls, issue.path)} to {near!r}", op,
                setting=show(issue.path), setting_title=title_of(cls, issue.path), value=near,
            )  # fmt: skip


def _suggested(facts: Facts, name: str, cls: NodeClass, issue: SettingIssue) -> Iterator[Fix]:
    """The first example of a setting that is missing."""
    spec = facts.specs.get(name)
    schema = spec.settings["properties"].get(issue.path[0], {}) if spec is not None else {}
    for value in schema.get("examples", ())[:1]:
        title = title_of(cls, issue.path)
        yield fix(
            "set_setting", f"Set {title} to {value!r}",
            SetSetting(node=name, path=issue.path, value=value),
            setting=show(issue.path), setting_title=title, value=value,
        )  # fmt: skip


def _rewritten(name: str, node: Node, issue: SettingIssue) -> Iterator[Fix]:
    """The expression with the part that is wrong replaced, when it is known by what."""
    params, found = issue.params, get(node.settings, issue.path)
    part, instead, column = params.get("part"), params.get("instead"), params.get("column")
    if not found or not isinstance(found[0], str) or not isinstance(column, int) or not instead:
        return
    text, at = found[0], column - 1
    if text[at : at + len(str(part))] == part:
        better = f"{text[:at]}{instead}{text[at + len(str(part)) :]}"
        op = SetSetting(node=name, path=issue.path, value=better, expect=text)
        yield fix("set_setting", f"Write {instead}", op, setting=show(issue.path), value=better)


def _flow_inputs(facts: Facts, name: str, node: Node, cls: NodeClass) -> Iterator[Problem]:
    """A setting that names an input of the flow names one that is declared."""
    for setting, widget in cls.info.widgets.items():
        wanted = node.settings.get(setting)
        if widget != "input" or not isinstance(wanted, str) or wanted in facts.flow.inputs:
            continue
        known = ", ".join(sorted(facts.flow.inputs))
        yield problem(
            "unknown_input",
            f"the flow has no input {wanted!r}",
            severity=_severity(node),
            hint=f"It has {known}." if known else "Declare it among the inputs of the flow.",
            node=name,
            path=(setting,),
            fixes=list(_declare(facts, wanted)),
            input=wanted,
        )


def _declare(facts: Facts, name: str) -> Iterator[Fix]:
    if not name.isidentifier() or len(name) > 64 or not name.isascii():
        return
    held: dict[str, Any] = {
        key: given.model_dump(mode="json") for key, given in facts.flow.inputs.items()
    }
    op = SetFlow(field="inputs", value={**held, name: {"type": "Text"}})
    yield fix("declare_input", f"Add the input {name} to the flow", op, input=name)


def _frame(facts: Facts, name: str, node: Node) -> Iterator[Problem]:
    parent = node.parent
    if parent is None:
        return
    severity: Severity = "warning"
    if parent not in facts.flow.nodes and parent not in facts.flow.notes:
        why = "it lies in a frame that does not exist"
    elif _in_itself(facts, name):
        why = "it lies in a frame that lies in it"
        severity = "error" if _contains(facts, name) else "warning"
    else:
        return
    yield problem(
        "bad_parent", why, severity=severity, hint="Take it out of the frame.", node=name,
        fixes=[fix("take_out", "Take it out", SetField(node=name, field="parent", value=None))],
        parent=parent,
    )  # fmt: skip


def _contains(facts: Facts, name: str) -> bool:
    """Whether it is a node that is to run what lies in it."""
    spec = facts.specs.get(name)
    return spec is not None and spec.inside is not None


def _in_itself(facts: Facts, name: str) -> bool:
    seen: set[str] = set()
    here: str | None = name
    while here is not None and here not in seen:
        seen.add(here)
        node = facts.flow.nodes.get(here)
        here = node.parent if node else None
    return here == name


def _pinned(facts: Facts, name: str, node: Node) -> Iterator[Problem]:
    spec = facts.specs.get(name)
    if node.pinned is None or spec is None:
        return
    ports = sorted(facts.wiring.nodes[name].outputs)
    strange = sorted(node.pinned.keys() - set(ports)) if isinstance(node.pinned, dict) else None
    if strange == []:
        return
    what = f"it has no output {strange[0]!r}" if strange else "outputs are pinned by port"
    yield problem(
        "bad_pinned", f"the pinned output does not match: {what}", severity="warning",
        hint=f"Its outputs are {', '.join(ports)}." if ports else "It has no outputs.", node=name,
    )  # fmt: skip


def _outputs(facts: Facts) -> Iterator[Problem]:
    for name in facts.flow.outputs:
        if name not in facts.flow.nodes:
            kept = [other for other in facts.flow.outputs if other != name]
            op = SetFlow(field="outputs", value=list(kept))
            yield problem(
                "unknown_output",
                f"the flow names {name!r} as an output, and there is no such node",
                severity="warning",
                hint="Remove it from the outputs of the flow.",
                fixes=[fix("remove_output", f"Remove {name} from the outputs", op, node=name)],
                output=name,
            )
