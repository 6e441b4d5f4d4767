"""A container that is tried again says so on the canvas and in its rounds."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Desk, Team
from tests.browser.editor import node, ready
from tests.browser.runs import ended, make

pytestmark = pytest.mark.browser

FLOW: dict[str, Any] = {
    "format": "weft/1",
    "name": "Patient",
    "nodes": {
        "one": {"type": "data.generate", "settings": {"count": 1}},
        "loop": {
            "type": "control.for_each",
            "name": "Ask",
            "retry": {"max_attempts": 3, "delay_s": 0.05},
            "position": {"x": 300, "y": 0},
        },
        "share": {
            "type": "data.map",
            "parent": "loop",
            "settings": {"fields": [{"name": "share", "expression": "1 / item.number"}]},
            "position": {"x": 420, "y": 90},
        },
    },
    "edges": [
        {"source": "one", "source_port": "rows", "target": "loop", "target_port": "items"},
        {"source": "loop", "source_port": "item", "target": "share", "target_port": "rows"},
        {"source": "share", "source_port": "rows", "target": "loop", "target_port": "result"},
    ],
}


def test_the_attempts_of_a_container_are_told(desk: Desk, team: Team) -> None:
    page = desk.open(team.owner, f"/flows/{make(team, FLOW)}")
    ready(page)
    page.get_by_test_id("run-button").click()
    ended(page, "failed")
    card = page.locator('[data-testid="container-card"][data-node-id="loop"]')
    expect(card).to_have_attribute("data-state", "failed")
    expect(card.get_by_test_id("attempts")).to_have_text("↻3")

    node(page, "share").click()
    inspector = page.get_by_test_id("inspector")
    inspector.get_by_role("tab", name="Output", exact=True).click()
    bar = inspector.get_by_test_id("activation-bar")
    expect(bar).to_have_attribute("data-scope", "loop:0~3")
    expect(bar).to_contain_text("round 0 · attempt 3")
    expect(inspector).to_contain_text("zero")
