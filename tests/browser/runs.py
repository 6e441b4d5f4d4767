"""Flows that are run in the tests of runs, and what is seen of a run in the editor."""

from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Team

PRICE: dict[str, Any] = {
    "format": "weft/1",
    "name": "Price of an order",
    "inputs": {"order": {"type": "Row"}},
    "nodes": {
        "order": {"type": "flow.input", "settings": {"name": "order"}},
        "tax": {
            "type": "data.map",
            "settings": {"fields": [{"name": "total", "expression": "item.amount * 2"}]},
            "position": {"x": 280, "y": 0},
        },
    },
    "edges": [{"source": "order", "source_port": "value", "target": "tax", "target_port": "rows"}],
}
ORDERS: dict[str, Any] = {
    "format": "weft/1",
    "name": "Orders of the day",
    "variables": {"limit": 100},
    "inputs": {
        "orders": {
            "type": "Json",
            "default": [
                {"id": 1, "amount": 20},
                {"id": 2, "amount": 50},
                {"id": 3, "amount": 5},
            ],
        }
    },
    "nodes": {
        "orders": {
            "type": "flow.input",
            "name": "Orders",
            "settings": {"name": "orders"},
            "position": {"x": 0, "y": 120},
        },
        "rows": {"type": "data.unpack", "name": "One by one", "position": {"x": 260, "y": 120}},
        "each": {
            "type": "control.for_each",
            "name": "Every order",
            "settings": {"concurrency": 1},
            "position": {"x": 540, "y": 0},
        },
        "check": {
            "type": "data.map",
            "name": "Check",
            "parent": "each",
            "settings": {"fields": [{"name": "ok", "expression": "item.amount < 100"}]},
            "position": {"x": 650, "y": 100},
        },
        "price": {
            "type": "flow.call",
            "name": "Price",
            "parent": "each",
            "settings": {
                "flow": "Price of an order",
                "arguments": [{"name": "order", "value": "item"}],
            },
            "position": {"x": 930, "y": 80},
        },
        "say": {
            "type": "text.template",
            "name": "Say",
            "settings": {"template": "Order {{ item.id }} costs {{ item.total }}"},
            "position": {"x": 1480, "y": 120},
        },
        "show": {"type": "show.text", "name": "Result", "position": {"x": 1740, "y": 120}},
    },
    "edges": [
        {"source": "orders", "source_port": "value", "target": "rows", "target_port": "item"},
        {"source": "rows", "source_port": "rows", "target": "each", "target_port": "items"},
        {"source": "each", "source_port": "item", "target": "check", "target_port": "rows"},
        {"source": "check", "source_port": "rows", "target": "price", "target_port": "item"},
        {"source": "price", "source_port": "result", "target": "each", "target_port": "result"},
        {"source": "each", "source_port": "results", "target": "say", "target_port": "item"},
        {"source": "say", "source_port": "text", "target": "show", "target_port": "text"},
    ],
}
REFUNDS: dict[str, Any] = {
    "format": "weft/1",
    "name": "Refunds",
    "inputs": {
        "refund": {"type": "Row", "default": {"id": 7, "amount": 80, "customer": "Ada"}},
    },
    "nodes": {
        "refund": {"type": "flow.input", "settings": {"name": "refund"}},
        "ask": {
            "type": "control.approval",
            "name": "Ask finance",
            "settings": {"message": "Refund {{ item.amount }} to {{ item.customer }}?"},
            "position": {"x": 280, "y": 0},
        },
        "pay": {
            "type": "text.template",
            "name": "Pay",
            "settings": {"template": "Paid {{ item.amount }}"},
            "position": {"x": 580, "y": 0},
        },
        "no": {
            "type": "text.template",
            "name": "Refuse",
            "settings": {"template": "Refused {{ item.id }}"},
            "position": {"x": 580, "y": 160},
        },
    },
    "edges": [
        {"source": "refund", "source_port": "value", "target": "ask", "target_port": "item"},
        {"source": "ask", "source_port": "approved", "target": "pay", "target_port": "item"},
        {"source": "ask", "source_port": "rejected", "target": "no", "target_port": "item"},
    ],
}
WRONG: dict[str, Any] = {
    "format": "weft/1",
    "name": "Shares",
    "inputs": {"numbers": {"type": "Row", "default": {"a": 6, "b": 0}}},
    "nodes": {
        "numbers": {"type": "flow.input", "name": "Numbers", "settings": {"name": "numbers"}},
        "share": {
            "type": "data.map",
            "name": "Share",
            "settings": {"fields": [{"name": "share", "expression": "item.a / item.b"}]},
            "position": {"x": 280, "y": 0},
        },
        "say": {
            "type": "text.template",
            "name": "Say",
            "settings": {"template": "It is {{ item.share }}"},
            "position": {"x": 560, "y": 0},
        },
    },
    "edges": [
        {"source": "numbers", "source_port": "value", "target": "share", "target_port": "rows"},
        {"source": "share", "source_port": "rows", "target": "say", "target_port": "item"},
    ],
}


def make(team: Team, flow: dict[str, Any]) -> str:
    """A flow of its own for a test; the id."""
    return str(team.weft.call("POST", "/flows", {"flow": flow}, team.owner)["id"])


def start(team: Team, flow_id: str, wait: float = 0, **options: Any) -> dict[str, Any]:
    """Start a run by the API."""
    found: dict[str, Any] = team.weft.call(
        "POST", f"/flows/{flow_id}/runs?wait={wait}", options, team.owner
    )
    return found


def run(page: Page) -> None:
    """Press Run, and take the flow's own values for its inputs."""
    page.get_by_test_id("run-button").click()
    page.get_by_test_id("run-with-inputs").click()


def around(page: Page, node: str) -> Locator:
    return page.locator(f'.react-flow__node[data-id="{node}"]')


def stopped_at(page: Page, at: str) -> None:
    """The run stands there, and the page says so."""
    expect(page.get_by_test_id("run-stopped")).to_have_attribute("data-at", at)


def ended(page: Page, state: str) -> None:
    summary = page.get_by_test_id("dock").locator(f'[data-state="{state}"]').first
    expect(summary).to_be_visible()
    expect(page.get_by_test_id("run-button")).to_be_visible()
