"""The first account of a server."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.server.support import PASSWORD, Server
from weft_server.accounts.setup import SetupToken


def body(server: Server, **changes: Any) -> dict[str, Any]:
    token = server.settings.setup_token_file.read_text().strip()
    given = {"token": token, "email": "ada@example.org", "name": "Ada", "password": PASSWORD}
    return given | changes


def test_every_other_route_waits_for_the_first_account(empty_server: Server) -> None:
    client = empty_server.client()
    answer = client.get("/api/session")
    assert (answer.status_code, answer.json()["code"]) == (503, "setup_required")
    answer = client.post("/api/session", json={"email": "a@b", "password": "x"})
    assert (answer.status_code, answer.json()["code"]) == (503, "setup_required")
    assert client.get("/api/health").status_code == 200
    assert client.get("/api/ready").status_code == 200


def test_setup_signs_in_and_makes_a_workspace(empty_server: Server) -> None:
    client = empty_server.client()
    answer = client.post("/api/setup", json=body(empty_server))
    assert answer.status_code == 201
    session = answer.json()
    assert session["user"]["email"] == "ada@example.org"
    assert [w["role"] for w in session["workspaces"]] == ["owner"]
    assert session["setup_required"] is False
    assert client.get("/api/session").json() == session


def test_the_token_works_once(empty_server: Server) -> None:
    given = body(empty_server)
    assert empty_server.client().post("/api/setup", json=given).status_code == 201
    assert not empty_server.settings.setup_token_file.exists()
    again = empty_server.client().post("/api/setup", json=given | {"email": "eve@example.org"})
    assert (again.status_code, again.json()["code"]) == (409, "setup.done")


def test_two_at_once_make_one_account(empty_server: Server) -> None:
    bodies = [body(empty_server, email=f"p{number}@example.org") for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(lambda given: empty_server.client().post("/api/setup", json=given), bodies)
        )
    codes = sorted(answer.status_code for answer in answers)
    assert codes[0] == 201
    assert all(code in {403, 409} for code in codes[1:])


@pytest.mark.parametrize("token", ["x", "0" * 43, "ü"])
def test_a_wrong_token_is_refused(empty_server: Server, token: str) -> None:
    answer = empty_server.client().post("/api/setup", json=body(empty_server, token=token))
    assert (answer.status_code, answer.json()["code"]) == (403, "setup.bad_token")
    assert empty_server.settings.setup_token_file.exists()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"password": "short"}, "auth.password_short"),
        ({"password": "ada@example.org"}, "auth.password_is_email"),
        ({"password": "aaaaaaaaaaaa"}, "auth.password_simple"),
        ({"password": "0123456789"}, "auth.password_simple"),
        ({"password": "x" * 1001}, "request.invalid"),
        ({"email": "nobody"}, "request.invalid"),
        ({"email": "a b@c"}, "request.invalid"),
        ({"name": "  "}, "request.invalid"),
        ({"name": "a\nb"}, "request.invalid"),
        ({"language": "fr"}, "request.invalid"),
        ({"admin": True}, "request.invalid"),
        ({"token": None}, "request.invalid"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_fields_are_named(empty_server: Server, changes: dict[str, Any], code: str) -> None:
    answer = empty_server.client().post("/api/setup", json=body(empty_server, **changes))
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, code)
    assert problem["fields"]


def test_the_workspace_speaks_the_language_of_its_owner(empty_server: Server) -> None:
    client = empty_server.client()
    session = client.post("/api/setup", json=body(empty_server, language="zh", name="小明")).json()
    assert session["workspaces"][0]["name"] == "小明的工作区"
    assert session["user"]["language"] == "zh"


def test_a_foreign_page_cannot_set_up(empty_server: Server) -> None:
    client = empty_server.client(Origin="https://evil.example")
    answer = client.post("/api/setup", json=body(empty_server))
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.foreign_origin")


def test_the_token_is_kept_over_restarts_until_it_is_used(data: Path) -> None:
    server = Server(data, engine=False)
    token = server.settings.setup_token_file.read_text()
    server.stop()
    server.start()
    assert server.settings.setup_token_file.read_text() == token
    server.set_up()
    server.stop()
    server.start()
    assert not server.settings.setup_token_file.exists()
    server.stop()


def test_the_token_is_for_the_server_only(tmp_path: Path) -> None:
    path = tmp_path / "setup-token"
    token = SetupToken(path)
    made = token.ensure()
    assert len(made) >= 43
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert token.ensure() == made
