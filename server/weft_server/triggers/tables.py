"""Tables of armed flows, their triggers, and the events that came."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, String, Text
from sqlmodel import Field, SQLModel, UniqueConstraint

from weft_server.database import UtcDateTime

_NODE = 200


def _key_to(target: str, *, on_delete: str = "CASCADE", nullable: bool = False) -> Column[str]:
    return Column(String(40), ForeignKey(target, ondelete=on_delete), nullable=nullable)


class ArmedFlow(SQLModel, table=True):
    """A flow that events start, as it was when somebody armed it."""

    __tablename__ = "armed_flow"

    flow_id: str = Field(
        sa_column=Column(String(40), ForeignKey("flow.id", ondelete="CASCADE"), primary_key=True)
    )
    workspace_id: str = Field(sa_column=_key_to("workspace.id"))
    definition: str = Field(sa_column=Column(Text, nullable=False))
    digest: str = Field(sa_column=Column(String(64), nullable=False))
    """Of the definition without what does not change its meaning, such as positions."""
    mode: str = Field(sa_column=Column(String(16), nullable=False))
    armed_by: str | None = Field(
        default=None, sa_column=_key_to("user.id", on_delete="SET NULL", nullable=True)
    )
    armed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class TriggerRow(SQLModel, table=True):
    """A trigger node of a flow; kept when it is disarmed, so that its address stays."""

    __tablename__ = "flow_trigger"
    __table_args__ = (
        UniqueConstraint("flow_id", "node"),
        Index("ix_flow_trigger_due", "active", "next_at"),
        Index("ix_flow_trigger_watches", "workspace_id", "watches"),
    )

    id: str = Field(sa_column=Column(String(40), primary_key=True))
    flow_id: str = Field(sa_column=_key_to("flow.id"))
    workspace_id: str = Field(sa_column=_key_to("workspace.id"))
    node: str = Field(sa_column=Column(String(_NODE), nullable=False))
    type: str = Field(sa_column=Column(String(64), nullable=False))
    settings: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """As they were when the flow was armed."""
    active: bool = False
    watches: str | None = Field(default=None, sa_column=Column(String(64)))
    """The queue, or the flow, whose events are its own."""
    token: str | None = Field(default=None, sa_column=Column(String(64)))
    """The part of a webhook's address that cannot be guessed."""
    token_hash: str | None = Field(default=None, sa_column=Column(String(64), unique=True))
    since: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    """When it became active; what happened before is no event."""
    next_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    """When a schedule fires next."""
    trouble: str | None = Field(default=None, sa_column=Column(String(100)))
    """The code of what keeps it from working."""


class TriggerSecret(SQLModel, table=True):
    """What the senders of a webhook sign with; never answered, never in a flow."""

    __tablename__ = "trigger_secret"

    trigger_id: str = Field(
        sa_column=Column(
            String(40), ForeignKey("flow_trigger.id", ondelete="CASCADE"), primary_key=True
        )
    )
    secret: str = Field(sa_column=Column(Text, nullable=False))
    made_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    former: str | None = Field(default=None, sa_column=Column(Text))
    """The one before; taken until `former_until`, so that senders can be changed in peace."""
    former_until: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    key_id: str | None = Field(default=None, sa_column=Column(String(16)))
    """The key that both are sealed with; None where they are plain, as earlier versions kept
    them."""


class TriggerEvent(SQLModel, table=True):
    """Something that happened, and what became of it."""

    __tablename__ = "trigger_event"
    __table_args__ = (
        UniqueConstraint("trigger_id", "once_key"),
        Index("ix_trigger_event_flow", "flow_id", "id"),
        Index("ix_trigger_event_state", "state", "flow_id", "id"),
        Index("ix_trigger_event_run", "run_id"),
    )

    id: str = Field(sa_column=Column(String(40), primary_key=True))
    flow_id: str = Field(sa_column=_key_to("flow.id"))
    workspace_id: str = Field(sa_column=_key_to("workspace.id"))
    trigger_id: str = Field(sa_column=_key_to("flow_trigger.id"))
    node: str = Field(sa_column=Column(String(_NODE), nullable=False))
    type: str = Field(sa_column=Column(String(64), nullable=False))
    state: str = Field(sa_column=Column(String(16), nullable=False))
    """received, started, appended, duplicate, missed, skipped, refused, failed."""
    reason: str | None = Field(default=None, sa_column=Column(String(100)))
    """A code that says why it did not start a run."""
    count: int = Field(default=1, sa_column=Column(Integer, nullable=False))
    """How many alike this row stands for."""
    once_key: str | None = Field(default=None, sa_column=Column(String(300)))
    """No two events of a trigger have the same."""
    delivery_id: str | None = Field(default=None, sa_column=Column(String(200)))
    """What the sender calls it."""
    first_id: str | None = Field(default=None, sa_column=Column(String(40)))
    """Of a duplicate: the event it repeats. Of a replay: the one that is done again."""
    depth: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    """How many flows started one another before this."""
    payload: str | None = Field(default=None, sa_column=Column(Text))
    size: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    run_id: str | None = Field(default=None, sa_column=Column(String(40)))
    due_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    """Of a schedule: the time that was set."""
    received_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    settled_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    """When it started a run, or was found not to."""


class TriggerFile(SQLModel, table=True):
    """A file as a watching trigger last saw it."""

    __tablename__ = "trigger_file"

    trigger_id: str = Field(
        sa_column=Column(
            String(40), ForeignKey("flow_trigger.id", ondelete="CASCADE"), primary_key=True
        )
    )
    path: str = Field(sa_column=Column(String(1024), primary_key=True))
    mtime_ns: int = Field(sa_column=Column(BigInteger, nullable=False))
    size: int = Field(sa_column=Column(BigInteger, nullable=False))


class QueuedMessage(SQLModel, table=True):
    """A message on a queue to which no armed flow listens yet."""

    __tablename__ = "queued_message"
    __table_args__ = (UniqueConstraint("workspace_id", "queue", "message_id"),)

    id: str = Field(sa_column=Column(String(40), primary_key=True))
    workspace_id: str = Field(sa_column=_key_to("workspace.id"))
    queue: str = Field(sa_column=Column(String(64), nullable=False))
    message_id: str = Field(sa_column=Column(String(200), nullable=False))
    payload: str = Field(sa_column=Column(Text, nullable=False))


class Lease(SQLModel, table=True):
    """Who does something that only one server may do."""

    __tablename__ = "trigger_lease"

    name: str = Field(sa_column=Column(String(40), primary_key=True))
    holder: str = Field(sa_column=Column(String(40), nullable=False))
    fence: int = Field(sa_column=Column(Integer, nullable=False))
    """Grows with every change of hands; who comes with an older one is too late."""
    expires_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
