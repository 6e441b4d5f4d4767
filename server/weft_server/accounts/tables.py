"""Tables of people, their ways of signing in, and their workspaces."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from weft_server.database import UtcDateTime, utc_now


class User(SQLModel, table=True):
    """A person with an account."""

    id: str = Field(primary_key=True)
    email: str = Field(unique=True, max_length=254)
    name: str = Field(max_length=100)
    color: str = Field(max_length=7)
    language: str | None = Field(default=None, max_length=10)
    password_hash: str
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)


class UserSession(SQLModel, table=True):
    """A sign-in of a browser; only the hash of its cookie is kept, so the table opens no door."""

    __tablename__ = "session"

    id: str = Field(primary_key=True)
    token_hash: str = Field(unique=True)
    user_id: str = Field(foreign_key="user.id", index=True, ondelete="CASCADE")
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    seen_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)


class ApiKey(SQLModel, table=True):
    """A key for programs; only its hash is kept."""

    __tablename__ = "api_key"

    id: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="user.id", index=True, ondelete="CASCADE")
    name: str = Field(max_length=100)
    prefix: str = Field(max_length=16)
    key_hash: str = Field(unique=True)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    last_used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Workspace(SQLModel, table=True):
    """What a group of people shares: flows, files, runs."""

    id: str = Field(primary_key=True)
    name: str = Field(max_length=100)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)


class Member(SQLModel, table=True):
    """A person in a workspace."""

    workspace_id: str = Field(foreign_key="workspace.id", primary_key=True, ondelete="CASCADE")
    user_id: str = Field(foreign_key="user.id", primary_key=True, index=True, ondelete="CASCADE")
    role: str
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)


class Invitation(SQLModel, table=True):
    """A one-time link into a workspace; only the hash of its token is kept."""

    id: str = Field(primary_key=True)
    workspace_id: str = Field(foreign_key="workspace.id", index=True, ondelete="CASCADE")
    email: str = Field(max_length=254)
    role: str
    token_hash: str = Field(unique=True)
    invited_by: str = Field(foreign_key="user.id", ondelete="CASCADE")
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
