"""Ways that are never taken, and nodes that nothing comes of.

What lies behind a way that is never taken is skipped in any run, which costs nothing. A node that
nobody reads is left out where nobody looks: it is pure, so all that is lost is that it might have
failed. Where people may look at what every node did, it runs; and so it does where something
follows from a failure: in containers, in called flows, and where there is an error handler.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from weft_engine.compiler.optimise.notes import Notes
from weft_engine.compiler.optimise.rows import Rows
from weft_engine.flow.model import Flow
from weft_engine.nodes.catalogue import Catalogue

SETS: Final = "vars.set"
_OURS: Final = "weft_engine.library."


def fixed_variables(flow: Flow, catalogue: Catalogue) -> Mapping[str, Any]:
    """The variables of a flow that nothing in it sets, with their values."""
    fixed = dict(flow.variables)
    for node in flow.nodes.values():
        spec = catalogue.spec(node.type)
        if node.type == SETS:
            fixed.pop(str(node.settings.get("name")), None)
        elif spec is None or not (
            spec.traits.pure or spec.executor.module.startswith(_OURS)
        ):  # whoever wrote it may set any
            return {}
    return fixed


@dataclass(frozen=True, slots=True)
class Dead:
    """What of a scope does nothing for what comes of it."""

    closed: Mapping[str, tuple[str, ...]]
    """Node → its ports that never give anything."""
    never: frozenset[str]
    """Nodes that never run."""
    unread: frozenset[str]
    """Nodes that run, and of which nothing comes."""


def find_dead(rows: Rows, variables: Mapping[str, Any]) -> Dead:
    """Look for ways of a scope that are never taken, and for nodes that nothing comes of.

    Args:
        rows: The scope.
        variables: The variables that nothing sets, with their values.
    """
    closed: set[tuple[str, str]] = set()
    said: dict[str, tuple[str, ...]] = {}
    never: set[str] = set()
    for name in rows.wiring.order:
        if name not in rows.plan.unit_of or rows.flow.nodes[name].pinned is not None:
            continue
        if _starves(rows, name, closed):
            never.add(name)
            closed.update((name, port) for port in rows.wiring.nodes[name].outputs)
            continue
        ports = rows.compiled.nodes[name].never_taken(variables)
        if ports:
            closed.update((name, port) for port in ports)
            said[name] = tuple(sorted(ports))
    return Dead(said, frozenset(never), frozenset(_unread(rows, never)))


def say_dead(rows: Rows, dead: Dead, notes: Notes, key: str) -> None:
    """Say what was found, and by a key what becomes of what nobody reads."""
    for name, ports in dead.closed.items():
        notes.add("dead_branch.closed", (name,), rows.prefix, node=name, ports=", ".join(ports))
    if dead.never:
        nodes = sorted(dead.never)
        notes.add("dead_branch.never", nodes, rows.prefix, listed=", ".join(nodes))
    for name in sorted(dead.unread):
        done = key == "dead_branch.done"
        notes.add(key, (name,), rows.prefix, done=done, node=name)


def _starves(rows: Rows, name: str, closed: Collection[tuple[str, str]]) -> bool:
    """Whether a required input of a node gets nothing."""
    for port in rows.compiled.works[name].inputs:
        keys = rows.wiring.nodes[name].inputs.get(port.name, ())
        sources = [(rows.edges[key].source, rows.edges[key].source_port) for key in keys]
        if port.required and sources and all(source in closed for source in sources):
            return True
    return False


def _unread(rows: Rows, never: Collection[str]) -> list[str]:
    """The nodes of which nothing comes: nobody who runs reads them, and nothing else happens."""
    found: set[str] = set()
    for name in reversed(rows.wiring.order):
        if name not in rows.plan.unit_of or name in never or name in rows.plan.inner:
            continue
        info = type(rows.compiled.nodes[name]).info
        ports = [(name, port) for port in rows.wiring.nodes[name].outputs]
        if not ports or info.effects or info.parks or not info.pure:
            continue
        readers = {edge.target for port in ports for edge in rows.readers.get(port, ())}
        if not readers and not rows.flow.outputs:
            continue  # it is an output of the flow
        elsewhere = any(port in rows.read_elsewhere for port in ports)
        if not elsewhere and all(reader in never or reader in found for reader in readers):
            found.add(name)
    return sorted(found)
