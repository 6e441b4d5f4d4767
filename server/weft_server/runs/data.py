"""What went through a node of a run: its outputs, and its inputs, which are others' outputs."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlmodel import Session

from weft_engine.errors import ResourceError
from weft_engine.runs.outputs import OutputStore, reference
from weft_server.accounts.principal import Principal
from weft_server.database import Database
from weft_server.errors import Missing
from weft_server.runs import repository
from weft_server.runs.access import run_access
from weft_server.runs.schemas import LogLine, NodeRunData, PortPage, Side
from weft_server.runs.views import loaded, of_activation_row, of_node_row

MOST_LOGS: Final = 1_000
LONGEST_TEXT: Final = 1_000_000
DEEPEST: Final = 200
"""How deeply a shown value may nest; an answer that nests deeper cannot be written."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """What of the data is wanted."""

    port: str | None = None
    side: Side | None = None
    offset: int = 0
    limit: int = 100


class NodeData:
    """Reads what was kept of the data of runs."""

    def __init__(self, database: Database, data: Path) -> None:
        self._database = database
        self._store = OutputStore(data)

    async def read(
        self,
        principal: Principal,
        run_id: str,
        node: str,
        scope: str | None,
        page: Page,
    ) -> NodeRunData:
        """A node with its logs and a page of each of its ports, or of one of them.

        Args:
            principal: Who asks.
            run_id: The run.
            node: The node's path.
            scope: Which of its activations; None is the newest.
            page: What of its data.

        Raises:
            Missing: 404 `run.not_found`, or `run.node_not_found`.
        """

        def work(session: Session) -> NodeRunData:
            run_access(session, principal, run_id)
            return _Reader(session, self._store, run_id, page).read(node, scope)

        return await self._database.query(work)


class _Reader:
    """One look at a node."""

    def __init__(self, session: Session, store: OutputStore, run_id: str, page: Page) -> None:
        self._session = session
        self._store = store
        self._run_id = run_id
        self._wanted = page

    def read(self, node: str, scope: str | None) -> NodeRunData:
        """The node with the pages that were asked for."""
        run = repository.frozen(self._session, self._run_id)
        flow = _Wiring(json.loads(run.definition or "{}"))
        row = repository.node(self._session, self._run_id, node)
        activation = repository.activation(self._session, self._run_id, node, scope)
        # What stands before its start is no activation yet: only the stop tells of it.
        stops = {
            (stop.get("scope") or "", stop["when"]): stop.get("values") or {}
            for stop in loaded(run.stopped) or ()
            if stop["node"] == node and scope in (None, stop.get("scope") or "")
        }
        known = bool(stops) or row is not None or flow.has(node)
        if not known or (scope and activation is None and not stops):
            raise Missing(
                f"The run has no node {node!r}" + (f" in {scope}." if scope else "."),
                code="run.node_not_found",
                hint="Look at the nodes of the run.",
                params={"id": node, "scope": scope},
            )
        where = activation.scope if activation is not None else next(iter(stops), ("",))[0]
        info: dict[str, Any] = {"state": "idle"}
        if activation is not None and where:
            info = of_activation_row(activation, {}).model_dump(exclude={"inputs", "outputs"})
        elif where:
            info = {"state": "paused"}
        elif row is not None:
            info = of_node_row(row).model_dump()
        info["scope"] = where
        inputs, outputs = (dict(stops.get((where, when), {})) for when in ("before", "after"))
        if self._wanted.side != "input":
            begun = activation is not None or not where
            given = self._given(node, where) if begun else {}
            outputs = self._pages(given) | self._pages(outputs)
        if self._wanted.side != "output":
            inputs = self._inputs(flow, node, where) | self._pages(inputs)
        return NodeRunData(
            **info,
            logs=self._logs(node, where),
            outputs=outputs if self._wanted.side != "input" else {},
            inputs=inputs if self._wanted.side != "output" else {},
        )

    def _logs(self, node: str, scope: str) -> list[LogLine]:
        rows = repository.events(
            self._session, self._run_id, after=0, limit=MOST_LOGS, node=node, kind="log"
        )
        lines = [(row.at, json.loads(row.data)) for row in rows]
        return [LogLine(at=at, **_log(data)) for at, data in lines if _is_of(data, scope)]

    def _given(self, node: str, scope: str) -> Mapping[str, Any]:
        """References to what a node gave in a scope, or in the nearest around it."""
        if scope:
            activation = repository.activation(self._session, self._run_id, node, scope)
            if activation is not None and activation.outputs is not None:
                return loaded(activation.outputs) or {}
        row = repository.node(self._session, self._run_id, node)
        return (loaded(row.outputs) or {}) if row is not None else {}

    def _pages(self, kept: Mapping[str, Any]) -> dict[str, PortPage]:
        return {
            name: self._page(reference)
            for name, reference in kept.items()
            if self._wanted.port in (None, name)
        }

    def _inputs(self, flow: "_Wiring", node: str, scope: str) -> dict[str, PortPage]:
        """What came in is what the connected ports gave; the first of several edges is shown."""
        pages: dict[str, PortPage] = {}
        for into, source, port in flow.sources(node):
            if into in pages or self._wanted.port not in (None, into):
                continue
            kept = None
            for around in _scopes_around(scope):
                kept = kept or self._given(source, around).get(port)
            if kept is not None:
                origin = f"{source}.{port}"
                pages[into] = self._page(kept).model_copy(update={"source": origin})
        return pages

    def _page(self, kept: Mapping[str, Any]) -> PortPage:
        kind = str(kept.get("type") or "Any")
        plain = kept.get("ref", kept)
        try:
            page = self._store.read(plain, self._wanted.offset, self._wanted.limit)
        except ResourceError:
            ref = reference(plain)
            return PortPage(type=kind, kind=ref.kind, count=ref.count, truncated=True, missing=True)
        page, cut = shallow(page)
        value = page.get("value")
        if cut:
            page |= {"truncated": True}
        if isinstance(value, str) and len(value) > LONGEST_TEXT:
            page |= {"value": value[:LONGEST_TEXT], "truncated": True}
        return PortPage(type=kind, **page)


def shallow(value: Any, depth: int = DEEPEST) -> tuple[Any, bool]:
    """A value without what nests deeper than an answer can show, and whether there is such.

    >>> shallow([1, [2, [3]]], 2)
    ([1, [2, '…']], True)
    """
    if not isinstance(value, dict | list):
        return value, False
    if depth == 0:
        return "…", True
    if isinstance(value, dict):
        pairs = {name: shallow(inner, depth - 1) for name, inner in value.items()}
        changed = any(cut for _, cut in pairs.values())
        return ({name: one for name, (one, _) in pairs.items()} if changed else value), changed
    parts = [shallow(inner, depth - 1) for inner in value]
    changed = any(cut for _, cut in parts)
    return ([one for one, _ in parts] if changed else value), changed


def _log(data: Mapping[str, Any]) -> dict[str, str]:
    return {"level": str(data.get("level", "info")), "message": str(data.get("message", ""))}


def _is_of(data: Mapping[str, Any], scope: str) -> bool:
    return str(data.get("scope") or "") == scope


def _scopes_around(scope: str) -> list[str]:
    """A scope and those around it: `loop:3/inner:0`, `loop:3`, the run itself."""
    parts = scope.split("/") if scope else []
    return ["/".join(parts[:length]) for length in range(len(parts), -1, -1)]


class _Wiring:
    """Which outputs lead to a node; nodes in containers are named by their paths."""

    def __init__(self, definition: Mapping[str, Any]) -> None:
        self.nodes: Mapping[str, Any] = definition.get("nodes", {})
        self._edges: Iterable[Mapping[str, str]] = definition.get("edges", ())

    def has(self, path: str) -> bool:
        """Whether the flow has a node of that path; those of called flows it does not know."""
        name = path.rpartition("/")[2]
        return name in self.nodes and self._path(name) == path

    def sources(self, path: str) -> Iterable[tuple[str, str, str]]:
        """Input port, the path of the node that feeds it, and its port."""
        node = path.rpartition("/")[2]
        # A node of a called flow may have the name of one of this flow.
        for edge in self._edges if self.has(path) else ():
            if edge["target"] == node:
                yield edge["target_port"], self._path(edge["source"]), edge["source_port"]

    def _path(self, node: str) -> str:
        parent = str((self.nodes.get(node) or {}).get("parent"))
        return f"{self._path(parent)}/{node}" if parent in self.nodes else node
