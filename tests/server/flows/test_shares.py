"""Flows shared with people who are not in their workspace."""

from typing import Any

import pytest

from tests.server.support import Person, Server
from weft_server.accounts.roles import Role
from weft_server.accounts.workspaces import join


@pytest.fixture
def flow(server: Server) -> str:
    made = server.client(server.owner).post("/api/flows", json={"name": "Shared"}).json()
    return str(made["id"])


@pytest.fixture
def guest(server: Server) -> Person:
    return server.make_user("guest@example.org", None)


def share(server: Server, flow: str, *people: tuple[str, str]) -> Any:
    items = [{"email": email, "role": role} for email, role in people]
    return server.client(server.owner).put(f"/api/flows/{flow}/shares", json={"items": items})


def test_a_share_shows_one_flow_and_no_more(server: Server, flow: str, guest: Person) -> None:
    client = server.client(guest)
    assert client.get(f"/api/flows/{flow}").status_code == 404
    answer = share(server, flow, (guest.email, "viewer"))
    assert answer.json()["items"][0]["user"]["id"] == guest.id
    assert client.get(f"/api/flows/{flow}").json()["role"] == "viewer"
    assert [item["id"] for item in client.get("/api/flows").json()["items"]] == [flow]
    members = client.get(f"/api/workspaces/{server.workspace_id}/members")
    assert members.status_code == 404


def test_the_role_of_a_share_holds(server: Server, flow: str, guest: Person) -> None:
    client = server.client(guest)
    share(server, flow, (guest.email, "viewer"))
    assert client.patch(f"/api/flows/{flow}", json={"name": "x"}).status_code == 403
    share(server, flow, (guest.email, "editor"))
    assert client.patch(f"/api/flows/{flow}", json={"name": "x"}).status_code == 200
    assert client.delete(f"/api/flows/{flow}").status_code == 403


def test_the_greater_role_counts(server: Server, flow: str) -> None:
    member = server.make_user("grace@example.org", "viewer")
    share(server, flow, (member.email, "editor"))
    assert server.client(member).get(f"/api/flows/{flow}").json()["role"] == "editor"
    owner = server.make_user("second@example.org", "owner")
    share(server, flow, (owner.email, "viewer"))
    assert server.client(owner).get(f"/api/flows/{flow}").json()["role"] == "owner"


def test_the_list_is_replaced(server: Server, flow: str, guest: Person) -> None:
    share(server, flow, (guest.email, "viewer"))
    assert share(server, flow).json()["items"] == []
    assert server.client(guest).get(f"/api/flows/{flow}").status_code == 404


@pytest.mark.parametrize(
    ("email", "role", "code"),
    [
        ("nobody@example.org", "viewer", "share.unknown_person"),
        ("guest@example.org", "owner", "share.role"),
        ("guest@example.org", "emperor", "request.invalid"),
    ],
)
def test_bad_shares_change_nothing(
    server: Server, flow: str, guest: Person, email: str, role: str, code: str
) -> None:
    share(server, flow, (guest.email, "viewer"))
    answer = share(server, flow, (guest.email, "editor"), (email, role))
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert server.client(guest).get(f"/api/flows/{flow}").json()["role"] == "viewer"


def test_a_copy_of_a_shared_flow_goes_home(server: Server, flow: str, guest: Person) -> None:
    share(server, flow, (guest.email, "viewer"))
    client = server.client(guest)
    assert client.post(f"/api/flows/{flow}/duplicate").json()["code"] == "flow.no_workspace"
    workspace = server.make_workspace(guest)
    assert client.post(f"/api/flows/{flow}/duplicate").json()["workspace_id"] == workspace


def test_those_who_lose_a_share_are_named_on_the_bus(
    server: Server, flow: str, guest: Person
) -> None:
    async def subscribe() -> Any:
        return server.app.state.bus.subscribe("access")

    async def next_event(events: Any) -> dict[str, Any]:
        event: dict[str, Any] = await anext(events)
        return event

    share(server, flow, (guest.email, "viewer"))
    events = server.call(subscribe())
    share(server, flow)
    assert server.call(next_event(events)) == {"user_id": guest.id, "flow_id": flow}


@pytest.mark.parametrize("by_themselves", [True, False], ids=["leaves", "is removed"])
def test_whoever_leaves_a_workspace_keeps_no_way_into_its_flows(
    server: Server, by_themselves: bool
) -> None:
    member = server.make_user("grace@example.org", "editor")
    client = server.client(member)
    own = client.post("/api/flows", json={"name": "Mine"}).json()["id"]
    items = [{"email": member.email, "role": "editor"}]
    assert client.put(f"/api/flows/{own}/shares", json={"items": items}).status_code == 200
    owner = server.client(server.owner)
    path = f"/api/workspaces/{server.workspace_id}/members/{member.id}"
    assert (client if by_themselves else owner).delete(path).status_code == 204
    assert client.get(f"/api/flows/{own}").status_code == 404
    assert client.get("/api/flows").json()["items"] == []
    assert owner.get(f"/api/flows/{own}/shares").json()["items"] == []


def test_shares_in_other_workspaces_stay(server: Server, guest: Person) -> None:
    elsewhere = server.make_user("else@example.org", None)
    workspace = server.make_workspace(elsewhere)
    client = server.client(elsewhere)
    flow = client.post("/api/flows", json={"name": "There", "workspace_id": workspace}).json()["id"]
    client.put(
        f"/api/flows/{flow}/shares", json={"items": [{"email": guest.email, "role": "viewer"}]}
    )
    with server.database.transaction() as session:
        join(session, server.workspace_id, guest.id, Role.VIEWER)
    path = f"/api/workspaces/{server.workspace_id}/members/{guest.id}"
    assert server.client(server.owner).delete(path).status_code == 204
    assert server.client(guest).get(f"/api/flows/{flow}").status_code == 200
