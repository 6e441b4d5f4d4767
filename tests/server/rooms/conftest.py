"""Fixtures of rooms: a server, a flow in it, and clients."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from tests.server.rooms.clients import Client
from tests.server.support import Person, Server

Join = Callable[..., Client]


@pytest.fixture(scope="session")
def engine() -> bool:
    """No flow is run here."""
    return False


async def over(happening: Callable[[], object]) -> None:
    """Let the event loop of the server work until something is over."""
    async with asyncio.timeout(20):
        while happening():  # noqa: ASYNC110 - nothing tells the end
            await asyncio.sleep(0.001)


@pytest.fixture
def flow_id(server: Server) -> str:
    """A flow without nodes."""
    answer = server.client(server.owner).post("/api/flows", json={"name": "Shared"})
    assert answer.status_code == 201, answer.text
    made: str = answer.json()["id"]
    return made


@pytest.fixture
def editor(server: Server) -> Person:
    return server.make_user("eda@example.org", "editor")


@pytest.fixture
def viewer(server: Server) -> Person:
    return server.make_user("vera@example.org", "viewer")


@pytest.fixture
def join(server: Server, flow_id: str) -> Iterator[Join]:
    """Join the room of the flow; everybody leaves at the end."""
    clients: list[Client] = []

    def enter(person: Person | None = None, **given: object) -> Client:
        client = Client(server, flow_id, person or server.owner, **given)  # type: ignore[arg-type]
        clients.append(client)
        return client

    yield enter
    for client in clients:
        client.close()
