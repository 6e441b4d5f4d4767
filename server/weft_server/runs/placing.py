"""Where a run that another one called stands within the outermost run, which is what is told."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec

from weft_engine.runs.debug import Breakpoint
from weft_server.runs.live import LiveRun


@dataclass(frozen=True, slots=True)
class Place:
    """The outermost run around a run, and the names that it has for what is in that."""

    outermost: LiveRun
    path: str = ""
    """The path of the node that stands for the run; empty for the outermost run itself."""
    scope: str = ""

    def node(self, path: str) -> str:
        """A node of the run."""
        return f"{self.path}/{path}" if self.path else path

    def at(self, at: str) -> str:
        """An activation of the run, `node@scope`."""
        if not self.path:
            return at
        node, _, scope = at.partition("@")
        return f"{self.node(node)}@{_joined(self.scope, scope)}"

    def signal(self, name: str, nodes: Iterable[str]) -> str:
        """A signal: its own name, a place in the run, or one of the nodes of the run."""
        if "@" in name:
            return self.at(name)
        return self.node(name) if name in nodes else name

    def breakpoints(
        self, said: Iterable[Breakpoint], before: Iterable[Breakpoint]
    ) -> list[Breakpoint]:
        """All breakpoints of the outermost run, once the run's own are these."""
        if not self.path:
            return list(said)
        inside = f"{self.path}/"
        others = [point for point in before if not point.node.startswith(inside)]
        return others + [
            msgspec.structs.replace(point, node=self.node(point.node)) for point in said
        ]


def place_of(run: LiveRun, find: Callable[[str], LiveRun | None]) -> Place | None:
    """Where a run is; None when a run around it has ended.

    Args:
        run: The run.
        find: A run under way by its id.
    """
    path, scope, at = "", "", run
    while at.parent is not None:
        own = str(at.row["parent_node"])
        path = f"{own}/{path}" if path else own
        scope = _joined(str(at.row["parent_scope"]), scope)
        around = find(at.parent)
        if around is None:
            return None
        at = around
    return Place(at, path, scope)


def _joined(around: str, scope: str) -> str:
    """A scope within another one; the number of a record is a part of the scope that it is in."""
    return f"{around}/{scope}" if scope and not scope.startswith("#") else f"{around}{scope}"
