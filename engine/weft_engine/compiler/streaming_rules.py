"""Rules of a check for flows in streaming mode: what cannot be part of a stream that lives."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from weft_engine.compiler.calling import ON_ERROR
from weft_engine.compiler.problems import Facts, Fix, Problem, fix, problem
from weft_engine.flow.ops import ReplaceNode, SetField, SetFlow

MERGE: Final = "control.merge"


def rules(facts: Facts) -> Iterator[Problem]:
    """What is wrong with a flow because it streams."""
    if facts.flow.mode != "streaming":
        return
    for name, node in facts.nodes():
        spec = facts.specs.get(name)
        if spec is None or node.disabled or facts.scopes.inside.get(name) is not None:
            continue
        if node.priority is not None:
            yield _without_order(name, node.priority)
        if spec.works == "container":
            yield _refused(
                facts,
                "streaming_container",
                name,
                "it goes through its inside again and again, which a live stream cannot",
                "Let the flow run once for each event (event mode), or put the inside into nodes "
                "that are called for each record.",
            )
        elif spec.traits.parks or node.type == ON_ERROR:
            yield _refused(
                facts,
                "streaming_waits",
                name,
                "it waits, or is there for the end of a run, and a live stream does neither",
                "Let the flow run once for each event (event mode).",
            )
        elif node.type == MERGE and node.settings.get("mode", "append") != "append":
            yield problem(
                "streaming_merge",
                "in a live stream ways can only be appended as their records come",
                hint="Choose the mode append.",
                node=name,
                path=("mode",),
                mode=str(node.settings.get("mode")),
            )


def _without_order(name: str, priority: int) -> Problem:
    op = SetField(node=name, field="priority", value=None, expect=priority)
    return problem(
        "streaming_priority",
        "in a live stream all nodes work at once, so none comes before others",
        hint="Take the priority away. How many records may wait in front of a node is its queue "
        "capacity.",
        node=name,
        fixes=[fix("clear_priority", "Take the priority away", op)],
    )


def _refused(facts: Facts, code: str, name: str, message: str, hint: str) -> Problem:
    trigger = any(spec.category == "trigger" for spec in facts.specs.values())
    mode = "event" if trigger else "batch"
    op = SetFlow(field="mode", value=mode, expect="streaming")
    switch = fix("set_mode", f"Switch the flow to {mode} mode", op, mode=mode)
    return problem(code, message, hint=hint, node=name, fixes=[switch])


_INSTEAD: Final = {"data.group": "stream.window", "file.write": "stream.write"}
"""What does the same bit by bit, for nodes that wait for the end of what they are given."""


def without_end(facts: Facts, name: str) -> Iterator[Fix]:
    """Use a node that does not wait for the end of a stream."""
    node = facts.flow.nodes[name]
    kind = _INSTEAD.get(node.type)
    spec = facts.catalogue.spec(kind) if kind is not None else None
    if kind is None or spec is None:
        return
    settings = dict(node.settings)
    if kind == "stream.write":
        if any(edge.source == name for edge in facts.flow.edges):
            return  # it gives no file
        path = PurePosixPath(str(settings.get("path", "out")))
        settings = {"folder": str(path.with_suffix(""))}
        if path.suffix == ".csv":
            settings["format"] = "csv"
    op = ReplaceNode(id=name, type=kind, settings=settings, expect=node.type)
    yield fix("replace_type", f"Use “{spec.name}” ({kind})", op, type=kind, name=spec.name)
