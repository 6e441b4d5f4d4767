"""Flows as a whole: made, found, renamed, copied, deleted."""

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from tests.server.support import Person, Server
from weft_engine.flow.model import Flow
from weft_server.accounts.roles import Role
from weft_server.accounts.workspaces import join

FLOW: dict[str, Any] = {
    "format": "weft/1",
    "name": "Big sales",
    "description": "Orders above a hundred",
    "nodes": {
        "read": {
            "type": "file.read_csv",
            "settings": {"path": "examples/data/sales.csv"},
            "position": {"x": 0, "y": 0},
        },
        "keep": {
            "type": "data.filter",
            "settings": {"where": "item.amount > 100"},
            "position": {"x": 300, "y": 40},
        },
    },
    "edges": [{"source": "read", "source_port": "rows", "target": "keep", "target_port": "rows"}],
}
YAML = """
format: weft/1
name: From a file
nodes:
  read:
    type: file.read_csv
    settings: {path: examples/data/sales.csv}
"""


def definition(server: Server, flow_id: str) -> Flow:
    return server.call(server.app.state.documents.read(flow_id))


def make(server: Server, name: str, person: Person | None = None) -> dict[str, Any]:
    answer = server.client(person or server.owner).post("/api/flows", json={"name": name})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def names(server: Server, query: str = "", person: Person | None = None) -> list[str]:
    answer = server.client(person or server.owner).get(f"/api/flows?{query}")
    assert answer.status_code == 200, answer.text
    return [item["name"] for item in answer.json()["items"]]


@pytest.fixture
def bare(server: Server) -> Server:
    """A server without the examples."""
    client = server.client(server.owner)
    while items := client.get("/api/flows?limit=200").json()["items"]:
        for item in items:
            assert client.delete(f"/api/flows/{item['id']}").status_code == 204
    return server


def test_a_flow_begins_with_a_name(bare: Server) -> None:
    made = make(bare, " Morning report ")
    assert made["name"] == "Morning report"
    assert (made["workspace_id"], made["role"]) == (bare.workspace_id, "owner")
    assert made["created_by"] == {"id": bare.owner.id, "name": "Ada"}
    assert made["preview"] == {"nodes": [], "edges": []}
    assert definition(bare, made["id"]) == Flow(name="Morning report")
    assert bare.client(bare.owner).get(f"/api/flows/{made['id']}").json() == made


def test_a_flow_begins_with_a_whole_flow(bare: Server) -> None:
    answer = bare.client(bare.owner).post("/api/flows", json={"flow": FLOW})
    made = answer.json()
    assert (made["name"], made["description"]) == (FLOW["name"], FLOW["description"])
    assert made["preview"] == {
        "nodes": [
            {"x": 300, "y": 40, "category": "process", "parent": None},
            {"x": 0, "y": 0, "category": "source", "parent": None},
        ],
        "edges": [[1, 0]],
    }
    assert definition(bare, made["id"]) == Flow.model_validate(FLOW)


def test_a_name_goes_before_the_one_in_the_flow(bare: Server) -> None:
    body = {"flow": FLOW, "name": "Other"}
    made = bare.client(bare.owner).post("/api/flows", json=body).json()
    assert made["name"] == definition(bare, made["id"]).name == "Other"


@pytest.mark.parametrize("media_type", ["application/yaml", "text/yaml; charset=utf-8"])
def test_a_flow_begins_with_a_file(bare: Server, media_type: str) -> None:
    answer = bare.client(bare.owner).post(
        "/api/flows", content=YAML.encode(), headers={"Content-Type": media_type}
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["name"] == "From a file"


@pytest.mark.parametrize(
    ("body", "media_type", "status", "code"),
    [
        (b"nodes: [", "application/yaml", 422, "flow.file.malformed"),
        (b"\xff\xfe", "application/yaml", 400, "request.malformed"),
        (b"", "application/yaml", 422, "flow.file.empty"),
        (b"{", "application/json", 400, "request.malformed"),
        (b"[]", "application/json", 422, "request.invalid"),
        (b'{"nam": "x"}', "application/json", 422, "request.invalid"),
        (b'{"name": ""}', "application/json", 422, "request.invalid"),
        (b'{"name": "%s"}' % (b"x" * 300), "application/json", 422, "request.invalid"),
        (b"name=x", "application/x-www-form-urlencoded", 415, "request.media_type"),
        (b"<flow/>", "text/xml", 415, "request.media_type"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_makes_no_flow(
    bare: Server, body: bytes, media_type: str, status: int, code: str
) -> None:
    answer = bare.client(bare.owner).post(
        "/api/flows", content=body, headers={"Content-Type": media_type}
    )
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["hint"]
    assert names(bare) == []


def test_a_mistake_in_a_flow_is_told_as_in_a_file(bare: Server) -> None:
    broken = FLOW | {"nodes": {"read": {"kind": "file.read_csv"}}}
    answer = bare.client(bare.owner).post("/api/flows", json={"flow": broken})
    problem = answer.json()
    assert answer.status_code == 422
    assert problem["code"].startswith("flow.file.")
    assert "type" in problem["hint"] + problem["detail"]


def test_the_last_changed_flow_stands_first(bare: Server) -> None:
    made = [make(bare, f"Flow {number}") for number in range(3)]
    assert names(bare) == ["Flow 2", "Flow 1", "Flow 0"]
    bare.client(bare.owner).patch(f"/api/flows/{made[0]['id']}", json={"description": "new"})
    assert names(bare) == ["Flow 0", "Flow 2", "Flow 1"]


def test_pages_hold_every_flow_once(bare: Server) -> None:
    for number in range(7):
        make(bare, f"Flow {number}")
    client = bare.client(bare.owner)
    seen, cursor, pages = [], "", 0
    while cursor is not None:
        page = client.get("/api/flows", params={"limit": 3, "cursor": cursor or None}).json()
        seen += [item["name"] for item in page["items"]]
        cursor, pages = page["next_cursor"], pages + 1
    assert (sorted(seen), pages) == ([f"Flow {number}" for number in range(7)], 3)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("sales", ["Monthly SALES"]),
        ("report sales", []),
        ("ly al", ["Monthly SALES"]),
        ("销售", ["销售报表"]),
        ("100%", ["100% done"]),
        ("%", ["100% done"]),
        ("_", []),
        ("'", []),
        ("", ["100% done", "销售报表", "Monthly SALES"]),
    ],
)
def test_searching(bare: Server, query: str, found: list[str]) -> None:
    for name in ("Monthly SALES", "销售报表", "100% done"):
        make(bare, name)
    items = bare.client(bare.owner).get("/api/flows", params={"query": query}).json()["items"]
    assert [item["name"] for item in items] == found


@pytest.mark.parametrize("cursor", ["x", "bnVsbA", "W10", "é", "WzEsMl0", "////"])
def test_a_foreign_cursor(bare: Server, cursor: str) -> None:
    answer = bare.client(bare.owner).get("/api/flows", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (400, "request.bad_cursor")


def test_a_new_name_reaches_the_document(bare: Server) -> None:
    made = make(bare, "Old")
    client = bare.client(bare.owner)
    answer = client.patch(f"/api/flows/{made['id']}", json={"name": "New", "description": "why"})
    assert (answer.json()["name"], answer.json()["description"]) == ("New", "why")
    assert definition(bare, made["id"]) == Flow(name="New", description="why")
    assert client.patch(f"/api/flows/{made['id']}", json={}).json()["name"] == "New"


def test_a_copy_is_a_flow_of_its_own(bare: Server) -> None:
    client = bare.client(bare.owner)
    made = client.post("/api/flows", json={"flow": FLOW}).json()
    copy = client.post(f"/api/flows/{made['id']}/duplicate").json()
    assert copy["id"] != made["id"]
    assert copy["name"] == "Big sales (2)"
    assert copy["preview"] == made["preview"]
    named = client.post(f"/api/flows/{made['id']}/duplicate", json={"name": "Third"}).json()
    assert named["name"] == "Third"
    client.patch(f"/api/flows/{copy['id']}", json={"name": "Changed"})
    assert definition(bare, made["id"]).name == "Big sales"


def test_a_deleted_flow_is_gone_for_everybody(bare: Server) -> None:
    made = make(bare, "Short-lived")
    client = bare.client(bare.owner)
    assert client.delete(f"/api/flows/{made['id']}").status_code == 204
    assert client.get(f"/api/flows/{made['id']}").json()["code"] == "flow.not_found"
    assert client.delete(f"/api/flows/{made['id']}").status_code == 404
    assert names(bare) == []


def test_the_list_is_of_ones_own_workspaces(bare: Server) -> None:
    make(bare, "Ours")
    other = bare.make_user("eve@example.org", None)
    workspace = bare.make_workspace(other)
    make(bare, "Hers", other)
    assert names(bare, person=other) == ["Hers"]
    assert names(bare) == ["Ours"]
    both = bare.make_user("both@example.org")
    with bare.database.transaction() as session:
        join(session, workspace, both.id, Role.VIEWER)
    assert names(bare, person=both) == ["Hers", "Ours"]
    assert names(bare, f"workspace={workspace}", both) == ["Hers"]


def test_without_a_workspace_there_is_no_place_for_a_flow(bare: Server) -> None:
    person = bare.make_user("guest@example.org", None)
    answer = bare.client(person).post("/api/flows", json={"name": "x"})
    assert (answer.status_code, answer.json()["code"]) == (409, "flow.no_workspace")


def test_viewers_make_no_flows(bare: Server) -> None:
    person = bare.make_user("guest@example.org", "viewer")
    body = {"name": "x", "workspace_id": bare.workspace_id}
    answer = bare.client(person).post("/api/flows", json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.forbidden")


def test_whoever_made_a_flow_may_delete_it(bare: Server) -> None:
    maker = bare.make_user("maker@example.org", "editor")
    other = bare.make_user("other@example.org", "editor")
    made = make(bare, "Mine", maker)
    assert made["role"] == "owner"
    path = f"/api/flows/{made['id']}"
    assert bare.client(other).get(path).json()["role"] == "editor"
    assert bare.client(other).delete(path).status_code == 403
    assert bare.client(maker).delete(path).status_code == 204


def test_a_flow_is_checked_as_it_is_sent(bare: Server) -> None:
    client = bare.client(bare.owner)
    report = client.post("/api/check", json={"flow": FLOW}).json()
    assert report["wiring"]["edges"] == {"read.rows>keep.rows": {"how": "same"}}
    assert report["wiring"]["nodes"]["keep"] == {"lifted": False}
    broken = FLOW | {"edges": [], "nodes": {"keep": {"type": "data.fliter"}}}
    problems = client.post("/api/check", json={"flow": broken}).json()["problems"]
    assert "check.unknown_type" in [problem["code"] for problem in problems]
    answer = client.post("/api/check", json={"flow": {"format": "weft/9"}})
    assert answer.status_code == 422


def test_the_picture_of_a_flow_knows_what_lies_in_containers(bare: Server) -> None:
    at = {"position": {"x": 0, "y": 0}}
    nodes = {
        "a": {"type": "data.generate", **at},
        "b": {"type": "control.for_each", **at},
        "c": {"type": "data.filter", "parent": "b", **at},
    }
    flow = {"format": "weft/1", "name": "Loop", "nodes": nodes, "edges": []}
    made = bare.client(bare.owner).post("/api/flows", json={"flow": flow}).json()
    assert [node["parent"] for node in made["preview"]["nodes"]] == [None, None, 1]


@pytest.mark.parametrize(
    ("condition", "ports", "wrong"),
    [
        ("", [], None),
        ("item.id == 2 and index > 3", [], None),
        ("rows.id == 2", ["rows"], None),
        ("item.id ==", [], "expression.syntax"),
        ("rows.id == 2", [], "expression.unknown_name"),
        ("flor(item.id) == 2", [], "expression.unknown_function"),
    ],
)
def test_a_condition_is_checked_while_it_is_written(
    bare: Server, condition: str, ports: list[str], wrong: str | None
) -> None:
    body = {"condition": condition, "ports": ports}
    answer = bare.client(bare.owner).post("/api/check/condition", json=body)
    assert answer.status_code == 200
    problems = answer.json()["problems"]
    assert [one["params"]["expression_code"] for one in problems] == ([wrong] if wrong else [])
    for one in problems:
        assert (one["code"], one["path"]) == ("check.bad_expression", ["condition"])
        assert one["message"]
        assert one["hint"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"condition": "x" * 10_001}, 422),
        ({"condition": "item", "ports": ["a b"]}, 422),
        ({"condition": "(" * 2_000, "ports": []}, 200),
    ],
    ids=["long", "no name", "nested"],
)
def test_what_is_no_condition(bare: Server, body: dict[str, object], status: int) -> None:
    client = bare.client(bare.owner)
    assert client.post("/api/check/condition", json=body).status_code == status


@pytest.mark.parametrize(
    "place",
    [
        ["0001-01-01T00:00:00+14:00", "flw_x"],
        ["9999-12-31T23:59:59-14:00", "flw_x"],
        ["2026-01-01T00:00:00+00:00", "\ud800"],
        ["2026-01-01T00:00:00", "flw_x"],
        [5, "flw_x"],
        {"a": 1},
    ],
    ids=["before all time", "after it", "no character", "no zone", "number", "object"],
)
def test_forged_cursors_are_refused(server: Server, place: Any) -> None:
    cursor = urlsafe_b64encode(json.dumps(place).encode()).decode()
    answer = server.client(server.owner).get("/api/flows", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (400, "request.bad_cursor")
