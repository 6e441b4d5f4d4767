"""Runs in the editor: questions, failures, the timeline, past runs and their comparison."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk, Team
from tests.browser.editor import ready
from tests.browser.runs import ORDERS, PRICE, REFUNDS, WRONG, around, ended, make, run, start

pytestmark = pytest.mark.browser


@pytest.fixture
def called(team: Team) -> None:
    """The flow that the others call; made once."""
    names = [flow["name"] for flow in team.weft.call("GET", "/flows", None, team.owner)["items"]]
    if PRICE["name"] not in names:
        make(team, PRICE)


def show_output(page: Page, node: str) -> None:
    page.get_by_test_id("dock-tab-output").click()
    page.get_by_role("navigation", name="Nodes of the run").get_by_text(node).click()


def test_a_question_is_answered_in_place(desk: Desk, team: Team) -> None:
    flow = make(team, REFUNDS)
    angela = desk.open(team.owner, f"/flows/{flow}")
    vera = desk.open(team.viewer, f"/flows/{flow}")
    for page in (angela, vera):
        ready(page)
    start(team, flow)
    for page in (angela, vera):
        card = page.get_by_test_id("wait-card")
        expect(card).to_contain_text("Refund 80 to Ada?")
        expect(card).to_contain_text("customer")
    expect(vera.get_by_test_id("approve")).to_be_disabled()
    card = angela.get_by_test_id("wait-card")
    card.get_by_role("textbox", name="Comment").fill("She is right")
    card.get_by_test_id("approve").click()
    for page in (angela, vera):
        expect(page.get_by_test_id("wait-card")).to_have_count(0)
        ended(page, "completed") if page is angela else None
    show_output(vera, "Pay")
    expect(vera.locator("#dock-panel")).to_contain_text("Paid 80")
    expect(around(angela, "no").get_by_test_id("node-card")).to_have_attribute(
        "data-state", "skipped"
    )


def test_a_failed_run_goes_on_with_other_inputs(desk: Desk, team: Team) -> None:
    flow = make(team, WRONG)
    page = desk.open(team.owner, f"/flows/{flow}")
    ready(page)
    run(page)
    ended(page, "failed")
    page.get_by_test_id("retry-run").click()
    ended(page, "failed")
    expect(page.get_by_test_id("dock")).to_contain_text("Run 2")
    around(page, "share").get_by_test_id("node-card").click()
    page.get_by_test_id("tab-input").click()
    page.get_by_test_id("fork").click()
    field = page.get_by_test_id("fork-value")
    expect(field).to_have_value(re.compile(r'"b": 0\b'))
    field.fill('{"a": 6, "b": 3')
    expect(page.get_by_test_id("fork-start")).to_be_disabled()
    field.fill('{"a": 6, "b": 3}')
    page.get_by_test_id("fork-start").click()
    ended(page, "completed")
    show_output(page, "Say")
    expect(page.locator("#dock-panel")).to_contain_text("It is 2")


@pytest.mark.usefixtures("called")
def test_rounds_of_a_loop_are_looked_through(desk: Desk, team: Team) -> None:
    flow = make(team, ORDERS)
    assert start(team, flow, wait=30)["state"] == "completed"
    page = desk.open(team.owner, f"/flows/{flow}")
    ready(page)
    page.get_by_test_id("dock-toggle").click()
    tree = page.get_by_test_id("run-timeline").get_by_role("tree")
    rows = tree.get_by_role("treeitem")
    expect(rows).to_have_count(5)
    tree.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowDown", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    expect(tree.locator('[data-scope="each:1"][data-node-id="each/check"]')).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    inspector = page.get_by_test_id("inspector")
    expect(inspector.get_by_test_id("activation-bar")).to_have_attribute("data-scope", "each:1")
    inspector.get_by_test_id("tab-output").click()
    expect(inspector).to_contain_text("50")
    inspector.get_by_test_id("round-next").click()
    expect(inspector.get_by_test_id("activation-bar")).to_have_attribute("data-scope", "each:2")
    expect(inspector).to_contain_text("5")
    tree.focus()
    page.keyboard.press("+")
    expect(page.get_by_test_id("run-timeline")).to_have_attribute("data-zoomed", "true")
    page.keyboard.press("0")
    expect(page.get_by_test_id("run-timeline")).to_have_attribute("data-zoomed", "false")
    page.get_by_test_id("time-view").get_by_text("Table").click()
    expect(
        page.get_by_test_id("run-times").get_by_role("row", name="Every order").first
    ).to_be_visible()


def test_past_runs_are_found_opened_and_compared(desk: Desk, team: Team) -> None:
    flow = make(team, WRONG)
    start(team, flow, wait=30, inputs={"numbers": {"a": 6, "b": 2}})
    start(team, flow, wait=30)
    start(team, flow, wait=30, inputs={"numbers": {"a": 6, "b": 1}})
    page = desk.open(team.owner, f"/flows/{flow}")
    ready(page)
    page.get_by_test_id("run-history").click()
    lines = page.get_by_test_id("run-line")
    expect(lines).to_have_count(3)
    start(team, flow, wait=30, inputs={"numbers": {"a": 8, "b": 1}})
    expect(lines).to_have_count(4)
    page.get_by_test_id("history-state").click()
    page.get_by_role("option", name="Failed").click()
    expect(lines).to_have_count(1)
    lines.click()
    expect(page.get_by_test_id("viewing-old")).to_contain_text("Viewing run 2")
    expect(around(page, "share").get_by_test_id("node-card")).to_have_attribute(
        "data-state", "failed"
    )
    around(page, "share").get_by_test_id("node-card").click()
    expect(page.get_by_test_id("node-name")).to_have_attribute("readonly", "")
    start(team, flow, wait=30, inputs={"numbers": {"a": 9, "b": 1}})
    expect(page.get_by_test_id("back-to-live")).to_contain_text("run 5")
    page.get_by_test_id("back-to-live").click()
    expect(page.get_by_test_id("viewing-old")).to_have_count(0)
    expect(page.get_by_test_id("node-name")).to_be_editable()
    expect(around(page, "share").get_by_test_id("node-card")).to_have_attribute(
        "data-state", "completed"
    )
    page.get_by_role("button", name="Clear filters").click()
    for number in (1, 3):
        page.get_by_role("checkbox", name=f"Compare run {number}").check()
    page.get_by_test_id("compare").click()
    expect(page.get_by_test_id("comparison")).to_contain_text("Run 1 and run 3")
    expect(page.get_by_test_id("comparison").get_by_role("row", name="Share")).to_be_visible()


def test_runs_of_the_workspace_lead_to_their_flows(desk: Desk, team: Team) -> None:
    flow = make(team, {**WRONG, "name": "Shares of the workspace"})
    start(team, flow, wait=30)
    start(team, flow, wait=30, inputs={"numbers": {"a": 6, "b": 3}})
    page = desk.open(team.owner, "/runs")
    page.get_by_test_id("history-search").fill("Shares of the workspace")
    lines = page.get_by_test_id("run-line")
    expect(lines).to_have_count(2)
    page.locator('[data-testid="run-line"][data-number="1"]').click()
    expect(page.get_by_test_id("viewing-old")).to_contain_text("Viewing run 1")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_runs(desk: Desk, team: Team, scheme: str) -> None:
    flow = make(team, REFUNDS)
    start(team, flow)
    page = desk.open(team.owner, f"/flows/{flow}", color_scheme=scheme)
    expect(page.get_by_test_id("wait-card")).to_be_visible()
    for tab in ("timeline", "log", "runs"):
        page.get_by_test_id(f"dock-tab-{tab}").click()
        if tab == "runs":
            expect(page.get_by_test_id("run-line")).to_have_count(1)
        for part in ("[data-testid=run-waits]", "[data-testid=dock]"):
            found = Axe().run(page, context={"include": [part]})
            assert found.violations_count == 0, found.generate_report()
    page.get_by_test_id("stop-button").click()
    ended(page, "cancelled")
