"""A whole session of ordinary use, in which no request is refused and no script complains."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk, Team
from tests.browser.editor import add_node, node, ready, saved
from tests.browser.runs import ORDERS, PRICE, WRONG, around, ended, make, run, stopped_at

pytestmark = pytest.mark.browser
TABS = ("Input", "Output", "Logs", "Settings")


def look_at(page: Page, names: list[str]) -> None:
    """Look at all there is to see of some nodes."""
    inspector = page.get_by_test_id("inspector")
    for name in names:
        # Where a run stops, the view goes there: the others may be out of sight.
        page.get_by_test_id("canvas").focus()
        page.keyboard.press("1")
        around(page, name).locator("[data-testid$=-card]").first.click(position={"x": 30, "y": 7})
        for tab in TABS:
            inspector.get_by_role("tab", name=tab, exact=True).click()
            page.wait_for_load_state("networkidle")


@pytest.fixture
def orders(team: Team) -> str:
    flows = team.weft.call("GET", "/flows?limit=100", None, team.owner)["items"]
    if PRICE["name"] not in [flow["name"] for flow in flows]:
        make(team, PRICE)
    return make(team, ORDERS)


def test_runs_and_their_nodes_are_looked_at(desk: Desk, team: Team, orders: str) -> None:
    page = desk.open(team.owner, f"/flows/{orders}")
    ready(page)
    look_at(page, list(ORDERS["nodes"]))
    run(page)
    ended(page, "completed")
    look_at(page, list(ORDERS["nodes"]))
    for tab in ("timeline", "log", "output", "debug", "runs"):
        page.get_by_test_id(f"dock-tab-{tab}").click()
        page.wait_for_load_state("networkidle")

    later = add_node(page, "data.filter")
    saved(page)
    page.keyboard.press("Escape")
    look_at(page, [later])
    page.reload()
    ready(page)
    page.wait_for_load_state("networkidle")
    look_at(page, ["each", "check", "price", later])
    page.goto("/runs")
    expect(page.get_by_role("heading").first).to_be_visible()
    page.wait_for_load_state("networkidle")


def test_a_failure_is_looked_at_and_mended(desk: Desk, team: Team) -> None:
    page = desk.open(team.owner, f"/flows/{make(team, WRONG)}")
    ready(page)
    run(page)
    ended(page, "failed")
    look_at(page, list(WRONG["nodes"]))
    node(page, "share").get_by_role("button", name="Details").click()
    expect(page.get_by_test_id("inspector").get_by_label("Expression")).to_be_visible()
    page.wait_for_load_state("networkidle")


def test_a_run_is_stepped_through(desk: Desk, team: Team, orders: str) -> None:
    page = desk.open(team.owner, f"/flows/{orders}")
    ready(page)
    page.get_by_test_id("run-menu").click()
    page.get_by_test_id("run-debug").click()
    page.get_by_test_id("run-with-inputs").click()
    stopped_at(page, "orders@")
    page.get_by_test_id("dock-tab-debug").click()
    places = ["rows@", "each@", "each/check@each:0", "each/price@each:0"]
    for place in places:
        page.keyboard.press("F11")
        stopped_at(page, place)
        look_at(page, ["orders", "check", "price", "say"])
    page.keyboard.press("F8")
    ended(page, "completed")
    look_at(page, list(ORDERS["nodes"]))
