"""Containers on the canvas: nodes go in and out by hand, fold, move together, in two browsers."""

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Desk, Team
from tests.browser.editor import drag, middle, node, port, ready, saved

pytestmark = pytest.mark.browser

NODES = {
    "read": {
        "type": "file.read_csv",
        "settings": {"path": "examples/data/sales.csv"},
        "at": (0, 0),
    },
    "keep": {"type": "data.filter", "settings": {"where": "item.quantity > 1"}, "at": (320, 0)},
    "table": {"type": "show.table", "settings": {}, "at": (640, 0)},
}


def edge(source: str, target: str) -> dict[str, str]:
    (a, out), (b, into) = source.split("."), target.split(".")
    return {"source": a, "source_port": out, "target": b, "target_port": into}


def make(team: Team, name: str, nodes: dict[str, Any], edges: list[dict[str, str]]) -> str:
    made = {
        id_: {
            "type": each["type"],
            "settings": each["settings"],
            "position": dict(zip("xy", each["at"], strict=True)),
            **({"parent": each["parent"]} if "parent" in each else {}),
        }
        for id_, each in nodes.items()
    }
    flow = {"format": "weft/1", "name": name, "nodes": made, "edges": edges}
    return str(team.weft.call("POST", "/flows", {"flow": flow}, team.owner)["id"])


def container(page: Page, node_id: str) -> Locator:
    return page.locator(f'[data-testid="container-card"][data-node-id="{node_id}"]')


def head(page: Page, node_id: str) -> Locator:
    return container(page, node_id).get_by_test_id("container-head")


def definition(team: Team, flow: str) -> Any:
    return team.weft.call("GET", f"/flows/{flow}/definition", None, team.owner)


def edges_of(flow: Any) -> set[str]:
    return {
        "{source}.{source_port}>{target}.{target_port}".format(**each)
        for each in flow.get("edges", [])
    }


def test_into_a_loop_and_out_of_it(team: Team, desk: Desk) -> None:
    wires = [edge("read.rows", "keep.rows"), edge("keep.rows", "table.rows")]
    flow = make(team, "Into a loop", NODES, wires)
    angela, bo = (desk.open(person, f"/flows/{flow}") for person in (team.owner, team.editor))
    for page in (angela, bo):
        ready(page)
    before = definition(team, flow)

    node(angela, "keep").click()
    angela.keyboard.press("Control+g")
    for page in (angela, bo):
        expect(page.get_by_test_id("container-card")).to_have_count(1)
    saved(angela)
    wrapped = definition(team, flow)
    loop = wrapped["nodes"]["keep"]["parent"]
    assert edges_of(wrapped) == {
        f"read.rows>{loop}.items",
        f"{loop}.item>keep.rows",
        f"keep.rows>{loop}.result",
        f"{loop}.results>table.rows",
    }

    x, y = middle(head(bo, loop))
    drag(bo, (x, y), (x + 20, y + 90))
    saved(bo)
    moved = definition(team, flow)
    place, was = moved["nodes"]["keep"]["position"], wrapped["nodes"]["keep"]["position"]
    assert place["y"] > was["y"] + 20
    expect(node(angela, "keep")).to_be_visible()

    start = middle(node(angela, "keep"))
    frame = container(angela, loop).bounding_box()
    assert frame is not None
    drag(angela, start, (start[0], frame["y"] + frame["height"] + 90))
    saved(angela)
    outside = definition(team, flow)
    assert "parent" not in outside["nodes"]["keep"]
    assert edges_of(outside) == {f"read.rows>{loop}.items", f"{loop}.results>table.rows"}

    angela.get_by_test_id("undo").click()
    saved(angela)
    assert edges_of(definition(team, flow)) == edges_of(wrapped)
    angela.get_by_test_id("undo").click()
    saved(angela)
    assert edges_of(definition(team, flow)) == edges_of(before)
    for page in (angela, bo):
        expect(page.get_by_test_id("container-card")).to_have_count(0)


def nested(team: Team, name: str) -> str:
    nodes = {
        "read": {**NODES["read"], "at": (-400, 80)},
        "each": {"type": "control.for_each", "settings": {"concurrency": 4}, "at": (0, 0)},
        "guard": {"type": "control.try", "settings": {}, "at": (150, 60), "parent": "each"},
        "ask": {
            "type": "text.template",
            "settings": {"template": "{{ item.product }}"},
            "at": (300, 120),
            "parent": "guard",
        },
        "why": {
            "type": "text.template",
            "settings": {"template": "{{ item.message }}"},
            "at": (300, 280),
            "parent": "guard",
        },
    }
    wires = [
        edge("read.rows", "each.items"),
        edge("each.item", "guard.item"),
        edge("guard.item", "ask.item"),
        edge("ask.text", "guard.result"),
        edge("guard.error", "why.item"),
        edge("why.text", "guard.caught"),
        edge("guard.result", "each.result"),
    ]
    return make(team, name, nodes, wires)


def test_nested_containers_by_keyboard(team: Team, desk: Desk) -> None:
    flow = nested(team, "Nested")
    page = desk.open(team.owner, f"/flows/{flow}")
    ready(page)
    expect(page.get_by_test_id("container-card")).to_have_count(2)
    head(page, "each").click()
    selected = page.locator('[data-selected="true"]')
    expect(selected).to_have_attribute("data-node-id", "each")
    for inside in ("guard", "ask"):
        page.keyboard.press("Enter")
        expect(selected).to_have_attribute("data-node-id", inside)
    for outside in ("guard", "each"):
        page.keyboard.press("Escape")
        expect(selected).to_have_attribute("data-node-id", outside)
    page.keyboard.press("Escape")
    expect(selected).to_have_count(0)

    outer = page.locator('.react-flow__node[data-id="each"]')
    expect(outer).to_have_attribute("aria-label", "For each, container with 3 nodes; Enter goes in")
    inner = page.locator('.react-flow__node[data-id="guard"]')
    expect(inner).to_have_attribute(
        "aria-label", "Try, container with 2 nodes; Enter goes in, in For each"
    )

    container(page, "guard").get_by_test_id("container-fold").click()
    expect(page.get_by_test_id("container-card")).to_have_count(1)
    expect(node(page, "ask")).to_have_count(0)
    expect(node(page, "guard")).to_contain_text("2 nodes inside")
    page.reload()
    ready(page)
    expect(node(page, "guard")).to_contain_text("2 nodes inside")
    node(page, "guard").get_by_test_id("container-unfold").click()
    expect(node(page, "ask")).to_be_visible()


def test_a_port_that_faces_inwards_adds_what_is_inside(team: Team, desk: Desk) -> None:
    flow = nested(team, "Inner ports")
    page = desk.open(team.owner, f"/flows/{flow}")
    ready(page)
    port(page, "guard", "@outcome", "source").click()
    page.get_by_test_id("quick-add-search").fill("template")
    page.locator('[data-testid="quick-add-item"][data-type="text.template"]').click()
    saved(page)
    now = definition(team, flow)
    (added,) = set(now["nodes"]) - {"read", "each", "guard", "ask", "why"}
    assert now["nodes"][added]["parent"] == "guard"
    assert f"guard.outcome>{added}.item" in edges_of(now)

    page.keyboard.press("Delete")
    expect(node(page, added)).to_have_count(0)
    drag(
        page,
        middle(port(page, "ask", "text", "source")),
        middle(port(page, "each", "@result", "target")),
    )
    expect(page.get_by_text("That would leave the container")).to_be_visible()
    saved(page)
    assert "ask.text>each.result" not in edges_of(definition(team, flow))


def test_breakpoints_are_seen_in_the_room_and_kept(team: Team, desk: Desk) -> None:
    flow = nested(team, "Breakpoints")
    angela, bo = (desk.open(person, f"/flows/{flow}") for person in (team.owner, team.editor))
    for page in (angela, bo):
        ready(page)

    def dot(page: Page, node_id: str) -> Locator:
        around = page.locator(f'.react-flow__node[data-id="{node_id}"]')
        return around.get_by_test_id("breakpoint").first

    node(angela, "ask").click()
    angela.keyboard.press("F9")
    expect(dot(angela, "ask")).to_have_attribute("data-set", "true")
    expect(dot(bo, "ask")).to_have_attribute("data-others", "true")
    expect(dot(bo, "ask")).to_have_attribute("data-set", "false")

    angela.keyboard.press("Shift+F9")
    window = angela.get_by_test_id("breakpoint-popover")
    window.get_by_role("textbox", name="Only when").fill("item.amount > 100")
    window.get_by_role("button", name="Done").click()
    expect(window).to_have_count(0)
    expect(dot(angela, "ask")).to_have_attribute("data-kind", "conditional")
    angela.reload()
    ready(angela)
    expect(dot(angela, "ask")).to_have_attribute("data-kind", "conditional")
    expect(dot(bo, "ask")).to_have_attribute("data-others", "true")
    dot(angela, "ask").click()
    expect(dot(angela, "ask")).to_have_attribute("data-set", "false")
    expect(dot(bo, "ask")).to_have_attribute("data-others", "false")
    assert "breakpoint" not in str(definition(team, flow))
