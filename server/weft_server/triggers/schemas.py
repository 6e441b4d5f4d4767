"""What the REST API of triggers takes and answers."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

EventState = Literal[
    "received", "started", "appended", "duplicate", "missed", "skipped", "refused", "failed"
]


class ArmedBy(BaseModel):
    """Who armed a flow."""

    id: str
    name: str


class SecretState(BaseModel):
    """Whether a webhook has a secret; never the secret."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    needed: bool
    """Its signature needs one."""
    made_at: datetime | None = None
    former_until: datetime | None = None
    """Until then the one before is taken as well."""


class TriggerInfo(BaseModel):
    """A trigger of a flow."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    node: str
    type: str
    active: bool
    """Events of it are taken."""
    in_flow: bool = True
    """Its node is in the flow as it is now."""
    settings: dict[str, JsonValue] = Field(default_factory=dict)
    """As armed, or as they are now while it is not."""
    address: str | None = None
    """Of a webhook: the path on this server. Only editors see it."""
    secret: SecretState | None = None
    next_times: list[datetime] = Field(default_factory=list)
    """Of a schedule: when it fires next."""
    waiting: int = 0
    """Events that are stored and not delivered yet."""
    trouble: str | None = None
    """The code of what keeps it from working."""


class TriggerState(BaseModel):
    """Whether a flow is armed, and its triggers."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    flow_id: str
    armed: bool
    armed_at: datetime | None = None
    armed_by: ArmedBy | None = None
    differs: bool = False
    """The flow was changed since; events start it as it was."""
    triggers: list[TriggerInfo]


class TriggerEventInfo(BaseModel):
    """Something that happened, and what became of it."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    id: str
    node: str
    type: str
    state: EventState
    reason: str | None = None
    """A code that says why it did not start a run."""
    count: int = 1
    """How many alike it stands for."""
    delivery_id: str | None = None
    first_id: str | None = None
    """The event that it repeats."""
    run_id: str | None = None
    run_state: str | None = None
    run_number: int | None = None
    due_at: datetime | None = None
    received_at: datetime
    settled_at: datetime | None = None
    size: int = 0


class TriggerEventData(TriggerEventInfo):
    """An event with what it carried; secrets are left out."""

    payload: dict[str, Any] | None = None


class TriggerEventPage(BaseModel):
    """Events, newest first."""

    items: list[TriggerEventInfo]
    next_cursor: str | None


class SecretBody(BaseModel):
    """How to make a new secret."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    secret: str | None = Field(None, min_length=8, max_length=500)
    """The one that the sender gave; a random one is made when it is left out."""
    keep_former_hours: int = Field(0, ge=0, le=168)
    """How long the secret before is taken as well."""


class NewSecret(BaseModel):
    """A secret, shown this once."""

    node: str
    secret: str
    state: SecretState


class MessageBody(BaseModel):
    """A message for a queue."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    message: JsonValue
    id: str | None = Field(None, min_length=1, max_length=200)
    """A message with an id that was sent before is not delivered again."""


class MessageSent(BaseModel):
    """What became of a message."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    id: str
    queue: str
    flows: int
    """How many armed flows it went to; it waits while there is none."""
    duplicate: bool = False
