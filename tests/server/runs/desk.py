"""A recorder of runs with a real database and a real bus, and the events of a life."""

from typing import Any

from sqlmodel import Session

from weft_engine.runs.events import RunEvent
from weft_server.accounts.tables import User, Workspace
from weft_server.database import Database, utc_now
from weft_server.events import Bus
from weft_server.flows.tables import Flow
from weft_server.ids import new_id
from weft_server.runs import repository
from weft_server.runs.journal import Journal
from weft_server.runs.live import LiveRun
from weft_server.runs.recorder import Recorder
from weft_server.runs.views import of_row


def furnish(session: Session) -> None:
    """Somebody with a flow."""
    session.add(User(id="usr", email="a@b.c", name="Ada", color="#fff", password_hash="x"))
    session.add(Workspace(id="wsp", name="W"))
    session.flush()
    session.add(Flow(id="flw", workspace_id="wsp", name="F", created_by="usr"))


def new_row() -> dict[str, Any]:
    return {
        "id": new_id("run"),
        "flow_id": "flw",
        "workspace_id": "wsp",
        "state": "ready",
        "inputs": "{}",
        "env": "local",
        "from_node": None,
        "to_node": None,
        "started_by": "usr",
        "created_at": utc_now(),
        "started_at": None,
        "ended_at": None,
        "duration_ms": None,
        "failure": None,
        "counts": None,
        "last_seq": 0,
        "definition": "{}",
    }


class Desk:
    """A recorder with everything it needs."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.bus = Bus()
        self.journal = Journal(database)
        self.abandoned: list[str] = []
        self.recorder = Recorder(self.journal, self.bus, abandon=self.abandoned.append)

    async def open(self) -> LiveRun:
        run = LiveRun(new_row(), "Ada")
        await self.recorder.open(run, lambda session: repository.add(session, run.row))
        return run


def events_of(run_id: str, *kinds: tuple[str, str | None, dict[str, Any]]) -> list[RunEvent]:
    return [
        RunEvent(
            seq=seq,
            at=f"2026-01-01T00:00:{seq % 60:02}.000Z",
            type=kind,
            run=run_id,
            node=node,
            data=data,
        )
        for seq, (kind, node, data) in enumerate(kinds, 1)
    ]


LIFE: list[tuple[str, str | None, dict[str, Any]]] = [
    ("run_queued", None, {"position": 1}),
    ("run_started", None, {"nodes": ["a", "b", "c"]}),
    ("node_started", "a", {}),
    ("node_progress", "a", {"counts": {"in": 0, "out": {"rows": 5}}}),
    ("log", "a", {"level": "info", "message": "hello"}),
    ("node_output", "a", {"port": "rows", "type": "Stream[Row]", "count": 9, "ref": {"x": 1}}),
    ("node_completed", "a", {"duration_ms": 1.5, "counts": {"in": 0, "out": {"rows": 9}}}),
    ("node_started", "b", {}),
    ("node_failed", "b", {"failure": {"code": "x.y", "message": "m", "attempt": 3}}),
    ("node_skipped", "c", {"reason": "input_skipped"}),
    ("run_failed", None, {"duration_ms": 7.0, "failure": {"code": "x.y", "message": "m"}}),
]


def stored(database: Database, run_id: str) -> Any:
    with database.read() as session:
        found = repository.find(session, run_id)
        assert found is not None
        return of_row(found, repository.nodes(session, run_id))
