"""A flow of a thousand nodes: only what is seen is mounted, and it can be edited like any other."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Desk, Team
from tests.browser.editor import drag, middle, node, position, saved

pytestmark = pytest.mark.browser

SIDE = 25
CHAINS = 40


def large_flow() -> dict[str, object]:
    nodes: dict[str, object] = {}
    edges = []
    for row in range(CHAINS):
        for column in range(SIDE):
            kind = "file.read_csv" if column == 0 else "data.limit"
            settings = {"path": "examples/data/sales.csv"} if column == 0 else {"count": 10}
            place = {"x": column * 284, "y": row * 112}
            nodes[f"n{row}_{column}"] = {"type": kind, "settings": settings, "position": place}
            if column:
                edges.append(
                    {
                        "source": f"n{row}_{column - 1}",
                        "source_port": "rows",
                        "target": f"n{row}_{column}",
                        "target_port": "rows",
                    }
                )
    return {"format": "weft/1", "name": "Thousand", "nodes": nodes, "edges": edges}


def test_a_thousand_nodes(team: Team, desk: Desk) -> None:
    flow = team.weft.call("POST", "/flows", {"flow": large_flow()}, team.owner)["id"]
    page = desk.open(team.owner, f"/flows/{flow}")
    expect(page.get_by_test_id("canvas")).to_have_attribute("data-ready", "true")
    saved(page)
    for _ in range(8):
        page.keyboard.press("Control+Equal")
        page.get_by_role("button", name="Zoom in").click()
    expect(page.get_by_test_id("node-card")).not_to_have_count(0)
    assert page.get_by_test_id("node-card").count() < 200
    moved = page.evaluate(
        """() => {
          const far = (card) => {
            const { x, y, width, height } = card.getBoundingClientRect();
            return Math.hypot(x + width / 2 - innerWidth / 2, y + height / 2 - innerHeight / 2);
          };
          const cards = [...document.querySelectorAll('[data-testid="node-card"]')];
          return cards.sort((a, b) => far(a) - far(b))[0].dataset.nodeId;
        }"""
    )
    before = position(team.weft.call("GET", f"/flows/{flow}/definition", None, team.owner), moved)
    x, y = middle(node(page, moved))
    drag(page, (x, y), (x + 60, y + 40))
    saved(page)
    after = position(team.weft.call("GET", f"/flows/{flow}/definition", None, team.owner), moved)
    assert after != before
