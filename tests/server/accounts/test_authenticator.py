"""What is remembered of credentials, and what it costs to look them up when storage fails."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import Session

from tests.server.support import Person, Server
from weft_server.accounts import authenticator, repository
from weft_server.accounts.authenticator import Authenticator
from weft_server.accounts.principal import Credential
from weft_server.accounts.secrets import hashed
from weft_server.errors import StorageError


@pytest.fixture
def person(server: Server) -> Person:
    return server.make_user("grace@example.org")


def test_a_session_that_ends_while_it_is_looked_up_is_not_remembered(
    server: Server, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: Authenticator = server.app.state.authenticator
    find = authenticator._find_session

    def slow(session: Session, token_hash: str) -> Any:
        """Sign out elsewhere between the look and the answer."""
        found = find(session, token_hash)
        with server.database.transaction() as other:
            repository.drop_session(other, token_hash)
        server.loop.call_soon_threadsafe(lambda: known.forget(user_id=person.id))
        return found

    credential = Credential("session", person.token)
    with monkeypatch.context() as patched:
        patched.setattr(authenticator, "_find_session", slow)
        server.call(known.principal(credential))
    assert server.call(known.principal(credential)) is None


def test_a_full_disk_keeps_nobody_from_reading(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first use of a key is noted, which is not worth an error."""
    key = server.client(server.owner).post("/api/keys", json={"name": "x"}).json()["key"]

    async def run(work: Callable[[Session], Any]) -> Any:
        raise StorageError("The disk of the server is full.", code="storage.full")

    monkeypatch.setattr(server.database, "run", run)
    client = server.client(Authorization=f"Bearer {key}")
    assert client.get("/api/flows").status_code == 200


def test_ending_a_session_tells_whose_it_was(server: Server, person: Person) -> None:
    with server.database.transaction() as session:
        assert repository.drop_session(session, hashed(person.token)) == person.id
        assert repository.drop_session(session, hashed(person.token)) is None
