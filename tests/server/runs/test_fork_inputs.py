"""Forks with other inputs: whatever kind of node takes them, it works on what was given."""

from typing import Any

import pytest

from tests.server.runs.flows import Runner
from tests.server.support import Server

FLOW: dict[str, Any] = {
    "format": "weft/1",
    "name": "Forked",
    "nodes": {
        "rows": {
            "type": "data.generate",
            "settings": {"count": 3, "fields": [{"name": "a", "expression": "item"}]},
        },
        "next": {
            "type": "data.map",
            "settings": {"fields": [{"name": "b", "expression": "item.a + 1"}]},
        },
        "loop": {"type": "control.for_each"},
        "say": {
            "type": "text.template",
            "parent": "loop",
            "settings": {"template": "{{ item.b }}"},
        },
    },
    "edges": [
        {"source": "rows", "source_port": "rows", "target": "next", "target_port": "rows"},
        {"source": "next", "source_port": "rows", "target": "loop", "target_port": "items"},
        {"source": "loop", "source_port": "item", "target": "say", "target_port": "item"},
        {"source": "say", "source_port": "text", "target": "loop", "target_port": "result"},
    ],
    "outputs": ["loop"],
}
CASES = {
    "a node of a stretch": ("next", "rows", [{"a": 7}, {"a": 8}], ["8", "9"]),
    "a container": ("loop", "items", [{"b": 7}, {"b": 8}], ["7", "8"]),
}


@pytest.mark.parametrize("case", CASES)
def test_records_take_the_place_of_a_stream(server: Server, case: str) -> None:
    node, port, given, said = CASES[case]
    runner = Runner(server)
    run = runner.run(runner.create(FLOW))
    assert set(run["nodes"]) == {"rows", "next", "loop", "loop/say"}
    body = {"from_node": node, "overrides": {node: {port: given}}}
    fork = runner.client.post(f"/api/runs/{run['id']}/fork", json=body).json()
    assert runner.ended(fork["id"])["state"] == "completed"
    page = runner.client.get(f"/api/runs/{fork['id']}/nodes/loop").json()
    assert page["outputs"]["results"]["records"] == said
