"""Somebody debugs a run, step by step, and somebody else looks on."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk, Team
from tests.browser.editor import ready
from tests.browser.runs import ORDERS, PRICE, around, ended, make, run, start, stopped_at

pytestmark = pytest.mark.browser


def set_breakpoint(page: Page, node: str, condition: str) -> None:
    """A breakpoint with a condition, as a person sets it."""
    around(page, node).get_by_test_id("breakpoint").first.click(button="right")
    window = page.get_by_test_id("breakpoint-popover")
    window.get_by_role("textbox").first.fill(condition)
    window.get_by_role("button", name="Done").click()
    expect(window).to_have_count(0)


def edit(page: Page, text: str) -> None:
    page.get_by_test_id("inspector").get_by_test_id("edit-value").click()
    field = page.get_by_test_id("json-editor").locator("textarea")
    field.fill('{"id": 2, "amount": ')
    expect(page.get_by_test_id("save-value")).to_be_disabled()
    field.fill(text)
    page.get_by_test_id("save-value").click()


@pytest.fixture
def called(team: Team) -> None:
    """The flow that the others call; made once."""
    names = [flow["name"] for flow in team.weft.call("GET", "/flows", None, team.owner)["items"]]
    if PRICE["name"] not in names:
        make(team, PRICE)


@pytest.mark.usefixtures("called")
def test_a_value_is_edited_at_a_breakpoint_and_somebody_else_sees_it(
    desk: Desk, team: Team
) -> None:
    flow = make(team, ORDERS)
    angela = desk.open(team.owner, f"/flows/{flow}")
    bo = desk.open(team.editor, f"/flows/{flow}")
    for page in (angela, bo):
        ready(page)
    set_breakpoint(angela, "check", "item.id == 2")
    run(angela)

    for page in (angela, bo):
        stopped_at(page, "each/check@each:1")
        expect(page.get_by_test_id("run-stopped")).to_contain_text("item.id == 2")
        expect(page.get_by_test_id("call-stack").first).to_contain_text("Every order")
        expect(page.get_by_test_id("inspector").get_by_test_id("stop-values")).to_contain_text("50")
        expect(around(page, "check").get_by_test_id("node-card")).to_have_attribute(
            "data-state", "paused"
        )
    edit(angela, '{"id": 2, "amount": 1000}')
    for page in (angela, bo):
        values = page.get_by_test_id("inspector").get_by_test_id("stop-values")
        expect(values).to_contain_text("1000")
        expect(values.get_by_test_id("value-edited")).to_be_visible()

    bo.keyboard.press("F10")
    for page in (angela, bo):
        stopped_at(page, "each/price@each:1")
    angela.keyboard.press("F11")
    for page in (angela, bo):
        stopped_at(page, "each/price/order@each:1/price:0")
        expect(page.get_by_test_id("call-stack").first).to_contain_text("Price")
    angela.keyboard.press("F10")
    stopped_at(bo, "each/price/tax@each:1/price:0")
    angela.keyboard.press("F8")
    for page in (angela, bo):
        expect(page.get_by_test_id("run-stopped")).to_have_count(0)
        ended(page, "completed")
        page.get_by_test_id("dock-tab-output").click()
        page.get_by_role("navigation", name="Nodes of the run").get_by_text("Result").click()
        output = page.locator("#dock-panel")
        expect(output).to_contain_text("Order 2 costs 2000")
        expect(output).to_contain_text("Order 3 costs 10")
    bo.reload()
    for page in (angela, bo):
        around(page, "check").get_by_test_id("node-card").click()
        inspector = page.get_by_test_id("inspector")
        inspector.get_by_role("tab", name="Output", exact=True).click()
        edited = inspector.get_by_test_id("activation-edited")
        inspector.get_by_label("Which round is shown").fill("2")
        page.keyboard.press("Enter")
        expect(edited).to_contain_text("before it ran: rows")
        expect(inspector.get_by_test_id("activation-bar")).to_contain_text("round 1")
        inspector.get_by_test_id("round-next").click()
        expect(edited).to_have_count(0)


def test_a_condition_is_looked_at_while_it_is_typed(desk: Desk, team: Team) -> None:
    flow = make(team, ORDERS)
    page = desk.open(team.owner, f"/flows/{flow}")
    ready(page)
    around(page, "check").get_by_test_id("breakpoint").first.click(button="right")
    window = page.get_by_test_id("breakpoint-popover")
    field, hits = window.get_by_role("textbox").first, window.get_by_role("textbox").last
    field.fill("itm.id == 2")
    expect(window.get_by_role("alert")).to_contain_text("There is no 'itm' Did you mean item?")
    window.get_by_role("button", name="Done").click()
    expect(field).to_be_focused()

    field.fill("")
    field.press_sequentially("va")
    expect(window.get_by_role("option")).to_have_text(["vars.limit"])
    field.press("Tab")
    expect(field).to_have_value("vars.limit")
    field.press_sequentially(" > rows.amount")
    hits.fill("0")
    expect(window.get_by_role("alert")).to_have_count(0)
    expect(window).to_contain_text("A whole number from 1 to")
    hits.fill("2")
    expect(window).not_to_contain_text("A whole number from 1 to")
    window.get_by_role("button", name="Done").click()
    expect(window).to_have_count(0)
    dot = around(page, "check").get_by_test_id("breakpoint").first
    expect(dot).to_have_attribute("title", "Stops when vars.limit > rows.amount")


@pytest.mark.usefixtures("called")
def test_who_comes_late_sees_where_it_stands_and_may_go_on(desk: Desk, team: Team) -> None:
    flow = make(team, ORDERS)
    point = {"node": "each/price/tax", "hits": 2}
    start(team, flow, breakpoints=[point])
    page = desk.open(team.editor, f"/flows/{flow}")
    stopped_at(page, "each/price/tax@each:1/price:0")
    page.get_by_test_id("dock-tab-debug").click()
    pane = page.get_by_test_id("debug-pane")
    expect(pane.get_by_test_id("stop-values")).to_contain_text("50")
    pane.get_by_role("button", name="Every order").click()
    card = page.locator('[data-testid="container-card"][data-node-id="each"]')
    expect(card).to_have_attribute("data-selected", "true")
    page.get_by_test_id("step-out").click()
    stopped_at(page, "each/check@each:2")
    page.get_by_test_id("resume-button").click()
    stopped_at(page, "each/price/tax@each:2/price:0")
    page.get_by_test_id("stop-button").click()
    ended(page, "cancelled")


@pytest.mark.usefixtures("called")
def test_a_run_is_stopped_at_its_first_step_and_a_viewer_only_looks_on(
    desk: Desk, team: Team
) -> None:
    flow = make(team, ORDERS)
    angela = desk.open(team.owner, f"/flows/{flow}")
    vera = desk.open(team.viewer, f"/flows/{flow}")
    for page in (angela, vera):
        ready(page)
    angela.get_by_test_id("run-menu").click()
    angela.get_by_test_id("run-debug").click()
    angela.get_by_test_id("run-with-inputs").click()
    for page in (angela, vera):
        stopped_at(page, "orders@")
    expect(vera.get_by_test_id("step-over")).to_be_disabled()
    expect(vera.get_by_test_id("resume-button")).to_be_disabled()
    vera.keyboard.press("F10")
    angela.keyboard.press("F10")
    for page in (angela, vera):
        stopped_at(page, "rows@")
    angela.keyboard.press("F8")
    ended(vera, "completed")


@pytest.mark.usefixtures("called")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_the_debugger(desk: Desk, team: Team, scheme: str) -> None:
    flow = make(team, ORDERS)
    start(team, flow, breakpoints=[{"node": "each/check", "condition": "item.id == 2"}])
    page = desk.open(team.owner, f"/flows/{flow}", color_scheme=scheme)
    stopped_at(page, "each/check@each:1")
    page.get_by_test_id("dock-tab-debug").click()
    page.get_by_test_id("debug-pane").get_by_test_id("edit-value").click()
    expect(page.get_by_test_id("json-editor")).to_be_visible()
    for part in ("[data-testid=run-stopped]", "[data-testid=dock]", "[data-testid=inspector]"):
        found = Axe().run(page, context={"include": [part]})
        assert found.violations_count == 0, found.generate_report()
    page.keyboard.press("Escape")
    page.get_by_test_id("stop-button").click()
    ended(page, "cancelled")
