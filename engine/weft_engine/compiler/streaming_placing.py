"""Which operators of a live stream work on the machines of a cluster, and what they ask for.

What keeps something, or reads or writes files, stays with the engine: sources, windows and other
state, sinks. Their checkpoints and files lie where the engine has its own. Nodes that are called
for each record keep nothing, and go. A node that says what it takes of a machine goes in any case.
"""

from dataclasses import replace
from typing import Final

from weft_engine.compiler.compiled import Compiled
from weft_engine.compiler.streaming_lowered import Live
from weft_engine.compiler.streaming_parts import is_trigger
from weft_engine.flow.model import NodeResources

AWAY: Final = "away"
"""How the labels of operators begin that go to a cluster."""
WAITING: Final = NodeResources(cpu=0.25)
"""What nodes ask for that only wait for a service."""
_STRETCH: Final = "records/"


def place(live: Live, compiled: Compiled) -> dict[str, NodeResources]:
    """Label the operators of a graph that go to a cluster.

    Returns:
        By label, what each of its workers asks of a machine.
    """
    owners: dict[str, list[str]] = {}
    for name, node in live.nodes.items():
        for uid in node.uids:
            owners.setdefault(uid, []).append(name)
    labels: dict[str, NodeResources] = {}
    of_node: dict[str, str] = {}
    for uid, names in owners.items():
        needs = _needs(compiled, names, stretch=uid.startswith(_STRETCH))
        if needs is not None:
            label = _label(needs)
            labels[label] = needs
            of_node |= dict.fromkeys(names, label)
    for vertex in list(live.graph.vertices):
        name = owners.get(vertex.uid, [vertex.owner])[0]
        found = of_node.get(name)
        events = vertex.kind == "source" and is_trigger(compiled, name)  # their log is a file here
        if found is not None and not events:
            live.graph.vertices[vertex.id] = replace(vertex, placement=found)
    return labels


def _needs(compiled: Compiled, names: list[str], *, stretch: bool) -> NodeResources | None:
    """What the worker of an operator asks for; None where it stays with the engine."""
    nodes = [compiled.flow.nodes[name] for name in names]
    said = [node.resources for node in nodes if node.resources is not None]
    if said:
        memory = [each.memory_mb for each in said if each.memory_mb is not None]
        return NodeResources(
            cpu=max(each.cpu for each in said),
            gpu=max(each.gpu for each in said),
            memory_mb=max(memory, default=None),
        )
    infos = [compiled.nodes[name].info for name in names]
    if not stretch or any("path" in info.widgets.values() for info in infos):
        return None
    return WAITING if all(info.cost == "io" for info in infos) else NodeResources()


def _label(needs: NodeResources) -> str:
    memory = f", {needs.memory_mb} MB" if needs.memory_mb is not None else ""
    return f"{AWAY}: {needs.cpu:g} cpu, {needs.gpu:g} gpu{memory}"
