"""API keys."""

from tests.server.support import Server


def test_a_key_acts_for_its_person(server: Server) -> None:
    client = server.client(server.owner)
    made = client.post("/api/keys", json={"name": "CI"})
    assert made.status_code == 201
    key = made.json()
    assert key["key"].startswith("weft_")
    assert key["key"].startswith(key["prefix"])
    program = server.client(Authorization=f"Bearer {key['key']}", Origin="")
    assert program.get("/api/session").json()["user"]["id"] == server.owner.id
    assert program.post("/api/workspaces", json={"name": "By key"}).status_code == 201


def test_a_key_is_shown_once(server: Server) -> None:
    client = server.client(server.owner)
    key = client.post("/api/keys", json={"name": "CI"}).json()
    [listed] = client.get("/api/keys").json()["items"]
    assert "key" not in listed
    assert listed["prefix"] == key["prefix"]
    assert listed["last_used_at"] is None
    assert server.client(Authorization=f"Bearer {key['key']}").get("/api/keys").status_code == 200
    [listed] = client.get("/api/keys").json()["items"]
    assert listed["last_used_at"] is not None


def test_a_deleted_key_opens_nothing(server: Server) -> None:
    client = server.client(server.owner)
    key = client.post("/api/keys", json={"name": "CI"}).json()
    program = server.client(Authorization=f"Bearer {key['key']}")
    assert program.get("/api/session").status_code == 200
    assert client.delete(f"/api/keys/{key['id']}").status_code == 204
    answer = program.get("/api/session")
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.bad_key")


def test_a_bad_key_is_not_saved_by_a_good_cookie(server: Server) -> None:
    client = server.client(server.owner, Authorization="Bearer weft_wrong")
    assert client.get("/api/session").json()["code"] == "auth.bad_key"


def test_keys_make_no_keys_and_no_passwords(server: Server) -> None:
    key = server.client(server.owner).post("/api/keys", json={"name": "CI"}).json()["key"]
    program = server.client(Authorization=f"Bearer {key}")
    for path, body in [
        ("/api/keys", {"name": "another"}),
        ("/api/user/password", {"current": "x", "new": "y"}),
    ]:
        answer = program.post(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.session_needed")


def test_keys_are_ones_own(server: Server) -> None:
    key = server.client(server.owner).post("/api/keys", json={"name": "CI"}).json()
    other = server.client(server.make_user("eve@example.org"))
    assert other.get("/api/keys").json()["items"] == []
    answer = other.delete(f"/api/keys/{key['id']}")
    assert (answer.status_code, answer.json()["code"]) == (404, "key.not_found")
