"""Bodies that are not JSON, where JSON is read."""

import pytest

from tests.server.support import PASSWORD, Server

BODY = b'{"name": "x"}'


@pytest.mark.parametrize(
    "media_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "x"],
)
def test_other_media_types_are_refused(server: Server, media_type: str) -> None:
    headers = {"Content-Type": media_type}
    client = server.client(server.owner)
    answer = client.post("/api/workspaces", content=BODY, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "request.media_type")
    sign_in = {"email": server.owner.email, "password": PASSWORD}
    answer = server.client().post("/api/session", data=sign_in, headers=headers)
    assert answer.status_code == 415


@pytest.mark.parametrize(
    "media_type", ["application/json", "Application/JSON; charset=utf-8"], ids=["plain", "charset"]
)
def test_json_is_read_however_it_is_called(server: Server, media_type: str) -> None:
    client = server.client(server.owner)
    answer = client.post("/api/workspaces", content=BODY, headers={"Content-Type": media_type})
    assert answer.status_code == 201


def test_no_body_has_no_type(server: Server) -> None:
    client = server.client(server.owner)
    flow = client.post("/api/flows", json={"name": "x"}).json()["id"]
    headers = {"Content-Type": "text/plain", "Content-Length": "0"}
    assert client.post(f"/api/flows/{flow}/duplicate", headers=headers).status_code == 201
