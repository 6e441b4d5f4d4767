"""Everybody can use it: no serious accessibility faults, in both themes and both languages."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import Desk, Team
from tests.browser.editor import node, ready

pytestmark = pytest.mark.browser


def serious(page: Any) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{fault['id']}: {fault['nodes'][0]['html'][:160]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_no_serious_faults(team: Team, desk: Desk, scheme: Any, locale: str) -> None:
    page = desk.open(team.owner, "/", color_scheme=scheme, locale=locale)
    expect(page.get_by_test_id("flow-card")).not_to_have_count(0)
    assert serious(page) == []
    page.goto(f"/flows/{team.weft.flow(team.owner, 'Error counts')}")
    ready(page)
    assert serious(page) == []
    page.get_by_test_id("run-button").click()
    for card in page.get_by_test_id("node-card").all():
        expect(card).to_have_attribute("data-state", "completed")
    page.get_by_test_id("node-card").first.click()
    page.get_by_test_id("dock-tab-output").click()
    expect(page.get_by_test_id("output-table").first).to_be_visible()
    assert serious(page) == []
    page.get_by_test_id("rail-add").click()
    expect(page.get_by_test_id("palette-search")).to_be_visible()
    assert serious(page) == []
    page.goto("/runs")
    expect(page.get_by_test_id("history-search")).to_be_visible()
    assert serious(page) == []
    page.goto("/settings")
    expect(page.get_by_role("heading").first).to_be_visible()
    assert serious(page) == []


def test_chinese_is_spoken(team: Team, desk: Desk) -> None:
    page = desk.open(
        team.owner, f"/flows/{team.weft.flow(team.owner, 'Sales report')}", locale="zh-CN"
    )
    ready(page)
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.get_by_test_id("run-button")).to_have_text("运行")
    node(page, "keep").click()
    expect(page.get_by_test_id("inspector")).to_contain_text("条件")


def test_who_wants_no_motion_gets_none(team: Team, desk: Desk) -> None:
    """A transition, however short, shows the old colours until the next frame."""
    page = desk.open(team.owner, f"/flows/{team.weft.flow(team.owner, 'Sales report')}")
    ready(page)
    begun = page.evaluate(
        """() => {
          for (const button of document.querySelectorAll("button")) {
            button.disabled = !button.disabled;
          }
          return document.getAnimations().length;
        }"""
    )
    assert begun == 0
