"""What reading the updates of a document tells, besides what pycrdt keeps of them."""

from dataclasses import dataclass, field
from typing import Self

from weft_server.rooms.codec import ProtocolError
from weft_server.rooms.guard import STORED, Contents, parse_update
from weft_server.rooms.owners import Owners
from weft_server.rooms.pairs import Pairs
from weft_server.rooms.repository import RELAY, SYSTEM, Change, StoredDocument
from weft_server.rooms.structure import Plan, Structure


@dataclass(slots=True)
class Facts:
    """Who wrote what, where items lie, and where characters are that count as two."""

    owners: Owners = field(default_factory=Owners)
    pairs: Pairs = field(default_factory=Pairs)
    structure: Structure = field(default_factory=Structure)
    state: dict[int, int] = field(default_factory=dict)
    """How many clocks of each client were taken over."""

    @classmethod
    def of(cls, stored: StoredDocument) -> Self:
        """Read a stored document once. May be done in any thread."""
        facts = cls(owners=Owners(stored.owners))
        if stored.snapshot:
            # What somebody brought along in a sync may be the work of others; it binds nothing.
            facts.learn(Change(SYSTEM, RELAY, stored.snapshot))
        for change in stored.changes:
            facts.learn(change)
        return facts

    def learn(self, change: Change) -> None:
        """Take over a change that is part of the document already."""
        contents = parse_update(change.update, STORED)
        if change.origin != RELAY:
            self.owners.claim(contents.new_clients(self.state), change.actor)
        self.take(contents, self.structure.plan(contents, self.state, trusted=True))

    def check(self, contents: Contents) -> Plan:
        """What an update means for the structure of the document, if pycrdt takes it.

        Raises:
            ProtocolError: pycrdt must not see it.
        """
        if contents.parts_a_character(self.pairs):
            raise ProtocolError("an edit goes through the middle of a character")
        return self.structure.plan(contents, self.state)

    def take(self, contents: Contents, plan: Plan) -> None:
        """Take over an update that is part of the document now."""
        self.structure.take(plan)
        self.pairs.add(contents.halves)
        self.state.update(contents.after(self.state))
