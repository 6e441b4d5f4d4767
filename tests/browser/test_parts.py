"""Flows that are called, chosen in the settings; parts of a flow that may be run, in menus."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Desk, Team
from tests.browser.editor import node, ready, saved
from tests.browser.runs import ended, make

pytestmark = pytest.mark.browser

GREET: dict[str, Any] = {
    "format": "weft/1",
    "name": "Greet somebody",
    "description": "Says hello.",
    "inputs": {"name": {"type": "Text", "default": "you"}},
    "nodes": {
        "name": {"type": "flow.input", "settings": {"name": "name"}},
        "hello": {
            "type": "text.template",
            "settings": {"template": "Hello {{ item }}!"},
            "position": {"x": 280, "y": 0},
        },
    },
    "edges": [
        {"source": "name", "source_port": "value", "target": "hello", "target_port": "item"},
    ],
}
CALLS: dict[str, Any] = {
    "format": "weft/1",
    "name": "Calls what is chosen",
    "nodes": {"call": {"type": "flow.call", "settings": {"flow": "Greetings of old"}}},
}
LOOP: dict[str, Any] = {
    "format": "weft/1",
    "name": "Every number",
    "inputs": {"numbers": {"type": "Json", "default": [1, 2]}},
    "nodes": {
        "numbers": {"type": "flow.input", "settings": {"name": "numbers"}},
        "rows": {"type": "data.unpack", "position": {"x": 260, "y": 120}},
        "each": {
            "type": "control.for_each",
            "name": "Each number",
            "position": {"x": 540, "y": 0},
        },
        "say": {
            "type": "text.template",
            "name": "Say it",
            "parent": "each",
            "settings": {"template": "{{ item }}"},
            "position": {"x": 650, "y": 100},
        },
    },
    "edges": [
        {"source": "numbers", "source_port": "value", "target": "rows", "target_port": "item"},
        {"source": "rows", "source_port": "rows", "target": "each", "target_port": "items"},
        {"source": "each", "source_port": "item", "target": "say", "target_port": "item"},
        {"source": "say", "source_port": "text", "target": "each", "target_port": "result"},
    ],
}


def test_the_flow_to_call_is_chosen_and_opened(desk: Desk, team: Team) -> None:
    greet = make(team, GREET)
    page = desk.open(team.owner, f"/flows/{make(team, CALLS)}")
    ready(page)
    node(page, "call").click()
    setting = page.get_by_test_id("setting-flow")
    expect(setting.get_by_test_id("flow-missing")).to_contain_text("Greetings of old")

    field = setting.get_by_role("combobox")
    field.fill("greet somebody")
    choice = page.get_by_role("option").filter(has=page.get_by_test_id("flow-choice"))
    expect(choice).to_have_count(1)
    expect(choice).to_contain_text("Says hello.")
    choice.click()
    expect(field).to_have_value("Greet somebody")
    expect(setting.get_by_test_id("flow-missing")).to_have_count(0)
    saved(page)
    page.get_by_test_id("run-button").click()
    ended(page, "completed")

    setting.get_by_role("link", name="Open “Greet somebody”").click()
    expect(page).to_have_url(re.compile(f"/flows/{greet}$"))
    expect(node(page, "hello")).to_be_visible()


def test_a_node_in_a_container_is_run_with_the_container(desk: Desk, team: Team) -> None:
    page = desk.open(team.owner, f"/flows/{make(team, LOOP)}")
    ready(page)
    page.get_by_test_id("run-button").click()
    page.get_by_test_id("run-with-inputs").click()
    ended(page, "completed")

    node(page, "say").click(button="right")
    for name in ("Run from here", "Run up to here", "Run only this node"):
        entry = page.get_by_role("menuitem", name=name)
        expect(entry).to_be_disabled()
        expect(entry).to_have_accessible_description(
            "“Say it” lies in “Each number” and only runs with it"
        )
    page.get_by_role("menuitem", name="Run from “Each number”").click()
    page.get_by_test_id("run-with-inputs").click()
    ended(page, "completed")
    page.get_by_role("tab", name="Runs").click()
    expect(page.get_by_test_id("run-line")).to_have_count(2)

    node(page, "say").click()
    page.keyboard.press("Shift+Enter")
    page.get_by_role("button", name="Run from “Each number”").click()
    page.get_by_test_id("run-with-inputs").click()
    expect(page.get_by_test_id("run-line")).to_have_count(3)
    ended(page, "completed")
