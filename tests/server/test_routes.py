"""Who gets through which door. The doors are enumerated from the application itself."""

from collections.abc import Iterator
from socket import create_connection
from typing import Any

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.server import routes
from tests.server.routes import CLOSED, HTTP, SOCKETS, Route
from tests.server.support import Person, Server
from weft_server.database import utc_now
from weft_server.ids import new_id
from weft_server.runs.tables import RunRow

BODIES: dict[str, Any] = {
    "updateFlow": {"name": "Taken over"},
    "replaceShares": {"items": []},
    "patchFlow": {"ops": []},
    "renameWorkspace": {"name": "Taken over"},
    "addMember": {"email": "eve@example.org", "role": "owner"},
    "changeRole": {"role": "owner"},
    "sendMessage": {"message": 1},
    "setBreakpoints": {"breakpoints": []},
    "editValue": {"at": "a@", "port": "text", "value": 1},
    "sendSignal": {"name": "go"},
    "forkRun": {"from_node": "a"},
    "planFork": {"from_node": "a"},
}
LEAST_ROLE = {
    "getFlow": "viewer",
    "updateFlow": "editor",
    "deleteFlow": "owner",
    "duplicateFlow": "viewer",
    "listShares": "viewer",
    "replaceShares": "owner",
    "getDefinition": "viewer",
    "patchFlow": "editor",
    "checkStoredFlow": "viewer",
    "startRun": "editor",
    "getRun": "viewer",
    "getRunNode": "viewer",
    "listRunEvents": "viewer",
    "cancelRun": "editor",
    "getLive": "viewer",
    "getRunDefinition": "viewer",
    "listActivations": "viewer",
    "listCheckpoints": "viewer",
    "listCalledRuns": "viewer",
    **dict.fromkeys(["pauseRun", "resumeRun", "stepRun", "setBreakpoints"], "editor"),
    **dict.fromkeys(
        ["editValue", "sendSignal", "forkRun", "retryRun", "planFork", "planRetry"], "editor"
    ),
    "renameWorkspace": "owner",
    "listMembers": "viewer",
    "addMember": "owner",
    "changeRole": "owner",
    "removeMember": "owner",
    "revokeInvitation": "owner",
    "listFiles": "viewer",
    "downloadFile": "viewer",
    "uploadFile": "editor",
    "armFlow": "editor",
    "disarmFlow": "editor",
    "listTriggers": "viewer",
    "setTriggerSecret": "editor",
    "removeTriggerSecret": "editor",
    "renewTriggerAddress": "editor",
    "listTriggerEvents": "viewer",
    "getTriggerEvent": "viewer",
    "replayTriggerEvent": "editor",
    "sendMessage": "editor",
    "deleteFile": "editor",
}
RANKS = ["viewer", "editor", "owner"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("routes") / "data", engine=False)
    running.set_up()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def ids(shared: Server) -> dict[str, str]:
    """Real ids of things in the first workspace."""
    client = shared.client(shared.owner)
    flow = client.post("/api/flows", json={"name": "Private"}).json()
    key = client.post("/api/keys", json={"name": "Private"}).json()
    invited = client.post(
        f"/api/workspaces/{shared.workspace_id}/members",
        json={"email": "guest@example.org", "role": "viewer"},
    ).json()
    run_id = new_id("run")
    with shared.database.transaction() as session:
        session.add(
            RunRow(
                id=run_id,
                number=1,
                flow_id=flow["id"],
                workspace_id=shared.workspace_id,
                state="completed",
                inputs="{}",
                env="local",
                created_at=utc_now(),
                definition="{}",
            )
        )
    return {
        "flow_id": flow["id"],
        "run_id": run_id,
        "key_id": key["id"],
        "workspace_id": shared.workspace_id,
        "user_id": shared.owner.id,
        "invitation_id": invited["invitation"]["id"],
        "node": "a",
    }


def call(server: Server, person: Person | None, route: Route, ids: dict[str, str]):
    body = BODIES.get(route.operation)
    return server.client(person).request(route.method, route.at(ids), json=body)


@pytest.mark.parametrize("route", CLOSED, ids=str)
def test_signed_out_nothing_opens(shared: Server, ids: dict[str, str], route: Route) -> None:
    answer = call(shared, None, route, ids)
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.required")


def test_the_public_doors_are_few() -> None:
    closed = {route.operation for route in CLOSED}
    assert not closed & routes.PUBLIC
    assert {route.operation for route in HTTP} >= routes.PUBLIC
    assert all(route.path.startswith(("/api/", "/hooks/")) for route in HTTP)
    assert all(route.path.startswith("/ws/") for route in SOCKETS)


INTERNAL = [
    *("X-Forwarded-User", "X-Remote-User", "Remote-User", "X-Internal", "X-Request-From"),
    *("X-Original-URL", "X-Rewrite-URL", "X-Forwarded-For", "X-Real-IP", "X-User-Id", "X-Admin"),
    *("X-Forwarded-Host", "X-Http-Method-Override", "Forwarded", "X-Auth-Request-User", "Via"),
]


def test_no_header_of_a_proxy_lets_anybody_in(shared: Server) -> None:
    headers = dict.fromkeys(INTERNAL, "internal") | {"X-User-Id": shared.owner.id}
    client = shared.client(None, **headers)
    assert client.get("/api/session").status_code == 401
    assert client.post("/api/workspaces", json={"name": "x"}).status_code == 401


@pytest.fixture(scope="module")
def stranger(shared: Server) -> Person:
    person = shared.make_user("stranger@example.org", None)
    shared.make_workspace(person)
    return person


@pytest.mark.parametrize("route", [route for route in CLOSED if route.parameters], ids=str)
def test_what_belongs_to_others_is_not_there(
    shared: Server, ids: dict[str, str], stranger: Person, route: Route
) -> None:
    answer = call(shared, stranger, route, ids)
    assert answer.status_code == 404, f"give {route.operation} a valid body in BODIES"
    assert answer.json()["code"].endswith(".not_found")
    missing = call(shared, stranger, route, {})
    assert missing.status_code == 404
    assert missing.json()["code"] == answer.json()["code"]


LISTS = [route for route in CLOSED if route.method == "GET" and not route.parameters]


@pytest.mark.parametrize("route", LISTS, ids=str)
def test_lists_show_nothing_of_others(
    shared: Server, ids: dict[str, str], stranger: Person, route: Route
) -> None:
    answer = call(shared, stranger, route, ids)
    assert answer.status_code == 200
    assert not [one for one in ids.values() if len(one) > 10 and one in answer.text]


@pytest.mark.parametrize(
    "path", ["/api/flows?workspace={workspace_id}", "/api/runs?flow={flow_id}"]
)
def test_filters_open_nothing(
    shared: Server, ids: dict[str, str], stranger: Person, path: str
) -> None:
    answer = shared.client(stranger).get(path.format(**ids))
    assert answer.status_code == 404 or answer.json()["items"] == []


GUARDED = [route for route in CLOSED if route.parameters and route.operation != "deleteKey"]
TOO_SMALL = [
    (role, route) for route in GUARDED for role in RANKS[: RANKS.index(LEAST_ROLE[route.operation])]
]


@pytest.mark.parametrize(("role", "route"), TOO_SMALL, ids=str)
def test_roles_do_not_reach_further(
    shared: Server, ids: dict[str, str], role: str, route: Route
) -> None:
    person = shared.make_user(f"{role}-{route.operation.lower()}@example.org", role)
    answer = call(shared, person, route, ids)
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.forbidden")


@pytest.mark.parametrize("route", SOCKETS, ids=str)
@pytest.mark.parametrize(
    ("who", "origin", "code"),
    [
        (None, "own", 4401),
        ("expired", "own", 4401),
        ("owner", "https://evil.example", 4403),
        ("owner", None, 4403),
        ("stranger", "own", 4404),
    ],
    ids=["signed out", "expired", "foreign page", "no origin", "stranger"],
)
def test_sockets_are_refused_with_a_code(
    shared: Server,
    ids: dict[str, str],
    stranger: Person,
    route: Route,
    who: str | None,
    origin: str | None,
    code: int,
) -> None:
    cookies = {
        None: "",
        "expired": "weft_session=expired",
        "owner": shared.owner.cookie_header,
        "stranger": stranger.cookie_header,
    }[who]
    url = f"{shared.ws_url}{route.at(ids)}"
    given = shared.url if origin == "own" else origin
    with connect(url, origin=given, additional_headers={"Cookie": cookies}) as socket:
        assert _close_code(socket) == code


def _close_code(socket: ClientConnection) -> int | None:
    try:
        while True:
            socket.recv(timeout=30)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


@pytest.mark.parametrize("route", SOCKETS, ids=str)
def test_sockets_of_a_strange_host_are_not_opened(
    shared: Server, ids: dict[str, str], route: Route
) -> None:
    url = f"ws://rebound.example:{shared.port}{route.at(ids)}"
    headers = {"Cookie": shared.owner.cookie_header}
    with pytest.raises(Exception, match="403"):
        connect(
            url,
            sock=create_connection(("127.0.0.1", shared.port)),
            origin=f"http://rebound.example:{shared.port}",
            additional_headers=headers,
        )


GARBAGE: list[bytes] = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"\xff\xfe\x00",
    b'{"name": {"a": [1]}, "ops": 5, "flow": [], "items": {}, "inputs": [], "email": 1}',
    b'{"name": "\\ud800", "email": "\\udfff", "ops": [{"op": "\\ud800"}]}',
    b'{"name": "a\\u0000b", "flow": {"nodes": null}, "role": "emperor"}',
    b'{"flow": {"format": "weft/9", "name": 1e400, "nodes": {"a b": {}}}}',
    b'{"x": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    b'{"name": ' + b"9" * 5_000 + b"}",
]


@pytest.fixture(scope="module")
def program(shared: Server) -> httpx2.Client:
    """A client with an API key, which no request can sign out."""
    key = shared.client(shared.owner).post("/api/keys", json={"name": "fuzz"}).json()["key"]
    return shared.client(Authorization=f"Bearer {key}", **{"Content-Type": "application/json"})


@pytest.mark.parametrize("route", HTTP, ids=str)
def test_no_garbage_breaks_the_server(
    program: httpx2.Client, ids: dict[str, str], route: Route
) -> None:
    params = {"limit": "-1", "cursor": "\x00", "query": "%", "after": "x", "wait": "no"}
    paths = {route.at({}), route.at({}).replace("no_such_id", "%00%ff'\"<>..;")}
    if route.method == "GET":
        paths.add(route.at(ids))
    for path in sorted(paths):
        for body in GARBAGE:
            answer = program.request(route.method, path, content=body, params=params)
            assert answer.status_code < 500, (body[:80], answer.text)
            assert answer.status_code < 400 or answer.json()["code"], answer.text


def test_too_large_bodies_are_refused(shared: Server) -> None:
    client = shared.client(shared.owner)
    for route in CLOSED:
        if route.method in {"POST", "PUT", "PATCH"}:
            answer = client.request(route.method, route.at({}), content=b" " * 1_100_000)
            assert answer.status_code in {400, 404, 413}, (route, answer.text)
    answer = client.post("/api/workspaces", content=b" " * 1_100_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "request.too_large")


def test_a_body_without_length_is_bounded_too(shared: Server) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(20):
            yield b" " * 100_000

    answer = shared.client(shared.owner).post("/api/workspaces", content=chunks())
    assert (answer.status_code, answer.json()["code"]) == (413, "request.too_large")


def test_no_error_shows_the_inside(shared: Server, caplog: pytest.LogCaptureFixture) -> None:
    """A fault of ours is a plain answer and a line in the log."""
    state = shared.app.state
    kept, state.catalogue_bytes = state.get("catalogue_bytes"), object()
    try:
        answer = shared.client(shared.owner).get("/api/node-types")
    finally:
        state.catalogue_bytes = kept
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "Traceback" not in answer.text
    assert "object" not in answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert any("/api/node-types failed" in record.message for record in caplog.records)


def test_every_route_is_described() -> None:
    documented = [route for route in HTTP if route not in routes.SCHEMA]
    names = [route.operation for route in documented]
    assert all(names), [str(route) for route in documented if not route.operation]
    assert len(names) == len(set(names))
