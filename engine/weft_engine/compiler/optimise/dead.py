"""Ways that are never taken, and nodes that nothing comes of.

Both are only said, and nothing is left out. What lies behind a way that is never taken is skipped
in any run, which costs nothing. And a node that nobody reads may still fail, and the run with it:
without it the run would end otherwise.
"""

from collections.abc import Collection, Mapping
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


def say_dead(rows: Rows, variables: Mapping[str, Any], notes: Notes) -> None:
    """Say which ways of a scope are never taken, and what comes of nothing.

    Args:
        rows: The scope.
        variables: The variables that nothing sets, with their values.
        notes: Where to say it.
    """
    closed: set[tuple[str, str]] = set()
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
            notes.add(
                "dead_branch.closed", (name,), rows.prefix, node=name,
                ports=", ".join(sorted(ports)),
            )  # fmt: skip
    if never:
        nodes = sorted(never)
        notes.add("dead_branch.never", nodes, rows.prefix, listed=", ".join(nodes))
    for name in _unread(rows, never):
        notes.add("dead_branch.unread", (name,), rows.prefix, done=False, node=name)


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
