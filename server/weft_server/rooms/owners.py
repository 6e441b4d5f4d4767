"""Who may write under which Yjs client id in one document.

A peer that writes under the id of another one makes that one's later edits vanish without a word.
So an id belongs to the user who first wrote under it; the log says who that was.
"""

from collections.abc import Iterable, Iterator


class Owners:
    """The users behind the client ids of a document."""

    def __init__(self, known: dict[int, str] | None = None) -> None:
        self._users = dict(known or {})

    def claim(self, clients: Iterable[int], user: str) -> None:
        """Give ids that belong to nobody yet to a user."""
        for client in clients:
            self._users.setdefault(client, user)

    def release(self, client: int, user: str) -> None:
        """Give up an id under which nothing was written."""
        if self._users.get(client) == user:
            del self._users[client]

    def of(self, client: int) -> str | None:
        """The user an id belongs to."""
        return self._users.get(client)

    def foreign(self, clients: Iterable[int], user: str) -> set[str]:
        """The other users to whom some of these ids belong."""
        return {self._users.get(client, user) for client in clients} - {user}

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return iter(self._users.items())
