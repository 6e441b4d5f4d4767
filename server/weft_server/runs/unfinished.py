"""Runs that an earlier server left behind: the engine goes on with them from its journal."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from weft_engine.runs.debug import Command
from weft_engine.runs.run import RunRequest
from weft_server.runs import called_runs, repository
from weft_server.runs.live import UNENDED, LiveRun
from weft_server.runs.live_nodes import LiveActivation, LiveNode, Row
from weft_server.runs.requests import breakpoints_of, request_of
from weft_server.runs.tables import RunNodeRow, RunRow


@dataclass(frozen=True, slots=True)
class Left:
    """A run as the database knows it."""

    row: Row
    starter: str
    last_seq: int
    nodes: Sequence[RunNodeRow]
    activations: Sequence[tuple[str, str, int, str]]
    """Node, scope, number and state."""

    def live(self) -> LiveRun:
        """The run as it is followed."""
        run = LiveRun(self.row, self.starter)
        run.seq = self.last_seq
        paused = self.row["paused"]
        run.row["paused"] = json.loads(paused) if isinstance(paused, str) else None
        run.row["failure"] = None
        for node in self.nodes:
            run.nodes[node.node] = _node(node)
        for name, scope, seq, state in self.activations:
            run.activations[name, scope] = LiveActivation(seq, state)
            if scope and state in ("running", "paused") and name in run.nodes:
                run.nodes[name].open.add(scope)
        return run

    def commands(self) -> list[Command]:
        """What it must not forget: where it is to stop, and that somebody stopped it."""
        told: list[Command] = []
        breakpoints = breakpoints_of(self.row["breakpoints"])
        if breakpoints:
            told.append(Command(kind="breakpoints", breakpoints=breakpoints))
        paused = json.loads(self.row["paused"] or "{}")
        if self.row["state"] == "paused" and paused.get("reason") != "waiting":
            told.append(Command(kind="pause"))
        return told

    def request(self) -> RunRequest | None:
        """What to run if it had not begun; None when it had."""
        return request_of(self.row) if self.row["state"] == "ready" else None


def load(session: Session) -> tuple[list[Left], list[tuple[str, str]]]:
    """All runs that have not ended, in the order in which they were started.

    Returns:
        These runs; and pairs of one of them and a run that it called, which has ended.
    """
    lefts = [_left(session, row, name) for row, name in repository.unended(session)]
    return lefts, called_runs.ended_below_unended(session, UNENDED)


def _left(session: Session, row: RunRow, name: str | None) -> Left:
    return Left(
        row=row.model_dump(),
        starter=name or "",
        last_seq=repository.last_seq(session, row.id),
        nodes=repository.nodes(session, row.id, outputs=True),
        activations=repository.activation_states(session, row.id),
    )


def _node(row: RunNodeRow) -> LiveNode:
    return LiveNode(
        state=row.state,
        attempts=row.attempts,
        started_at=row.started_at,
        ended_at=row.ended_at,
        duration_ms=row.duration_ms,
        counts=json.loads(row.counts or "{}"),
        outputs=json.loads(row.outputs or "{}"),
        failure=json.loads(row.failure or "null"),
        stored=True,
    )
