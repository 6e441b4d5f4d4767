"""What flows need of whoever keeps their documents; the rooms provide it.

The application sets ``app.state.documents`` before the first request.
"""

from typing import Protocol

from sqlmodel import Session

from weft_engine.flow.model import Flow
from weft_engine.flow.patch import Patch
from weft_server.accounts.principal import Principal


class DocumentStore(Protocol):
    """The documents of flows, live or stored."""

    def create(self, session: Session, flow_id: str, flow: Flow) -> None:
        """Store a new document that reads as this flow, in the caller's transaction."""

    async def read(self, flow_id: str) -> Flow:
        """The flow as it is now: of the open room if there is one, else as stored."""

    async def apply(self, flow_id: str, patch: Patch, principal: Principal) -> object:
        """Change the document as this person, as one transaction that everybody in it sees."""
