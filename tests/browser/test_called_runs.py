"""Runs that a run called: below it in the history, and where the node that calls them is."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Desk, Team
from tests.browser.editor import node, ready
from tests.browser.runs import ended, make

pytestmark = pytest.mark.browser

CALLED: dict[str, Any] = {
    "format": "weft/1",
    "name": "Shout",
    "inputs": {"text": {"type": "Text", "default": "hello"}},
    "nodes": {
        "text": {"type": "flow.input", "settings": {"name": "text"}},
        "loud": {
            "type": "text.template",
            "settings": {"template": "{{ upper(item) }}!"},
            "position": {"x": 280, "y": 0},
        },
    },
    "edges": [
        {"source": "text", "source_port": "value", "target": "loud", "target_port": "item"},
    ],
}
CALLING: dict[str, Any] = {
    "format": "weft/1",
    "name": "Calls others",
    "nodes": {"call": {"type": "flow.call", "settings": {"flow": "Shout", "isolated": True}}},
}


def test_called_runs_are_found_below_and_by_the_node(desk: Desk, team: Team) -> None:
    make(team, CALLED)
    page = desk.open(team.owner, f"/flows/{make(team, CALLING)}")
    ready(page)
    page.get_by_test_id("run-button").click()
    ended(page, "completed")

    node(page, "call").click()
    inspector = page.get_by_test_id("inspector")
    inspector.get_by_role("tab", name="Output").click()
    link = inspector.get_by_test_id("called-links").get_by_role("link")
    expect(link).to_have_text(re.compile("Shout, run 1"))

    page.get_by_role("tab", name="Runs").click()
    line = page.get_by_test_id("run-line").first
    expect(page.get_by_test_id("called-line")).to_have_count(0)
    line.get_by_test_id("show-called").click()
    below = page.get_by_test_id("called-line")
    expect(below).to_have_count(1)
    expect(below).to_contain_text("by call")
    expect(below).to_contain_text("Shout")

    link.click()
    expect(page).to_have_url(re.compile(r"/flows/.+\?run=run_.+\."))
    ready(page)
    ended(page, "completed")
    expect(node(page, "loud")).to_be_visible()

    by = page.get_by_test_id("called-by")
    expect(by).to_have_text(re.compile("Called by Calls others, run 1 by call"))
    by.get_by_role("link").click()
    expect(page).to_have_url(re.compile(r"/flows/.+\?run=run_[^.]+$"))
    expect(node(page, "call")).to_be_visible()


ASKING: dict[str, Any] = {
    "format": "weft/1",
    "name": "Asks",
    "inputs": {"text": {"type": "Text", "default": "hello"}},
    "nodes": {
        "text": {"type": "flow.input", "settings": {"name": "text"}},
        "ask": {"type": "control.approval", "settings": {"message": "Go on?"}},
    },
    "edges": [
        {"source": "text", "source_port": "value", "target": "ask", "target_port": "item"},
    ],
}
CALLS_ASKS: dict[str, Any] = {
    "format": "weft/1",
    "name": "Calls what asks",
    "nodes": {"call": {"type": "flow.call", "settings": {"flow": "Asks", "isolated": True}}},
}


def test_where_a_called_run_is_shown_the_outermost_is_stopped(desk: Desk, team: Team) -> None:
    make(team, ASKING)
    page = desk.open(team.owner, f"/flows/{make(team, CALLS_ASKS)}")
    ready(page)
    page.get_by_test_id("run-button").click()
    node(page, "call").click()
    inspector = page.get_by_test_id("inspector")
    inspector.get_by_role("tab", name="Output").click()
    inspector.get_by_test_id("called-links").get_by_role("link").click()
    expect(page).to_have_url(re.compile(r"/flows/.+\?run=run_.+\."))
    ready(page)
    stop = page.get_by_test_id("stop-button")
    expect(stop).to_have_text("Stop the outermost run")
    stop.click()
    ended(page, "cancelled")
    page.get_by_test_id("called-by").get_by_role("link").click()
    ended(page, "cancelled")
