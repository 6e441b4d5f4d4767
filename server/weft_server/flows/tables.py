"""Tables of flows and of the people they are shared with beyond their workspace."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON
from sqlmodel import Field, SQLModel

from weft_server.database import UtcDateTime, utc_now


class Flow(SQLModel, table=True):
    """What the server knows of a flow besides its document."""

    id: str = Field(primary_key=True)
    workspace_id: str = Field(foreign_key="workspace.id", index=True, ondelete="CASCADE")
    name: str = Field(max_length=200)
    description: str = ""
    mode: str = "batch"
    created_by: str = Field(foreign_key="user.id")
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    updated_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime, index=True)
    deleted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    thumbnail: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)


class FlowShare(SQLModel, table=True):
    """One flow shared with one person."""

    __tablename__ = "flow_share"

    flow_id: str = Field(foreign_key="flow.id", primary_key=True, ondelete="CASCADE")
    user_id: str = Field(foreign_key="user.id", primary_key=True, index=True, ondelete="CASCADE")
    role: str
