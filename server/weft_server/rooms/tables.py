"""Tables of documents: a log of updates that only grows, and snapshots that shorten reading it."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, ForeignKey, Integer, LargeBinary, String
from sqlmodel import Field, SQLModel

from weft_server.database import UtcDateTime, utc_now

_ID = 40
_NAME = 60


class DocRow(SQLModel, table=True):
    """The document of a flow and where its log stands."""

    __tablename__ = "doc"

    flow_id: str = Field(
        sa_column=Column(String(_ID), ForeignKey("flow.id", ondelete="CASCADE"), primary_key=True)
    )
    rev: int = Field(sa_column=Column(Integer, nullable=False))
    """Number of the last row of the log; the rows have no gaps."""
    epoch: int = Field(sa_column=Column(Integer, nullable=False))
    """Grows when the history of the document is made anew; clients of an older one must reload."""
    schema_version: int = Field(sa_column=Column("schema", Integer, nullable=False))


class DocLogRow(SQLModel, table=True):
    """Updates of one author, merged, in the order in which they were applied."""

    __tablename__ = "doc_log"

    flow_id: str = Field(
        sa_column=Column(
            String(_ID), ForeignKey("doc.flow_id", ondelete="CASCADE"), primary_key=True
        )
    )
    rev: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    actor: str = Field(sa_column=Column(String(_ID), nullable=False))
    """The id of a user, or `system`."""
    origin: str = Field(sa_column=Column(String(_NAME), nullable=False))
    """What caused it: `edit` in a room, else the name of the command."""
    at: datetime = Field(default_factory=utc_now, sa_column=Column(UtcDateTime, nullable=False))
    update: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class DocSnapshotRow(SQLModel, table=True):
    """A whole document as one update; the log is read from there on."""

    __tablename__ = "doc_snapshot"

    flow_id: str = Field(
        sa_column=Column(
            String(_ID), ForeignKey("doc.flow_id", ondelete="CASCADE"), primary_key=True
        )
    )
    rev: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    update: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    owners: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    """By user, the Yjs client ids they wrote under."""
