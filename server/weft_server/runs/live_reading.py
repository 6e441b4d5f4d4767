"""Looking at runs that live: their checkpoints, and how their nodes do."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session

from weft_server.accounts.principal import Principal
from weft_server.database import Database
from weft_server.runs import live_rows
from weft_server.runs.access import run_access
from weft_server.runs.live import LiveRun
from weft_server.runs.live_schemas import (
    CheckpointFailure,
    CheckpointInfo,
    LiveInfo,
    LiveNodeInfo,
    RestartInfo,
    RunCheckpoints,
)
from weft_server.runs.tables import RunEventRow


class LiveReader:
    """Reads what live runs have stored, and what this server heard of them last."""

    def __init__(self, database: Database, running: Callable[[str], LiveRun | None]) -> None:
        """`running` finds a run that is under way here."""
        self._database = database
        self._running = running

    async def checkpoints(self, principal: Principal, run_id: str) -> RunCheckpoints:
        """The newest checkpoints, failures to make one, and restarts.

        Raises:
            Missing: 404 `run.not_found`.
        """

        def read(session: Session) -> RunCheckpoints:
            run_access(session, principal, run_id)
            done, failed, again = (
                [_data(row) for row in live_rows.newest(session, run_id, kind)]
                for kind in live_rows.THINNED
            )
            return RunCheckpoints(
                items=[CheckpointInfo(**data) for data in done],
                failures=[CheckpointFailure(**data) for data in failed],
                restarts=[RestartInfo(**data) for data in again],
            )

        return await self._database.query(read)

    async def now(self, principal: Principal, run_id: str) -> LiveInfo:
        """How the nodes of a run do.

        Raises:
            Missing: 404 `run.not_found`.
        """
        await self._database.query(lambda session: run_access(session, principal, run_id))
        run = self._running(run_id)
        if run is None or run.over:
            return LiveInfo(nodes={})
        nodes = {name: node.now for name, node in run.nodes.items()}
        return LiveInfo(nodes={name: _node(now) for name, now in nodes.items() if now is not None})


def _data(row: RunEventRow) -> dict[str, Any]:
    return {"at": row.at, **json.loads(row.data)}


def _node(told: Mapping[str, Any]) -> LiveNodeInfo:
    rates, counts, mark = told.get("rates") or {}, told.get("counts") or {}, told.get("watermark")
    return LiveNodeInfo(
        in_per_s=rates.get("in") or 0,
        out_per_s=rates.get("out") or 0,
        count_in=counts.get("in") or 0,
        count_out=counts.get("out") or {},
        watermark=None if mark is None else _moment(mark),
        **{key: told[key] for key in ("busy", "blocked", "queued", "lag_ms", "failed")
           if key in told},
    )  # fmt: skip


def _moment(milliseconds: int) -> datetime | None:
    """A watermark as a time; None for one that lies outside of the calendar."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None
