"""A newcomer's first minutes: the setup link, the example flows, a run that works."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import PASSWORD, Desk, Weft
from tests.browser.editor import node, ready

pytestmark = pytest.mark.browser


@pytest.fixture
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Weft]:
    weft = Weft(tmp_path_factory.mktemp("fresh") / "data")
    yield weft
    weft.stop()


def test_from_the_setup_link_to_a_chart(fresh: Weft, chromium: Browser) -> None:
    desk = Desk(chromium, fresh, refused=["503 GET /api/session"])
    token = (fresh.data / "setup-token").read_text().strip()
    page = desk.open(None, f"/setup#token={token}")
    page.get_by_label("Your name").fill("Angela")
    page.get_by_label("E-mail").fill("angela@example.org")
    page.get_by_label("Password").first.fill(PASSWORD)
    page.locator('button[type="submit"]').click()

    expect(page.get_by_test_id("flow-card")).not_to_have_count(0)
    page.get_by_test_id("flow-card").filter(has_text="Sales report").get_by_role(
        "link"
    ).first.click()
    ready(page)
    page.get_by_test_id("run-button").click()
    expect(node(page, "bars")).to_have_attribute("data-state", "completed")
    node(page, "bars").click()
    page.get_by_test_id("dock-tab-output").click()
    expect(page.get_by_test_id("output-chart").first).to_be_visible()

    page.goto("/")
    card = page.get_by_test_id("flow-card").filter(has_text="Sales report")
    expect(card).to_contain_text("Completed")
    for context in desk.contexts:
        context.close()
    assert desk.errors == []


def test_a_wrong_password_is_said_plainly(fresh: Weft, chromium: Browser) -> None:
    fresh.set_up()
    desk = Desk(chromium, fresh)
    page = desk.open(None, "/signin")
    page.get_by_label("E-mail").fill("angela@example.org")
    page.get_by_role("textbox", name="Password").fill("not the right one")
    page.locator('button[type="submit"]').click()
    expect(page.get_by_test_id("form-error")).to_be_visible()
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.locator('button[type="submit"]').click()
    expect(page.get_by_test_id("flow-card")).not_to_have_count(0)
    for context in desk.contexts:
        context.close()
