"""Rows of runs: the run itself, a row for each node and each activation, its events in order."""

from datetime import datetime

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, String, Text, text
from sqlmodel import Field, SQLModel

from weft_server.database import UtcDateTime

_NODE = 200
_SCOPE = 400
_OUTERMOST = text("parent_id IS NULL")
_JSON = Text
"""JSON stays the text it was written as: definitions and events are sent on unparsed."""


def _key_to(target: str, *, on_delete: str, nullable: bool = False) -> Column[str]:
    return Column(String(40), ForeignKey(target, ondelete=on_delete), nullable=nullable)


class RunRow(SQLModel, table=True):
    """One execution of one frozen definition."""

    __tablename__ = "run"
    __table_args__ = (
        Index(
            "ix_run_flow_number",
            "flow_id",
            "number",
            unique=True,
            sqlite_where=_OUTERMOST,
            postgresql_where=_OUTERMOST,
        ),
        Index("ix_run_parent_number", "parent_id", "number", unique=True),
        Index("ix_run_outermost", "id", sqlite_where=_OUTERMOST, postgresql_where=_OUTERMOST),
        Index("ix_run_workspace", "workspace_id", "id"),
        Index("ix_run_state", "state"),
        Index("ix_run_created", "created_at"),
    )

    id: str = Field(sa_column=Column(String(40), primary_key=True))
    number: int = Field(sa_column=Column(Integer, nullable=False))
    """Counts the runs of the flow; of a run that another one called, those that this called."""
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
    mode: str = Field(
        default="batch", sa_column=Column(String(16), nullable=False, server_default="batch")
    )
    priority: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    trigger: str | None = Field(default=None, sa_column=Column(_JSON))
    """The event that started it; None of a run that somebody started."""
    trigger_node: str | None = Field(default=None, sa_column=Column(String(_NODE)))
    forked_from: str | None = Field(default=None, sa_column=Column(String(40)))
    """No foreign key: the run may be deleted, and this one still says where it comes from."""
    options: str | None = Field(default=None, sa_column=Column(_JSON))
    """How it is run: the small fields of its request that have no column."""
    flows: str | None = Field(default=None, sa_column=Column(_JSON))
    """Definitions of the flows that it calls."""
    given: str | None = Field(default=None, sa_column=Column(_JSON))
    """Earlier outputs and edited inputs that it begins with; until it has ended."""
    breakpoints: str | None = Field(default=None, sa_column=Column(_JSON))
    paused: str | None = Field(default=None, sa_column=Column(_JSON))
    """Why it stands still, `{reason, waits}`; None while it does not."""
    stopped: str | None = Field(default=None, sa_column=Column(_JSON))
    """Activations at breakpoints, by `at`."""
    parent_id: str | None = Field(
        default=None, sa_column=_key_to("run.id", on_delete="CASCADE", nullable=True)
    )
    """The run that called this one; it is kept as long as that."""
    parent_node: str | None = Field(default=None, sa_column=Column(String(_NODE)))
    """The path of the node that called it."""
    parent_scope: str | None = Field(default=None, sa_column=Column(String(_SCOPE)))
    """Where it happens in the run that called it: `loop:3/call:0`."""


class RunActivationRow(SQLModel, table=True):
    """What became of a node in one scope of a run; of a node outside loops the scope is empty."""

    __tablename__ = "run_activation"
    __table_args__ = (
        Index("ix_run_activation_seq", "run_id", "seq"),
        {"sqlite_with_rowid": False},
    )

    run_id: str = Field(
        sa_column=Column(String(40), ForeignKey("run.id", ondelete="CASCADE"), primary_key=True)
    )
    node: str = Field(sa_column=Column(String(_NODE), primary_key=True))
    scope: str = Field(sa_column=Column(String(_SCOPE), primary_key=True))
    seq: int = Field(sa_column=Column(Integer, nullable=False))
    """Number of the event that told of it first."""
    state: str = Field(sa_column=Column(String(16), nullable=False))
    attempts: int = Field(default=1, sa_column=Column(Integer, nullable=False))
    started_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    duration_ms: float | None = Field(default=None, sa_column=Column(Float))
    inputs: str | None = Field(default=None, sa_column=Column(_JSON))
    outputs: str | None = Field(default=None, sa_column=Column(_JSON))
    """Of a node outside loops they are in its row of `run_node`."""
    failure: str | None = Field(default=None, sa_column=Column(_JSON))
    worker: str | None = Field(default=None, sa_column=Column(String(100)))
    edited: str | None = Field(default=None, sa_column=Column(_JSON))
    """Where somebody put other values in the debugger: before, after → ports."""


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
