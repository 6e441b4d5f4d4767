"""Somebody arms a flow, gives its webhook a secret, and sees what comes in."""

import hashlib
import hmac
import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk, Team, Weft
from tests.browser.editor import ready, saved

pytestmark = pytest.mark.browser

FLOW: dict[str, Any] = {
    "format": "weft/1",
    "name": "Orders",
    "mode": "event",
    "nodes": {
        "order": {
            "type": "trigger.webhook",
            "name": "New order",
            "settings": {"signature": "github"},
            "position": {"x": 0, "y": 0},
        },
        "nightly": {
            "type": "trigger.schedule",
            "settings": {"when": "30 2 * * *", "timezone": "Europe/Berlin"},
            "position": {"x": 0, "y": 160},
        },
        "say": {
            "type": "text.template",
            "settings": {"template": "Order {{ item.order }}"},
            "position": {"x": 280, "y": 0},
        },
        "show": {"type": "show.text", "position": {"x": 560, "y": 0}},
    },
    "edges": [
        {"source": "order", "source_port": "body", "target": "say", "target_port": "item"},
        {"source": "say", "source_port": "text", "target": "show", "target_port": "text"},
    ],
}


def call(address: str, secret: str, body: dict[str, Any], delivery: str) -> int:
    """A request to a webhook, signed as GitHub does it."""
    content = json.dumps(body).encode()
    proof = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "X-Hub-Signature-256": f"sha256={proof}",
        "X-GitHub-Delivery": delivery,
    }
    request = urllib.request.Request(address, data=content, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def make(weft: Weft, team: Team) -> str:
    return str(weft.call("POST", "/flows", {"flow": FLOW}, team.owner)["id"])


def open_panel(page: Page) -> None:
    page.get_by_test_id("triggers-button").click()
    expect(page.get_by_test_id("panel-triggers")).to_be_visible()


def event(page: Page, state: str) -> Any:
    return page.locator(f'[data-testid="trigger-event"][data-state="{state}"]')


def test_a_webhook_is_armed_signed_and_watched(desk: Desk, team: Team) -> None:
    flow_id = make(team.weft, team)
    page = desk.open(team.owner, f"/flows/{flow_id}")
    ready(page)
    open_panel(page)
    state = page.get_by_test_id("armed-state")
    expect(state).to_have_attribute("data-look", "off")
    page.get_by_test_id("arm").click()
    expect(state).to_have_attribute("data-look", "on")

    address = str(page.get_by_test_id("hook-address").text_content())
    assert address.startswith(f"{team.weft.url}/hooks/")
    assert call(address, "", {"order": 1}, "a") == 403
    page.get_by_test_id("set-secret").click()
    page.get_by_test_id("make-secret").click()
    secret = str(page.get_by_test_id("new-secret").text_content())
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_text(secret)).to_have_count(0)

    assert call(address, secret, {"order": 7}, "b") == 202
    assert call(address, secret, {"order": 7}, "b") == 200
    assert call(address, "another secret", {"order": 8}, "c") == 401
    expect(event(page, "started")).to_have_count(1)
    expect(event(page, "duplicate")).to_have_count(1)
    expect(event(page, "refused")).to_have_count(2)
    event(page, "started").get_by_role("button").first.click()
    expect(event(page, "started").locator("pre")).to_contain_text('"order": 7')
    expect(event(page, "started").locator("pre")).to_contain_text("[redacted]")
    event(page, "started").get_by_test_id("event-run").click()
    expect(page.locator('[data-testid="node-card"][data-node-id="say"]')).to_have_attribute(
        "data-state", "completed"
    )

    team.weft.call(
        "POST",
        f"/flows/{flow_id}/patches",
        {"ops": [{"op": "set_setting", "node": "say", "path": ["template"], "value": "New"}]},
        team.owner,
    )
    saved(page)
    page.reload()
    ready(page)
    expect(state).to_have_attribute("data-look", "differs")
    page.get_by_test_id("disarm").click()
    expect(state).to_have_attribute("data-look", "off")
    assert call(address, secret, {"order": 9}, "d") == 404


def test_viewers_see_events_and_no_address(desk: Desk, team: Team) -> None:
    flow_id = make(team.weft, team)
    team.weft.call("POST", f"/flows/{flow_id}/arm", None, team.owner)
    page = desk.open(team.viewer, f"/flows/{flow_id}")
    ready(page)
    open_panel(page)
    expect(page.get_by_test_id("trigger")).to_have_count(2)
    expect(page.get_by_test_id("hook-address")).to_have_count(0)
    expect(page.get_by_test_id("disarm")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_the_panel(desk: Desk, team: Team, scheme: str) -> None:
    flow_id = make(team.weft, team)
    team.weft.call("POST", f"/flows/{flow_id}/arm", None, team.owner)
    page = desk.open(team.owner, f"/flows/{flow_id}", color_scheme=scheme)
    ready(page)
    open_panel(page)
    expect(page.get_by_test_id("trigger")).to_have_count(2)
    found = Axe().run(page, context={"include": ["#side-panel"]})
    assert found.violations_count == 0, found.generate_report()
