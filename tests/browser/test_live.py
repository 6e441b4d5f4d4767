"""The panel of a run that lives: pace, records as they pass, checkpoints, and its end."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk, Team
from tests.browser.editor import ready
from tests.browser.runs import ended

pytestmark = pytest.mark.browser

A_CHECKPOINT_MS = 60_000
"""The example makes one every five seconds; a busy machine may take its time."""
SOME = re.compile(r"^0\.[1-9]|^[1-9]")
"""A pace above nothing."""


def pace(page: Page, node: str, column: int) -> None:
    cell = page.get_by_test_id(f"live-node-{node}").get_by_role("cell").nth(column)
    expect(cell).to_have_text(SOME)


def test_a_live_run_is_looked_at_while_it_goes_on(desk: Desk, team: Team) -> None:
    page = desk.open(team.owner, f"/flows/{team.weft.flow(team.owner, 'Live sensors')}")
    ready(page)
    page.get_by_test_id("run-button").click()
    page.get_by_test_id("dock-tab-live").click()
    panel = page.get_by_test_id("live-pane")

    pace(page, "clock", 1)
    for node in ("reading", "window", "warm"):
        pace(page, node, 0)
    expect(panel.get_by_role("button", name="A reading")).to_be_visible()

    panel.get_by_placeholder("Node to look at").click()
    page.get_by_role("option", name="A reading").click()
    panel.get_by_label("Every so many-th record").fill("2")
    panel.get_by_placeholder("Only where").fill('item.sensor == "roof"')
    panel.get_by_test_id("live-look").click()
    seen = panel.get_by_test_id("live-seen")
    expect(seen).to_contain_text("roof")
    expect(seen).not_to_contain_text("cellar")
    panel.get_by_role("button", name="Stop looking").click()
    expect(seen).to_have_count(0)

    checkpoints = panel.get_by_test_id("live-checkpoints")
    expect(checkpoints.get_by_role("row").nth(1)).to_be_visible(timeout=A_CHECKPOINT_MS)
    expect(checkpoints).to_contain_text("The last one")
    expect(page.get_by_test_id("live-no-checkpoint")).to_have_count(0)

    page.get_by_test_id("stop-button").click()
    ended(page, "cancelled")
    expect(panel).to_contain_text("The run is over; its checkpoints stay.")
    expect(panel.get_by_test_id("live-nodes")).to_have_count(0)
    expect(checkpoints.get_by_role("row").nth(1)).to_be_visible()


def test_a_condition_that_is_refused_is_said_and_the_stream_goes_on(desk: Desk, team: Team) -> None:
    desk.refused.append("422 PUT /api/runs/.*/breakpoints")
    page = desk.open(team.owner, f"/flows/{team.weft.flow(team.owner, 'Live sensors')}")
    ready(page)
    page.get_by_test_id("run-button").click()
    page.get_by_test_id("dock-tab-live").click()
    panel = page.get_by_test_id("live-pane")
    pace(page, "clock", 1)
    panel.get_by_placeholder("Node to look at").click()
    page.get_by_role("option", name="A reading").click()
    panel.get_by_placeholder("Only where").fill("item.sensor ==")
    panel.get_by_test_id("live-look").click()
    expect(panel.get_by_placeholder("Only where")).to_have_attribute("aria-invalid", "true")
    expect(panel.get_by_role("button", name="Look")).to_be_enabled()
    pace(page, "reading", 1)
    page.get_by_test_id("stop-button").click()
    ended(page, "cancelled")
