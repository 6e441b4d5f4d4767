"""Signing in and out, and what a session is good for."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import select

from tests.server.support import PASSWORD, Server
from weft_server.accounts.authenticator import ABSOLUTE, IDLE
from weft_server.accounts.tables import UserSession
from weft_server.accounts.throttle import FREE_ATTEMPTS
from weft_server.database import utc_now
from weft_server.events import ACCESS, Bus, Subscription


def sign_in(server: Server, email: str = "ada@example.org", password: str = PASSWORD):
    return server.client().post("/api/session", json={"email": email, "password": password})


def test_signing_in_gives_a_session_that_scripts_cannot_read(server: Server) -> None:
    answer = sign_in(server)
    assert answer.status_code == 200
    cookies = dict(header.split("=", 1) for header in answer.headers.get_list("set-cookie"))
    assert "HttpOnly" in cookies["weft_session"]
    assert "SameSite=lax" in cookies["weft_session"]
    assert "HttpOnly" not in cookies["weft_csrf"]
    assert answer.json()["csrf_token"] == answer.cookies["weft_csrf"]


def test_the_address_is_read_without_its_case(server: Server) -> None:
    assert sign_in(server, " ADA@Example.org ").status_code == 200


@pytest.mark.parametrize(
    ("email", "password"),
    [("ada@example.org", "wrong password"), ("nobody@example.org", PASSWORD), ("", PASSWORD)],
    ids=["wrong password", "unknown person", "no address"],
)
def test_a_wrong_sign_in_does_not_say_what_is_wrong(
    server: Server, email: str, password: str
) -> None:
    answer = sign_in(server, email, password)
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.wrong_password")
    assert "set-cookie" not in answer.headers


def test_tokens_are_stored_as_hashes(server: Server) -> None:
    answer = sign_in(server)
    token = answer.cookies["weft_session"]
    server.database.engine.dispose()
    for file in server.settings.data.glob("weft.db*"):
        assert token.encode() not in file.read_bytes()


def test_signing_out_ends_the_session(server: Server) -> None:
    client = server.client(server.owner)
    assert client.get("/api/session").status_code == 200
    assert client.delete("/api/session").status_code == 204
    again = server.client(server.owner).get("/api/session")
    assert (again.status_code, again.json()["code"]) == (401, "auth.required")


def test_signing_in_again_replaces_the_session_of_the_browser(server: Server) -> None:
    client = server.client(server.owner)
    assert client.get("/api/session").status_code == 200
    body = {"email": server.owner.email, "password": PASSWORD}
    assert client.post("/api/session", json=body).status_code == 200
    assert server.client(server.owner).get("/api/session").status_code == 401


@pytest.mark.parametrize(
    ("seen", "made"),
    [(IDLE + timedelta(minutes=1), IDLE + timedelta(minutes=1)), (timedelta(0), ABSOLUTE)],
    ids=["idle for 12 hours", "14 days old"],
)
def test_sessions_end_by_themselves(server: Server, seen: timedelta, made: timedelta) -> None:
    person = server.make_user("grace@example.org")
    with server.database.transaction() as session:
        row = session.exec(select(UserSession).where(UserSession.user_id == person.id)).one()
        row.seen_at = utc_now() - seen
        row.created_at = utc_now() - made
        row.expires_at = row.created_at + ABSOLUTE
        session.add(row)
    answer = server.client(person).get("/api/session")
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.required")


def test_using_a_session_keeps_it_alive(server: Server) -> None:
    person = server.make_user("grace@example.org")
    before = utc_now() - timedelta(hours=11)
    with server.database.transaction() as session:
        row = session.exec(select(UserSession).where(UserSession.user_id == person.id)).one()
        row.seen_at = before
        session.add(row)
    assert server.client(person).get("/api/session").status_code == 200
    with server.database.read() as session:
        row = session.exec(select(UserSession).where(UserSession.user_id == person.id)).one()
    assert row.seen_at > before + timedelta(hours=10)


def test_guessing_is_slowed_down_for_that_account_only(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.app.state.accounts._throttle, "_now", lambda: 1_000.0)
    for _ in range(5):
        assert sign_in(server, password="a wrong password").status_code == 401
    refused = sign_in(server)
    assert (refused.status_code, refused.json()["code"]) == (429, "auth.too_many_attempts")
    assert 1 <= int(refused.headers["retry-after"]) <= 5
    server.make_user("grace@example.org")
    assert sign_in(server, "grace@example.org").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{"X-CSRF-Token": ""}, {"X-CSRF-Token": "x" * 43}, {"X-CSRF-Token": "ü"}],
    ids=["none", "wrong", "not ascii"],
)
def test_changes_need_the_token_of_the_page(server: Server, headers: dict[str, str]) -> None:
    client = server.client(server.owner)
    encoded = {name: value.encode("latin-1") for name, value in headers.items()}
    answer = client.post("/api/workspaces", json={"name": "x"}, headers=encoded)
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.csrf")


def test_a_planted_csrf_cookie_proves_nothing(server: Server) -> None:
    client = server.client(server.owner)
    client.cookies.set("weft_csrf", "planted")
    answer = client.post("/api/workspaces", json={"name": "x"}, headers={"X-CSRF-Token": "planted"})
    assert answer.json()["code"] == "auth.csrf"


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "", "http://127.0.0.1:1", "http://127.0.0.1.evil"]
)
def test_changes_come_from_our_own_page(server: Server, origin: str) -> None:
    client = server.client(server.owner, Origin=origin)
    answer = client.post("/api/workspaces", json={"name": "x"})
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.foreign_origin")
    assert "access-control-allow-origin" not in answer.headers


def test_a_foreign_page_cannot_sign_anybody_in(server: Server) -> None:
    body = {"email": "ada@example.org", "password": PASSWORD}
    answer = server.client(Origin="https://evil.example").post("/api/session", json=body)
    assert answer.json()["code"] == "auth.foreign_origin"


def test_reading_needs_no_origin(server: Server) -> None:
    assert server.client(server.owner, Origin="").get("/api/session").status_code == 200


def test_a_profile_is_changed_field_by_field(server: Server) -> None:
    client = server.client(server.owner)
    answer = client.patch("/api/user", json={"language": "zh", "name": "Ada L."})
    assert answer.status_code == 200
    user = client.get("/api/session").json()["user"]
    assert (user["language"], user["name"]) == ("zh", "Ada L.")
    assert client.patch("/api/user", json={"color": "red"}).status_code == 422


def test_a_new_password_ends_every_other_session(server: Server) -> None:
    other = sign_in(server).cookies["weft_session"]
    client = server.client(server.owner)
    body = {"current": PASSWORD, "new": "another long passphrase"}
    assert client.post("/api/user/password", json=body).status_code == 204
    assert client.get("/api/session").status_code == 200
    elsewhere = server.client()
    elsewhere.cookies.set("weft_session", other)
    assert elsewhere.get("/api/session").status_code == 401
    assert sign_in(server).status_code == 401
    assert sign_in(server, password="another long passphrase").status_code == 200


def test_a_new_password_needs_the_present_one(server: Server) -> None:
    body = {"current": "a wrong password", "new": "another long passphrase"}
    answer = server.client(server.owner).post("/api/user/password", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "auth.wrong_password")


def test_unknown_people_take_as_long_as_known_ones(server: Server) -> None:
    """Both run the same hash once; the test counts hashes, not milliseconds."""
    passwords = server.app.state.accounts._passwords
    seen: list[str] = []
    original = passwords._verify
    passwords._verify = lambda stored, given: seen.append(stored) or original(stored, given)
    sign_in(server, password="a wrong password")
    sign_in(server, "nobody@example.org")
    parameters = [stored.split("$")[3] for stored in seen]
    assert len(parameters) == 2
    assert parameters[0] == parameters[1]


def test_guessing_many_times_at_once_is_slowed_down_too(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However long the hashes take, all of it happens at the same time.
    monkeypatch.setattr(server.app.state.accounts._throttle, "_now", lambda: 1_000.0)

    def guess(number: int) -> int:
        return sign_in(server, password=f"wrong password {number}").status_code

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(guess, range(24)))
    assert answers.count(401) == FREE_ATTEMPTS
    assert answers.count(429) == 24 - FREE_ATTEMPTS


def test_signing_in_again_closes_the_sockets_of_the_session_before(server: Server) -> None:
    person = server.make_user("grace@example.org")
    client = server.client(person)
    changes = _Changes(server)
    body = {"email": person.email, "password": PASSWORD}
    assert client.post("/api/session", json=body).status_code == 200
    assert changes.seen() == [person.id]


class _Changes:
    """Whose rights changed, as the bus tells it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._subscription = server.call(self._subscribe())

    async def _subscribe(self) -> Subscription:
        bus: Bus = self._server.app.state.bus
        return bus.subscribe(ACCESS)

    def seen(self) -> list[str]:
        async def read() -> list[str]:
            self._subscription.close()
            return [event["user_id"] async for event in self._subscription]

        return self._server.call(read())
