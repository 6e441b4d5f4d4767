"""The flows in the docs of control flow give what stands beneath them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.engine.flows.reference import interpret
from tests.engine.flows.running import engine
from weft_engine.compiler.check import check
from weft_engine.flow.file import load
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.region import Signal

PAGE = Path(__file__).parents[3] / "docs" / "control-flow.md"
PAIRS = re.findall(r"```yaml\n(.*?)```\n\n```json\n(.*?)```", PAGE.read_text(), re.DOTALL)
CATALOGUE = Catalogue.installed()
ANSWER = {"ask": Signal("ask@", {"approved": True}, by="finance")}


def flows() -> list[Any]:
    return [pytest.param(text, json.loads(gives), id=load(text).name) for text, gives in PAIRS]


def test_every_flow_says_what_it_gives() -> None:
    assert PAGE.read_text().count("format: weft/1") == len(PAIRS) >= 10


@pytest.mark.parametrize(("text", "gives"), flows())
def test_what_it_means(text: str, gives: dict[str, dict[str, Any]]) -> None:
    flow = load(text)
    assert check(flow, CATALOGUE) == []

    outcome = interpret(flow, CATALOGUE, signals=ANSWER)

    found = outcome.handled if outcome.state == "failed" else outcome.outputs
    for node, ports in gives.items():
        assert {port: found[node][port] for port in ports} == ports
    assert set(gives) <= set(flow.outputs or flow.nodes)


@pytest.mark.parametrize(("text", "gives"), flows())
def test_what_a_run_gives(text: str, gives: dict[str, dict[str, Any]]) -> None:
    flow = load(text)
    if any(node.type == "control.approval" for node in flow.nodes.values()):
        pytest.skip("it waits for people")

    ran = engine(flow)

    if any(node.type == "control.on_error" for node in flow.nodes.values()):
        assert ran.state == "failed"
        assert {name: ran.result.nodes[name].state for name in gives} == dict.fromkeys(
            gives, "completed"
        )
        return
    for node, ports in gives.items():
        assert {port: ran.outputs[node][port] for port in ports} == ports
