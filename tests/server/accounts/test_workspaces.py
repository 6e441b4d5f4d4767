"""Workspaces, members, invitations."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from tests.server.support import PASSWORD, PASSWORD_HASH, Person, Server
from weft_server.accounts.people import create_user
from weft_server.accounts.tables import Invitation
from weft_server.database import utc_now


def members(server: Server) -> str:
    return f"/api/workspaces/{server.workspace_id}/members"


def invite(server: Server, email: str, role: str = "editor") -> dict[str, Any]:
    answer = server.client(server.owner).post(members(server), json={"email": email, "role": role})
    assert answer.status_code == 201, answer.text
    invitation: dict[str, Any] = answer.json()["invitation"]
    return invitation


def token_of(invitation: dict[str, Any]) -> str:
    return str(invitation["link"].partition("#token=")[2])


def accept(server: Server, invitation: dict[str, Any], **changes: Any):
    body = {"token": token_of(invitation), "name": "Grace", "password": PASSWORD}
    return server.client().post("/api/invitations/accept", json=body | changes)


def test_whoever_makes_a_workspace_owns_it(server: Server) -> None:
    person = server.make_user("grace@example.org", None)
    client = server.client(person)
    made = client.post("/api/workspaces", json={"name": "Lab"}).json()
    assert made["role"] == "owner"
    assert client.get("/api/workspaces").json()["items"] == [made]
    renamed = client.patch(f"/api/workspaces/{made['id']}", json={"name": "Laboratory"})
    assert renamed.json()["name"] == "Laboratory"


def test_somebody_with_an_account_is_added_at_once(server: Server) -> None:
    person = server.make_user("grace@example.org", None)
    answer = server.client(server.owner).post(
        members(server), json={"email": "Grace@example.org", "role": "viewer"}
    )
    assert answer.json()["member"]["role"] == "viewer"
    [workspace] = server.client(person).get("/api/workspaces").json()["items"]
    assert workspace["id"] == server.workspace_id


def test_somebody_without_an_account_is_invited(server: Server) -> None:
    invitation = invite(server, "grace@example.org", "viewer")
    assert invitation["link"].startswith(f"{server.url}/join#token=")
    look = server.client().post("/api/invitations/look", json={"token": token_of(invitation)})
    assert look.json() == {
        "email": "grace@example.org",
        "workspace": "Ada's workspace",
        "role": "viewer",
        "invited_by": "Ada",
        "has_account": False,
    }
    joined = accept(server, invitation)
    assert joined.status_code == 201
    assert joined.json()["user"]["email"] == "grace@example.org"
    assert joined.json()["workspaces"][0]["role"] == "viewer"
    listed = server.client(server.owner).get(members(server)).json()
    assert [item["role"] for item in listed["items"]] == ["owner", "viewer"]
    assert listed["invitations"] == []


def test_an_invitation_is_used_once(server: Server) -> None:
    invitation = invite(server, "grace@example.org")
    assert accept(server, invitation).status_code == 201
    again = accept(server, invitation)
    assert (again.status_code, again.json()["code"]) == (404, "invitation.not_found")


def test_an_invitation_ends(server: Server) -> None:
    invitation = invite(server, "grace@example.org")
    with server.database.transaction() as session:
        row = session.exec(select(Invitation)).one()
        row.expires_at = utc_now() - timedelta(seconds=1)
        session.add(row)
    assert accept(server, invitation).json()["code"] == "invitation.not_found"
    assert server.client(server.owner).get(members(server)).json()["invitations"] == []


def test_an_invitation_can_be_taken_back(server: Server) -> None:
    invitation = invite(server, "grace@example.org")
    path = f"/api/workspaces/{server.workspace_id}/invitations/{invitation['id']}"
    client = server.client(server.owner)
    assert client.delete(path).status_code == 204
    assert client.delete(path).json()["code"] == "invitation.not_found"
    assert accept(server, invitation).status_code == 404


def test_a_second_invitation_replaces_the_first(server: Server) -> None:
    first = invite(server, "grace@example.org", "viewer")
    second = invite(server, "grace@example.org", "editor")
    assert accept(server, first).status_code == 404
    assert accept(server, second).json()["workspaces"][0]["role"] == "editor"


def test_the_password_of_a_new_account_follows_the_rules(server: Server) -> None:
    invitation = invite(server, "grace@example.org")
    answer = accept(server, invitation, password="grace@example.org")
    assert answer.json()["code"] == "auth.password_is_email"
    assert accept(server, invitation).status_code == 201


def test_whoever_got_an_account_meanwhile_shows_their_password(server: Server) -> None:
    invitation = invite(server, "grace@example.org")
    server.make_user("grace@example.org", None)
    refused = accept(server, invitation, password="not her password")
    assert (refused.status_code, refused.json()["code"]) == (401, "auth.wrong_password")
    assert accept(server, invitation).status_code == 201


@pytest.mark.parametrize("token", [None, "", "x", "0" * 43], ids=["null", "empty", "x", "zeros"])
def test_worthless_tokens(server: Server, token: str | None) -> None:
    body = {"token": token, "name": "Eve", "password": PASSWORD}
    answer = server.client().post("/api/invitations/accept", json=body)
    assert answer.status_code in {404, 422}


def test_owners_change_roles_and_remove(server: Server) -> None:
    person = server.make_user("grace@example.org", "viewer")
    client = server.client(server.owner)
    path = f"{members(server)}/{person.id}"
    assert client.patch(path, json={"role": "owner"}).json()["role"] == "owner"
    assert client.delete(path).status_code == 204
    assert server.client(person).get("/api/workspaces").json()["items"] == []
    assert client.delete(path).json()["code"] == "member.not_found"


def test_everybody_may_leave_but_the_last_owner(server: Server) -> None:
    person = server.make_user("grace@example.org", "viewer")
    assert server.client(person).delete(f"{members(server)}/{person.id}").status_code == 204
    client = server.client(server.owner)
    own = f"{members(server)}/{server.owner.id}"
    for answer in (client.delete(own), client.patch(own, json={"role": "editor"})):
        assert (answer.status_code, answer.json()["code"]) == (409, "member.last_owner")
    other = server.make_user("heir@example.org", "owner")
    assert client.delete(own).status_code == 204
    assert server.client(other).get(members(server)).json()["items"][0]["user"]["id"] == other.id


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_only_owners_manage_members(server: Server, role: str) -> None:
    person = server.make_user("grace@example.org", role)
    client = server.client(person)
    invite(server, "guest@example.org")
    owner = f"{members(server)}/{server.owner.id}"
    answers = [
        client.post(members(server), json={"email": "x@example.org", "role": "viewer"}),
        client.patch(owner, json={"role": "viewer"}),
        client.delete(owner),
        client.patch(f"{members(server)}/{person.id}", json={"role": "owner"}),
        client.patch(f"/api/workspaces/{server.workspace_id}", json={"name": "Mine"}),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.forbidden")
    listed = client.get(members(server)).json()
    assert len(listed["items"]) == 2
    assert listed["invitations"] == []


def test_a_member_is_added_once(server: Server) -> None:
    person = server.make_user("grace@example.org")
    body = {"email": person.email, "role": "owner"}
    answer = server.client(server.owner).post(members(server), json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "member.exists")


def stranger(server: Server) -> Person:
    return server.make_user("eve@example.org", None)


def test_a_foreign_workspace_is_not_there(server: Server) -> None:
    client = server.client(stranger(server))
    answer = client.get(members(server))
    assert (answer.status_code, answer.json()["code"]) == (404, "workspace.not_found")


def test_an_account_made_while_an_invitation_is_accepted_opens_to_its_password_only(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever holds a link must not slip into an account that appears in that very moment."""
    invitation = invite(server, "grace@example.org")
    passwords = server.app.state.accounts._passwords
    hash_it = passwords.hash

    async def meanwhile(password: str) -> str:
        with server.database.transaction() as session:
            create_user(session, email="grace@example.org", name="G", password_hash=PASSWORD_HASH)
        return str(await hash_it(password))

    monkeypatch.setattr(passwords, "hash", meanwhile)
    answer = accept(server, invitation, password="some other long password")
    assert (answer.status_code, answer.json()["code"]) == (409, "invitation.account_exists")
    assert "set-cookie" not in answer.headers
    assert accept(server, invitation).status_code == 201


def test_an_invitation_accepted_twice_at_once_counts_once(server: Server) -> None:
    invitation = invite(server, "grace@example.org")
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: accept(server, invitation), range(4)))
    assert [answer.status_code for answer in answers].count(201) == 1
    assert all(answer.status_code in {201, 404, 409} for answer in answers)


def test_owners_who_leave_at_once_leave_one_behind(server: Server) -> None:
    owners = [server.owner, *(server.make_user(f"o{n}@example.org", "owner") for n in range(3))]

    def leave(person: Person) -> int:
        path = f"/api/workspaces/{server.workspace_id}/members/{person.id}"
        return server.client(person).delete(path).status_code

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(leave, owners))
    assert sorted(answers) == [204, 204, 204, 409]
