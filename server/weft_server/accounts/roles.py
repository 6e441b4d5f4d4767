"""What a member may do: owner > editor > viewer."""

from enum import StrEnum


class Role(StrEnum):
    """A role in a workspace or on a shared flow; greater roles may do all that lesser ones may."""

    VIEWER = "viewer"
    EDITOR = "editor"
    OWNER = "owner"

    @property
    def rank(self) -> int:
        """Place in the order of roles."""
        return list(Role).index(self)

    def at_least(self, needed: "Role") -> bool:
        """Whether this role includes all of another."""
        return self.rank >= needed.rank
