"""Bodies and answers about flows."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from weft_engine.flow.values import Line, Prose
from weft_server.accounts.roles import Role
from weft_server.accounts.schemas import Email, UserInfo
from weft_server.flows.last_runs import LastRun

FlowName = Annotated[Line, StringConstraints(strip_whitespace=True, min_length=1)]


class Body(BaseModel):
    """A request body; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class NewFlow(Body):
    """Makes a flow: empty with a name, or from a whole flow."""

    workspace_id: str | None = None
    name: FlowName | None = None
    flow: dict[str, Any] | None = None


class FlowChange(Body):
    """Renames or describes a flow; what is left out stays."""

    name: FlowName | None = None
    description: Prose | None = None


class CopyFlow(Body):
    """Where a copy goes and what it is called; both may be left out."""

    workspace_id: str | None = None
    name: FlowName | None = None


class CheckBody(Body):
    """A flow to check."""

    flow: dict[str, Any]


class Author(BaseModel):
    """Who made a flow."""

    id: str
    name: str


class PreviewNode(BaseModel):
    """A node on a thumbnail."""

    x: float
    y: float
    category: str
    parent: int | None = None
    """The container it lies in, by its number."""


class Preview(BaseModel):
    """A thumbnail: where nodes are, of what category, and which are connected."""

    nodes: list[PreviewNode] = []
    edges: list[tuple[int, int]] = []


class FlowInfo(BaseModel):
    """What is known of a flow besides its document."""

    id: str
    workspace_id: str
    name: str
    description: str
    mode: str
    role: Role
    created_at: datetime
    updated_at: datetime
    created_by: Author
    last_run: LastRun | None = None
    preview: Preview


class FlowList(BaseModel):
    """A page of flows, the last changed first."""

    items: list[FlowInfo]
    next_cursor: str | None = None


class Share(BaseModel):
    """One person with whom a flow is shared."""

    user: UserInfo
    role: Role


class ShareList(BaseModel):
    """Everybody with whom a flow is shared beyond its workspace."""

    items: list[Share]


class ShareBody(Body):
    """One person with whom a flow shall be shared."""

    email: Email
    role: Annotated[Role, Field(description="viewer or editor")]


class SharesBody(Body):
    """Replaces the list of people with whom a flow is shared."""

    items: list[ShareBody] = Field(max_length=200)


class CheckedEdge(BaseModel):
    """How what an edge carries becomes what its target takes."""

    how: str


class CheckedNode(BaseModel):
    """Whether a node works on each record of a stream."""

    lifted: bool


class CheckedWiring(BaseModel):
    """What a check found out about edges and nodes."""

    edges: dict[str, CheckedEdge] = {}
    nodes: dict[str, CheckedNode] = {}


class CheckReport(BaseModel):
    """The problems of a flow, and how it is wired."""

    problems: list[dict[str, Any]]
    wiring: CheckedWiring
