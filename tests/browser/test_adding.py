"""New nodes are seen at once: in the view, under no tools, on nothing else."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk, Team
from tests.browser.editor import add_node, ready, saved
from tests.browser.runs import ORDERS, make

pytestmark = pytest.mark.browser

PLACES = """() => {
  const box = (element) => {
    const { left, top, right, bottom } = element.getBoundingClientRect();
    return { left, top, right, bottom };
  };
  const all = (query) => [...document.querySelectorAll(query)];
  const cards = all('[data-testid="node-card"], [data-testid="container-card"]');
  return {
    canvas: box(document.querySelector('[data-testid="canvas"]')),
    tools: all("[data-over-canvas], .react-flow__panel").map(box),
    cards: Object.fromEntries(cards.map((card) => [card.dataset.nodeId, box(card)])),
  };
}"""
Box = dict[str, float]
CONTAINERS = {"each"}


def meet(one: Box, other: Box) -> bool:
    across = one["left"] < other["right"] and other["left"] < one["right"]
    return across and one["top"] < other["bottom"] and other["top"] < one["bottom"]


def lies_in(inner: Box, outer: Box) -> bool:
    left, top = inner["left"] >= outer["left"], inner["top"] >= outer["top"]
    return left and top and inner["right"] <= outer["right"] and inner["bottom"] <= outer["bottom"]


def seen(page: Page, node: str) -> None:
    """The node is seen whole, and lies on no other; containers hold theirs."""
    saved(page)
    places: dict[str, Any] = page.evaluate(PLACES)
    card: Box = places["cards"].pop(node)
    assert lies_in(card, places["canvas"]), (card, places["canvas"])
    assert [tool for tool in places["tools"] if meet(card, tool)] == []
    for other, box in places["cards"].items():
        if other in CONTAINERS and lies_in(card, box):
            continue
        assert not meet(card, box), (node, other)


@pytest.mark.parametrize("zoom", ["Fit", "25%", "200%"])
def test_what_is_added_from_the_palette_is_seen(desk: Desk, team: Team, zoom: str) -> None:
    flow = make(team, ORDERS)
    page = desk.open(team.owner, f"/flows/{flow}", viewport={"width": 1280, "height": 720})
    ready(page)
    page.get_by_test_id("rail-add").click()
    if zoom != "Fit":
        page.get_by_role("button", name="Zoom level").click()
        page.get_by_role("menuitem", name=zoom).click()
    for kind in ("data.filter", "data.filter", "text.template", "data.join", "show.table"):
        seen(page, add_node(page, kind))
    page.get_by_test_id("palette-search").fill("control.repeat")
    page.locator('[data-testid="palette-item"][data-type="control.repeat"]').click()
    expect(page.get_by_test_id("container-card")).to_have_count(2)


def test_what_is_found_by_its_name_is_seen_where_the_view_is_empty(desk: Desk, team: Team) -> None:
    flow = make(team, ORDERS)
    page = desk.open(team.owner, f"/flows/{flow}", viewport={"width": 1280, "height": 720})
    ready(page)
    canvas = page.get_by_test_id("canvas")
    canvas.hover(position={"x": 300, "y": 500})
    page.mouse.wheel(-4_000, -4_000)
    expect(page.get_by_test_id("node-card").first).not_to_be_in_viewport()
    before = page.get_by_test_id("node-card").count()
    for number in range(1, 4):
        canvas.focus()
        page.keyboard.press("Tab")
        page.get_by_test_id("quick-add-search").fill("data.filter")
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("node-card")).to_have_count(before + number)
        chosen = page.locator('[data-testid="node-card"][data-selected="true"]')
        expect(chosen).to_have_count(1)
        seen(page, str(chosen.get_attribute("data-node-id")))
        page.keyboard.press("Escape")
        canvas.click(position={"x": 40, "y": 40})


def test_what_is_duplicated_twice_lies_on_nothing(desk: Desk, team: Team) -> None:
    flow = make(team, ORDERS)
    page = desk.open(team.owner, f"/flows/{flow}")
    ready(page)
    for _ in range(2):
        page.locator('[data-testid="node-card"][data-node-id="say"]').click(
            position={"x": 5, "y": 6}
        )
        page.keyboard.press("Control+d")
        saved(page)
    nodes = team.weft.call("GET", f"/flows/{flow}/definition", None, team.owner)["nodes"]
    places = [(node["position"]["x"], node["position"]["y"]) for node in nodes.values()]
    assert len(nodes) == len(ORDERS["nodes"]) + 2
    assert len(set(places)) == len(places)
