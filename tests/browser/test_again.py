"""Runs that failed are tried again with the mended flow; old runs show the flow as it was."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk, Team
from tests.browser.editor import ready
from tests.browser.runs import around, ended, make, start

pytestmark = pytest.mark.browser

# A file is written, and beside it one is read that is not there.
LETTER: dict[str, Any] = {
    "format": "weft/1",
    "name": "A letter",
    "nodes": {
        "lines": {
            "type": "data.generate",
            "name": "Lines",
            "settings": {"count": 2},
            "position": {"x": 0, "y": 0},
        },
        "send": {
            "type": "file.write",
            "name": "Send it",
            "settings": {"path": "sent.csv"},
            "position": {"x": 280, "y": 0},
        },
        "read": {
            "type": "file.read_text",
            "name": "Read it",
            "settings": {"path": "gone.txt"},
            "position": {"x": 0, "y": 180},
        },
        "show": {"type": "show.text", "name": "Show it", "position": {"x": 280, "y": 180}},
    },
    "edges": [
        {"source": "lines", "source_port": "rows", "target": "send", "target_port": "rows"},
        {"source": "read", "source_port": "text", "target": "show", "target_port": "text"},
    ],
}


def change(team: Team, flow: str, *ops: dict[str, Any]) -> None:
    team.weft.call("POST", f"/flows/{flow}/patches", {"ops": list(ops)}, team.owner)


def setting(node: str, path: str) -> dict[str, Any]:
    return {"op": "set_setting", "node": node, "path": ["path"], "value": path}


@pytest.fixture
def flow(team: Team) -> str:
    """A flow of which the only run failed."""
    made = make(team, LETTER)
    run = start(team, made, wait=30, failure_policy="continue_independent")
    assert run["state"] == "failed"
    return made


def choose(page: Page) -> None:
    page.get_by_test_id("retry-run").click()
    expect(page.get_by_test_id("retry-choice")).to_be_visible()


def test_what_was_mended_is_tried_again(desk: Desk, team: Team, flow: str) -> None:
    page = desk.open(team.owner, f"/flows/{flow}")
    ready(page)
    ended(page, "failed")
    expect(page.get_by_test_id("run-changed")).to_have_count(0)
    change(team, flow, setting("read", "sent.csv"))
    expect(page.get_by_test_id("run-changed")).to_be_visible()
    choose(page)
    choice = page.get_by_test_id("retry-choice")
    expect(page.get_by_test_id("retry-current")).to_be_checked()
    expect(choice).to_contain_text("2 nodes run, 2 taken over")
    expect(page.get_by_test_id("again-nodes").get_by_role("listitem")).to_contain_text(
        ["Read ithas changed", "Show itcomes after “Read it”, which has changed"]
    )
    expect(page.get_by_test_id("again-effects")).to_have_count(0)
    change(team, flow, setting("send", "other.csv"))
    page.keyboard.press("Escape")
    choose(page)
    expect(page.get_by_test_id("again-effects")).to_contain_text("“Send it”, which was done once")
    page.get_by_test_id("retry-as_it_was").check()
    expect(page.get_by_test_id("again-effects")).to_have_count(0)
    page.get_by_test_id("retry-current").check()
    page.get_by_test_id("retry-start").click()
    ended(page, "completed")
    expect(page.get_by_test_id("dock")).to_contain_text("Run 2")


def test_runs_are_compared_by_the_names_of_their_nodes(desk: Desk, team: Team) -> None:
    flow = make(team, LETTER | {"name": "Compared"})
    start(team, flow, wait=30, failure_policy="continue_independent")
    change(team, flow, setting("read", "sent.csv"), {"op": "remove_node", "id": "show"})
    run = team.weft.call("GET", f"/runs?flow={flow}", None, team.owner)["items"][0]
    again = team.weft.call("POST", f"/runs/{run['id']}/retry", {"flow": "current"}, team.owner)
    page = desk.open(team.owner, f"/flows/{flow}?run={again['id']}")
    ready(page)
    ended(page, "completed")
    page.get_by_test_id("dock-tab-log").click()
    log = page.get_by_test_id("run-log")
    expect(log.get_by_text("Taken over from before, 2 records out")).to_be_visible()
    page.goto("/runs")
    lines = page.get_by_test_id("run-line")
    for number in ("1", "2"):
        line = lines.filter(has_text="Compared").filter(has=page.get_by_label(f"Open run {number}"))
        line.get_by_role("checkbox").first.check()
    page.get_by_test_id("compare").click()
    table = page.get_by_test_id("comparison")
    expect(table.get_by_role("row", name="Read it")).to_contain_text("failed")
    expect(table.get_by_role("row", name="Send it")).to_be_visible()


def test_a_flow_that_is_broken_now_is_tried_as_it_was(desk: Desk, team: Team, flow: str) -> None:
    desk.refused.append(r"422 GET /api/runs/\w+/retry")
    page = desk.open(team.owner, f"/flows/{flow}")
    ready(page)
    change(team, flow, {"op": "unset_setting", "node": "send", "path": ["path"]})
    choose(page)
    expect(page.get_by_test_id("retry-current")).to_be_disabled()
    expect(page.get_by_test_id("retry-as_it_was")).to_be_checked()
    page.get_by_test_id("retry-start").click()
    expect(page.get_by_test_id("dock")).to_contain_text("Run 2")
    ended(page, "failed")


def test_an_old_run_is_seen_on_the_flow_as_it_was(desk: Desk, team: Team, flow: str) -> None:
    change(team, flow, setting("read", "sent.csv"), {"op": "remove_node", "id": "lines"})
    change(team, flow, {"op": "remove_node", "id": "send"})
    assert start(team, flow, wait=30)["state"] == "completed"
    page = desk.open(team.owner, f"/flows/{flow}")
    ready(page)
    page.get_by_test_id("run-history").click()
    page.locator('[data-testid="run-line"][data-number="1"]').click()
    expect(page.get_by_test_id("viewing-old")).to_contain_text("run 1")
    expect(page.get_by_test_id("flow-changed")).to_be_visible()
    expect(page.get_by_test_id("node-card")).to_have_count(2)
    # What the flow has no more can be looked at all the same, by its name.
    page.get_by_test_id("dock-tab-output").click()
    page.get_by_role("navigation", name="Nodes of the run").get_by_text("Lines").click()
    expect(page.locator("#dock-panel")).to_contain_text("2 records")
    page.get_by_test_id("show-then").click()
    expect(page.get_by_test_id("flow-then")).to_contain_text("run 1")
    expect(page.get_by_test_id("node-card")).to_have_count(4)
    card = around(page, "send").get_by_test_id("node-card")
    expect(card).to_have_attribute("data-state", "completed")
    around(page, "read").get_by_test_id("node-card").click()
    field = page.get_by_test_id("inspector").get_by_role("combobox", name="File")
    expect(field).to_have_value("gone.txt")
    expect(field).not_to_be_editable()
    page.keyboard.press("Delete")
    expect(page.get_by_test_id("node-card")).to_have_count(4)
    page.get_by_test_id("show-now").click()
    expect(page.get_by_test_id("node-card")).to_have_count(2)
    page.get_by_test_id("back-to-live").click()
    expect(page.get_by_test_id("flow-changed")).to_have_count(0)
    seen = team.weft.call("GET", f"/flows/{flow}/definition", None, team.owner)
    assert set(seen["nodes"]) == {"read", "show"}


def test_another_try_says_of_which_run_it_is(desk: Desk, team: Team, flow: str) -> None:
    change(team, flow, setting("read", "sent.csv"))
    page = desk.open(team.owner, f"/flows/{flow}")
    ready(page)
    ended(page, "failed")
    choose(page)
    page.get_by_test_id("retry-start").click()
    ended(page, "completed")
    origin = page.get_by_test_id("run-origin")
    expect(origin.first).to_have_text("Try again of run 1")
    page.get_by_test_id("run-history").click()
    line = page.locator('[data-testid="run-line"][data-number="2"]')
    expect(line.get_by_test_id("run-origin")).to_have_text("Try again of run 1")
    line.get_by_role("link", name="run 1").click()
    ended(page, "failed")
