"""What went through a node of a run: its outputs, and its inputs, which are others' outputs."""

import json
from collections.abc import Iterable, Mapping
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
from weft_server.runs.views import loaded, of_node_row

MOST_LOGS: Final = 1_000
LONGEST_TEXT: Final = 1_000_000


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
        *,
        port: str | None,
        side: Side | None,
        offset: int,
        limit: int,
    ) -> NodeRunData:
        """A node with its logs and a page of each of its ports, or of one of them.

        Raises:
            Missing: 404 `run.not_found`, or `run.node_not_found`.
        """

        def work(session: Session) -> NodeRunData:
            run_access(session, principal, run_id)
            return _Reader(session, self._store, run_id, offset, limit).read(node, port, side)

        return await self._database.query(work)


class _Reader:
    """One look at a node."""

    def __init__(
        self, session: Session, store: OutputStore, run_id: str, offset: int, limit: int
    ) -> None:
        self._session = session
        self._store = store
        self._run_id = run_id
        self._offset = offset
        self._limit = limit

    def read(self, node: str, port: str | None, side: Side | None) -> NodeRunData:
        """The node with the pages that were asked for."""
        definition = json.loads(repository.definition(self._session, self._run_id) or "{}")
        row = repository.node(self._session, self._run_id, node)
        if row is None and node not in definition.get("nodes", {}):
            raise Missing(
                f"The run has no node {node!r}.",
                code="run.node_not_found",
                hint="Look at the nodes of the run.",
                params={"id": node},
            )
        info = {"state": "idle"} if row is None else of_node_row(row).model_dump()
        outputs: Mapping[str, PortPage] = {}
        inputs: Mapping[str, PortPage] = {}
        if side != "input" and row is not None:
            outputs = self._outputs(loaded(row.outputs) or {}, port)
        if side != "output":
            inputs = self._inputs(definition.get("edges", ()), node, port)
        return NodeRunData(**info, logs=self._logs(node), outputs=outputs, inputs=inputs)

    def _logs(self, node: str) -> list[LogLine]:
        rows = repository.events(
            self._session, self._run_id, after=0, limit=MOST_LOGS, node=node, kind="log"
        )
        return [LogLine(at=row.at, **_log(json.loads(row.data))) for row in rows]

    def _outputs(self, kept: Mapping[str, Any], port: str | None) -> dict[str, PortPage]:
        return {
            name: self._page(reference)
            for name, reference in kept.items()
            if port is None or name == port
        }

    def _inputs(
        self, edges: Iterable[Mapping[str, str]], node: str, port: str | None
    ) -> dict[str, PortPage]:
        """What came in is what the connected ports gave; the first of several edges is shown."""
        pages: dict[str, PortPage] = {}
        for edge in edges:
            into = edge["target_port"]
            if edge["target"] != node or into in pages or port not in (None, into):
                continue
            source = repository.node(self._session, self._run_id, edge["source"])
            kept = loaded(source.outputs) if source is not None else None
            reference = (kept or {}).get(edge["source_port"])
            if reference is not None:
                origin = f"{edge['source']}.{edge['source_port']}"
                pages[into] = self._page(reference).model_copy(update={"source": origin})
        return pages

    def _page(self, kept: Mapping[str, Any]) -> PortPage:
        kind = str(kept.get("type") or "Any")
        try:
            page = self._store.read(kept["ref"], self._offset, self._limit)
        except ResourceError:
            ref = reference(kept["ref"])
            return PortPage(type=kind, kind=ref.kind, count=ref.count, truncated=True, missing=True)
        value = page.get("value")
        if isinstance(value, str) and len(value) > LONGEST_TEXT:
            page |= {"value": value[:LONGEST_TEXT], "truncated": True}
        return PortPage(type=kind, **page)


def _log(data: Mapping[str, Any]) -> dict[str, str]:
    return {"level": str(data.get("level", "info")), "message": str(data.get("message", ""))}
