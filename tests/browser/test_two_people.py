"""Two people edit one flow, run it and see the same; a viewer sees all and changes nothing."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk, Team
from tests.browser.editor import (
    add_node,
    drag,
    middle,
    node,
    node_ids,
    port,
    position,
    ready,
    saved,
)

pytestmark = pytest.mark.browser


def set_condition(page: Page, node_id: str, text: str) -> None:
    node(page, node_id).click()
    field = page.get_by_test_id("setting-where").locator("textarea, input").first
    field.fill(text)
    field.press("Tab")


def table(page: Page, node_id: str) -> str:
    """The text of the table that this node shows in the dock."""
    node(page, node_id).click()
    page.get_by_test_id("dock-tab-output").click()
    found = page.get_by_test_id("output-table").first
    expect(found).to_contain_text("Merino shirt")
    return found.inner_text()


def test_edit_together_run_and_see_the_same(team: Team, desk: Desk) -> None:
    flow = team.weft.flow(team.owner, "Sales report")
    angela, bo = (desk.open(person, f"/flows/{flow}") for person in (team.owner, team.editor))
    for page in (angela, bo):
        ready(page)
        expect(page.get_by_test_id("presence-avatar")).not_to_have_count(0)
    count = len(node_ids(angela))

    added = add_node(angela, "data.limit")
    set_condition(bo, "keep", "item.quantity > 1")
    drag(
        angela,
        middle(port(angela, "keep", "rows", "source")),
        middle(port(angela, added, "rows", "target")),
    )
    x, y = middle(node(bo, "read"))
    drag(bo, (x, y), (x, y + 120))

    for page in (angela, bo):
        expect(page.get_by_test_id("node-card")).to_have_count(count + 1)
        saved(page)
    expect(node(bo, added)).to_be_visible()
    edge = f"keep.rows>{added}.rows"
    for page in (angela, bo):
        expect(page.locator(f'.react-flow__edge[data-id="{edge}"]')).to_have_count(1)
    definition = team.weft.call("GET", f"/flows/{flow}/definition", None, team.owner)
    assert definition["nodes"]["keep"]["settings"]["where"] == "item.quantity > 1"
    assert {
        "source": "keep",
        "source_port": "rows",
        "target": added,
        "target_port": "rows",
    } in definition["edges"]
    assert position(definition, "read")[1] > 150

    for page in (angela, bo):
        page.reload()
        ready(page)
    assert team.weft.call("GET", f"/flows/{flow}/definition", None, team.owner) == definition

    bo.get_by_test_id("run-button").click()
    for page in (angela, bo):
        for node_id in definition["nodes"]:
            expect(node(page, node_id)).to_have_attribute("data-state", "completed")
    assert table(angela, "products") == table(bo, "products")

    vera = desk.open(team.viewer, f"/flows/{flow}")
    ready(vera)
    assert node_ids(vera) == node_ids(angela)
    assert table(vera, "products") == table(angela, "products")
    expect(vera.get_by_test_id("run-button")).to_be_disabled()
    node(vera, "products").click()
    vera.keyboard.press("Delete")
    x, y = middle(node(vera, "read"))
    drag(vera, (x, y), (x + 90, y + 90))
    node(vera, "keep").click()
    expect(
        vera.get_by_test_id("setting-where").locator("textarea, input").first
    ).not_to_be_editable()
    assert team.weft.call("GET", f"/flows/{flow}/definition", None, team.owner) == definition


def test_undo_takes_back_only_ones_own(team: Team, desk: Desk) -> None:
    flow = team.weft.flow(team.owner, "Quality check")
    angela, bo = (desk.open(person, f"/flows/{flow}") for person in (team.owner, team.editor))
    for page in (angela, bo):
        ready(page)
    mine = add_node(angela, "data.unique")
    theirs = add_node(bo, "data.sort")
    expect(node(angela, theirs)).to_be_visible()
    angela.get_by_test_id("undo").click()
    for page in (angela, bo):
        expect(node(page, mine)).to_have_count(0)
        expect(node(page, theirs)).to_have_count(1)
    angela.get_by_test_id("redo").click()
    for page in (angela, bo):
        expect(node(page, mine)).to_have_count(1)


def test_a_wrong_connection_is_refused(team: Team, desk: Desk) -> None:
    flow = team.weft.call("POST", "/flows", {"name": "Refusals"}, team.owner)["id"]
    page = desk.open(team.owner, f"/flows/{flow}")
    expect(page.get_by_test_id("empty-canvas")).to_be_visible()
    rows = add_node(page, "file.read_csv")
    text = add_node(page, "show.text")
    page.get_by_test_id("tidy").click()
    saved(page)
    drag(
        page, middle(port(page, rows, "rows", "source")), middle(port(page, text, "text", "target"))
    )
    saved(page)
    assert (
        team.weft.call("GET", f"/flows/{flow}/definition", None, team.owner).get("edges", []) == []
    )


def test_edits_survive_a_killed_server(team: Team, desk: Desk) -> None:
    flow = team.weft.call("POST", "/flows", {"name": "Killed"}, team.owner)["id"]
    page = desk.open(team.owner, f"/flows/{flow}")
    expect(page.get_by_test_id("empty-canvas")).to_be_visible()
    first = add_node(page, "data.limit")
    saved(page)
    team.weft.kill()
    expect(page.get_by_test_id("saved-state")).to_have_attribute("data-state", "offline")
    second = add_node(page, "data.sort")
    expect(page.get_by_test_id("saved-state")).to_have_attribute("data-pending", "1")
    team.weft.start()
    saved(page)
    definition = team.weft.call("GET", f"/flows/{flow}/definition", None, team.owner)
    assert set(definition["nodes"]) == {first, second}
