"""Rows of runs: the run itself, one row per node, and its events in order."""

from datetime import datetime

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, String, Text
from sqlmodel import Field, SQLModel

from weft_server.database import UtcDateTime

_NODE = 200
_JSON = Text
"""JSON stays the text it was written as: definitions and events are sent on unparsed."""


def _key_to(target: str, *, on_delete: str, nullable: bool = False) -> Column[str]:
    return Column(String(40), ForeignKey(target, ondelete=on_delete), nullable=nullable)


class RunRow(SQLModel, table=True):
    """One execution of one frozen definition."""

    __tablename__ = "run"
    __table_args__ = (
        Index("ix_run_flow_number", "flow_id", "number", unique=True),
        Index("ix_run_workspace", "workspace_id", "id"),
        Index("ix_run_state", "state"),
    )

    id: str = Field(sa_column=Column(String(40), primary_key=True))
    number: int = Field(sa_column=Column(Integer, nullable=False))
    flow_id: str = Field(sa_column=_key_to("flow.id", on_delete="CASCADE"))
    workspace_id: str = Field(sa_column=_key_to("workspace.id", on_delete="CASCADE"))
    state: str = Field(sa_column=Column(String(16), nullable=False))
    inputs: str = Field(sa_column=Column(_JSON, nullable=False))
    env: str = Field(sa_column=Column(String(16), nullable=False))
    from_node: str | None = Field(default=None, sa_column=Column(String(_NODE)))
    to_node: str | None = Field(default=None, sa_column=Column(String(_NODE)))
    started_by: str | None = Field(
        default=None, sa_column=_key_to("user.id", on_delete="SET NULL", nullable=True)
    )
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    started_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    duration_ms: float | None = Field(default=None, sa_column=Column(Float))
    failure: str | None = Field(default=None, sa_column=Column(_JSON))
    counts: str | None = Field(default=None, sa_column=Column(_JSON))
    last_seq: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    definition: str = Field(sa_column=Column(_JSON, nullable=False))


class RunNodeRow(SQLModel, table=True):
    """What became of one node in one run."""

    __tablename__ = "run_node"

    run_id: str = Field(
        sa_column=Column(String(40), ForeignKey("run.id", ondelete="CASCADE"), primary_key=True)
    )
    node: str = Field(sa_column=Column(String(_NODE), primary_key=True))
    state: str = Field(sa_column=Column(String(16), nullable=False))
    attempts: int = Field(default=1, sa_column=Column(Integer, nullable=False))
    started_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    counts: str | None = Field(default=None, sa_column=Column(_JSON))
    outputs: str | None = Field(default=None, sa_column=Column(_JSON))
    duration_ms: float | None = Field(default=None, sa_column=Column(Float))
    failure: str | None = Field(default=None, sa_column=Column(_JSON))


class RunEventRow(SQLModel, table=True):
    """One event of a run; `seq` counts from 1 without gaps."""

    __tablename__ = "run_event"
    __table_args__ = ({"sqlite_with_rowid": False},)

    run_id: str = Field(
        sa_column=Column(String(40), ForeignKey("run.id", ondelete="CASCADE"), primary_key=True)
    )
    seq: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    at: str = Field(sa_column=Column(String(32), nullable=False))
    type: str = Field(sa_column=Column(String(32), nullable=False))
    node: str | None = Field(default=None, sa_column=Column(String(_NODE)))
    data: str = Field(sa_column=Column(_JSON, nullable=False))
