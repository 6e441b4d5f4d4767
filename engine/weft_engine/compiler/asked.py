"""What a run is asked for by names, held against the flow: nodes to begin and end at, ports."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final

from weft_engine.errors import FlowError
from weft_engine.flow.model import Flow
from weft_engine.flow.topology import chains, parents
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.spec import ERROR_PORT

_MOST: Final = 20


def require_node(flow: Flow, name: str) -> None:
    """Refuse a node that the flow does not have.

    Raises:
        FlowError: `run.unknown_node`.
    """
    if name not in flow.nodes:
        own = name.rpartition("/")[2]
        near = [own] if own in flow.nodes else get_close_matches(name, list(flow.nodes), n=1)
        raise FlowError(
            f"The flow has no node {name!r}.",
            code="run.unknown_node",
            hint=_hint(near, flow.nodes, "The flow has no nodes."),
            params={"node": name, "name": name, "nearest": near[0] if near else None},
        )


def require_outside(flow: Flow, catalogue: Catalogue, name: str) -> None:
    """Refuse a node as the beginning or the end of a part of a flow: unknown, or in a container.

    What lies in a container begins and ends with it. A node in one may be named with its path.

    Raises:
        FlowError: `run.unknown_node`, `run.inside_container`.
    """
    found = name if name in flow.nodes else name.rpartition("/")[2]
    around = _containers(flow, catalogue, found) if found in flow.nodes else []
    if not around or (found != name and name != "/".join([*around, found])):
        require_node(flow, name)
        return
    path = "/".join([*around, found])
    raise FlowError(
        f"The node {path} lies in the container {around[0]}, and cannot be run without it.",
        code="run.inside_container",
        hint=f"Name {around[0]}. To see what happens at {path}, set a breakpoint there.",
        params={"node": found, "path": path, "container": around[0]},
    )


def require_inputs(
    flow: Flow, catalogue: Catalogue, given: Mapping[str, Mapping[str, Any]]
) -> None:
    """Refuse values for inputs that there are not: node → port → value.

    Raises:
        FlowError: `run.unknown_node`, `run.inside_container`, `run.unknown_port`.
    """
    for name, ports in given.items():
        require_outside(flow, catalogue, name)
        spec = catalogue.spec_of(flow.nodes[name])
        if spec is not None:
            _require_ports(name, ports, [port.name for port in spec.inputs], "input")


def require_outputs(
    flow: Flow, catalogue: Catalogue, given: Mapping[str, Mapping[str, Any]]
) -> None:
    """Refuse values for outputs that there are not: node → port → value.

    Raises:
        FlowError: `run.unknown_node`, `run.unknown_port`.
    """
    for name, ports in given.items():
        require_node(flow, name)
        node = flow.nodes[name]
        spec = catalogue.spec_of(node)
        if spec is not None:
            known = [port.name for port in spec.outputs]
            known += [ERROR_PORT] if node.on_error == "route" and ERROR_PORT not in known else []
            _require_ports(name, ports, known, "output")


def _require_ports(node: str, given: Iterable[str], known: list[str], side: str) -> None:
    for port in given:
        if port not in known:
            near = get_close_matches(port, known, n=1)
            raise FlowError(
                f"The node {node} has no {side} {port!r}.",
                code="run.unknown_port",
                hint=_hint(near, known, f"It has no {side}s."),
                params={"node": node, "port": port, "side": side,
                        "nearest": near[0] if near else None},
            )  # fmt: skip


def _hint(near: list[str], known: Iterable[str], none: str) -> str:
    if near:
        return f"Did you mean {near[0]}?"
    names = sorted(known)[:_MOST]
    return f"There are: {', '.join(names)}." if names else none


def _containers(flow: Flow, catalogue: Catalogue, name: str) -> list[str]:
    """The containers around a node, the outermost first; frames are none."""
    specs = {other: catalogue.spec(node.type) for other, node in flow.nodes.items()}
    containers = {other for other, spec in specs.items() if spec and spec.inside is not None}
    return list(chains(flow, parents(flow, containers))[name][:-1])
