"""Everything on the canvas is reached by the keyboard, and one sees where one is."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk, Team
from tests.browser.editor import node, ready, saved
from tests.browser.runs import ORDERS, WRONG, ended, make, run

pytestmark = pytest.mark.browser

FOCUSED = """() => {
  const at = document.activeElement;
  const canvas = document.querySelector('[data-testid="canvas"]');
  const { left, top, right, bottom } = at.getBoundingClientRect();
  const room = canvas.getBoundingClientRect();
  const style = getComputedStyle(at);
  const inner = [at, ...at.querySelectorAll("*")].map((each) => getComputedStyle(each));
  return {
    inside: canvas.contains(at),
    id: at.dataset.id ?? null,
    kind: at.matches(".react-flow__node") ? "node" : at.matches(".react-flow__edge") ? "edge" : "",
    label: at.getAttribute("aria-label") ?? at.textContent,
    visible: right > room.left && left < room.right && bottom > room.top && top < room.bottom,
    marked: inner.some((s) => s.outlineStyle !== "none" && s.outlineWidth !== "0px")
      || (style.boxShadow !== "none" && at.matches(":focus-visible"))
      || inner.some((s) => s.strokeWidth === "2.25px"),
  };
}"""


def walk(page: Page, most: int) -> list[dict[str, Any]]:
    """Tab through the canvas from its beginning to its end."""
    page.locator(".react-flow__edge").first.focus()
    found: list[dict[str, Any]] = [page.evaluate(FOCUSED)]
    for _ in range(most):
        page.keyboard.press("Tab")
        now = page.evaluate(FOCUSED)
        if not now["inside"]:
            break
        found.append(now)
    return found


def test_nodes_edges_and_tools_are_walked_through(desk: Desk, team: Team) -> None:
    page = desk.open(team.owner, f"/flows/{make(team, ORDERS)}")
    ready(page)
    stops = walk(page, 80)
    reached = {stop["id"] for stop in stops if stop["kind"] == "node"}
    assert reached == set(ORDERS["nodes"])
    assert len([stop for stop in stops if stop["kind"] == "edge"]) == len(ORDERS["edges"])
    assert [stop for stop in stops if not stop["label"]] == []
    assert [stop for stop in stops if not stop["visible"]] == []
    assert [stop for stop in stops if not stop["marked"]] == []
    words = " ".join(str(stop["label"]) for stop in stops)
    assert "Tidy up" in words


def test_a_flow_is_built_with_the_keyboard_alone(desk: Desk, team: Team) -> None:
    empty = {"format": "weft/1", "name": "By keys", "nodes": {}, "edges": []}
    flow = make(team, empty)
    page = desk.open(team.owner, f"/flows/{flow}")
    saved(page)
    expect(page.get_by_test_id("empty-canvas")).to_be_visible()
    for kind in ("data.generate", "data.filter", "show.table"):
        page.get_by_test_id("canvas").focus()
        page.keyboard.press("Tab")
        page.get_by_test_id("quick-add-search").fill(kind)
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("quick-add")).to_have_count(0)
    saved(page)
    definition = team.weft.call("GET", f"/flows/{flow}/definition", None, team.owner)
    assert len(definition["nodes"]) == 3
    assert len(definition["edges"]) == 2

    # A node is disabled, renamed, moved, given a breakpoint, and its menu opens.
    table = next(name for name, each in definition["nodes"].items() if each["type"] == "show.table")
    card = page.locator(f'.react-flow__node[data-id="{table}"]')
    card.focus()
    page.keyboard.press("Space")
    page.keyboard.press("d")
    expect(node(page, table)).to_have_attribute("data-state", "disabled")
    page.keyboard.press("F9")
    expect(card.get_by_test_id("breakpoint")).to_have_attribute("data-set", "true")
    page.keyboard.press("ContextMenu")
    menu = page.get_by_role("menu")
    expect(menu).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu).to_have_count(0)


def test_a_failure_is_reached_with_the_keyboard(desk: Desk, team: Team) -> None:
    page = desk.open(team.owner, f"/flows/{make(team, WRONG)}")
    ready(page)
    run(page)
    ended(page, "failed")
    labels = [str(stop["label"]) for stop in walk(page, 60)]
    assert "Details" in labels
