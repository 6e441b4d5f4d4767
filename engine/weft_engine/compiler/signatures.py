"""Signatures of nodes: equal ones promise equal outputs.

A signature is a hash over the node's type with its version, the settings and policies that matter,
and the signatures of what is wired to it (a Merkle tree). Names, places and notes do not matter.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from weft_engine.compiler.program import ScopePlan
from weft_engine.flow.model import Node
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.spec import NodeSpec

_OF_NO_MATTER: Final = {"name", "position", "parent", "notes", "priority", "queue_capacity",
                        "timeout_s", "retry", "version", "resources"}  # fmt: skip
_RUN: Final = re.compile(r"\brun\b")


def digest(data: Any) -> str:
    """The hash of plain data."""
    text = json.dumps(data, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def own_signature(node: Node, catalogue: Catalogue) -> str | None:
    """What of a node's signature does not depend on its inputs.

    None when its outputs must not be used again, as they may be others the next time: it is not
    pure or not deterministic, changes something outside, waits, or asks which run it is in. The
    inputs and variables of the run are not looked at: compare them before comparing signatures.
    """
    spec = catalogue.spec(node.type)
    if spec is None:
        return None
    if node.pinned is None and not _gives_the_same(spec, node):
        return None
    matters = node.model_dump(mode="json", exclude_defaults=True, exclude=_OF_NO_MATTER)
    return digest([matters, spec.version])


def _gives_the_same(spec: NodeSpec, node: Node) -> bool:
    """Whether equal inputs give equal outputs, in runs with equal inputs and variables."""
    traits = spec.traits
    if not traits.deterministic or traits.effects or traits.parks or _mentions_run(node.settings):
        return False
    widgets = (given.get("x-widget") for given in spec.settings["properties"].values())
    return traits.pure or "input" in widgets


def _mentions_run(value: Any) -> bool:
    """Whether an expression may read `run`; a text with that word counts, too."""
    if isinstance(value, str):
        return _RUN.search(value) is not None
    if isinstance(value, Mapping):
        return any(_mentions_run(inner) for inner in value.values())
    return isinstance(value, list | tuple) and any(_mentions_run(inner) for inner in value)


def signature(own: str, inputs: Mapping[str, Sequence[str]]) -> str:
    """The signature of a node, from its own and those of what is wired to each of its ports.

    Args:
        own: As `own_signature` gives it.
        inputs: By port, for each edge in the order of their ids: the signature of the source with
            its port (`source_signature`), or a hash of the content that arrived.
    """
    return digest([own, {port: list(found) for port, found in inputs.items() if found}])


def source_signature(node: str, port: str) -> str:
    """What stands for an edge in a signature: the signature of its source, and the port."""
    return f"{node}.{port}"


def signatures(plan: ScopePlan, catalogue: Catalogue) -> dict[str, str]:
    """The signatures of the nodes of a scope that nothing is given to; containers as one.

    A node without a signature of its own has none, nor has any behind it.
    """
    flow, wiring = plan.compiled.flow, plan.compiled.wiring
    edges = {edge.id: edge for edge in flow.edges}
    found: dict[str, str] = {}
    for name in wiring.order:
        if name in plan.given:
            continue
        node = flow.nodes[name]
        own = (
            _container(plan, name, catalogue)
            if name in plan.inner
            else own_signature(node, catalogue)
        )
        if own is None:
            continue
        if node.pinned is not None:
            found[name] = signature(own, {})
            continue
        inputs = {
            port: [(edges[key].source, edges[key].source_port) for key in keys]
            for port, keys in wiring.nodes[name].inputs.items()
        }
        inputs[""] = list(plan.captures.get(name, ()))
        sources = {source for reads in inputs.values() for source, _ in reads}
        if sources <= found.keys():
            told = {
                port: [source_signature(found[source], out) for source, out in reads]
                for port, reads in inputs.items()
            }
            found[name] = signature(own, told)
    return found


def _container(plan: ScopePlan, name: str, catalogue: Catalogue) -> str | None:
    """The own signature of a container: itself and everything in it."""
    own = own_signature(plan.compiled.flow.nodes[name], catalogue)
    parts: list[Any] = [own]
    for section, inner in sorted(plan.inner[name].items()):
        flow = inner.compiled.flow
        for node in sorted(flow.nodes.keys() - inner.given.keys()):
            inside = (
                _container(inner, node, catalogue)
                if node in inner.inner
                else own_signature(flow.nodes[node], catalogue)
            )
            parts.append([section, node, inside])
        exits = [edge.id for edges in inner.exits.values() for edge in edges]
        parts.append([section, [edge.id for edge in flow.edges], exits])
    missing = own is None or any(part[2] is None for part in parts[1:] if len(part) == 3)
    return None if missing else digest(parts)
