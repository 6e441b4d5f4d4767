"""`weft nodes` and `weft plan`."""

import re
from pathlib import Path

from tests.server.cli.weft import weft
from weft_engine.nodes.catalogue import Catalogue


def test_the_catalogue_as_a_table() -> None:
    outcome = weft("nodes")
    assert outcome.code == 0
    first_words = [line.split()[0] for line in outcome.out.splitlines()[2:]]
    assert first_words == [spec.type for spec in Catalogue.installed().specs()]
    assert "Filter" in outcome.out
    assert (
        "筛选" in weft("nodes", "--lang", "zh").out or "过滤" in weft("nodes", "--lang", "zh").out
    )


def test_the_catalogue_as_json() -> None:
    specs = weft("nodes", "--json").json()
    assert [spec["type"] for spec in specs] == [s.type for s in Catalogue.installed().specs()]
    assert all({"type", "name", "inputs", "outputs", "settings"} <= set(spec) for spec in specs)


def test_one_node_type() -> None:
    outcome = weft("nodes", "data.group")
    assert outcome.code == 0
    for part in ("Inputs", "Outputs", "Settings", "rows: Stream[Row]", "aggregates", "op: one of"):
        assert part in outcome.out
    chinese = weft("nodes", "data.group", LANG="zh_CN.UTF-8")
    assert "设置" in chinese.out
    assert [spec["type"] for spec in weft("nodes", "data.group", "--json").json()] == ["data.group"]


def test_a_node_type_that_is_not_there() -> None:
    outcome = weft("nodes", "data.grup")
    assert outcome.code == 2
    assert outcome.out == ""
    assert "check.unknown_type" in outcome.err
    assert "data.group" in outcome.err


def test_the_plan_of_an_example() -> None:
    outcome = weft("plan", "examples/sales_report.yaml")
    assert outcome.code == 0
    numbers = [int(number) for number in re.findall(r"^ +chain (\d+)", outcome.out, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1)), "no gaps"
    sources = re.findall(r"← (.+)$", outcome.out, re.MULTILINE)
    assert {int(one) for named in sources for one in named.split(", ")} <= set(numbers)
    assert "tap" not in outcome.out
    plan = weft("plan", "examples/sales_report.yaml", "--json").json()
    nodes = {operator["node"] for chain in plan["chains"] for operator in chain["operators"]}
    assert {"read", "keep", "by_region", "table"} <= nodes
    together = [{operator["node"] for operator in chain["operators"]} for chain in plan["chains"]]
    assert any({"keep", "month"} <= chain for chain in together), "neighbours share a chain"
    assert all({"from", "to"} <= set(exchange) for exchange in plan["exchanges"])
    assert plan["scopes"][0]["units"][0]["kind"] == "stream"


LOOP = """
format: weft/1
name: Loop
nodes:
  read: {type: file.read_csv, settings: {path: x.csv}}
  ask: {type: flow.input, settings: {name: q, default: hello}}
  loop: {type: control.for_each, settings: {concurrency: 4}}
  say: {type: text.template, parent: loop, settings: {template: x}}
  got: {type: control.try, parent: loop}
  in: {type: text.template, parent: got, settings: {template: x}}
inputs: {q: {type: Text}}
edges:
  - {source: read, source_port: rows, target: loop, target_port: items}
  - {source: loop, source_port: item, target: say, target_port: item}
  - {source: loop, source_port: item, target: got, target_port: item}
  - {source: ask, source_port: value, target: in, target_port: item}
  - {source: in, source_port: text, target: got, target_port: result}
  - {source: say, source_port: text, target: loop, target_port: result}
"""


def test_the_plan_of_a_loop(tmp_path: Path) -> None:
    file = tmp_path / "loop.yaml"
    file.write_text(LOOP)

    shown = weft("plan", file).out
    assert "container  loop  (after 1, 2 · runs what lies in it · 8 at a time · reads" in shown
    assert "call  loop/got/in  (single values)" in shown
    assert "并行度" in weft("plan", file, "--lang", "zh").out
    scopes = weft("plan", file, "--json").json()["scopes"]
    assert [scope["path"] for scope in scopes] == ["", "loop", "loop/got"]
    assert weft("check", file).code == 0


def test_the_plan_of_a_broken_loop(tmp_path: Path) -> None:
    file = tmp_path / "loop.yaml"
    file.write_text(
        LOOP.replace("target: loop, target_port: result", "target: ask, target_port: x")
    )

    outcome = weft("plan", file)
    assert outcome.code == 2
    assert "check.leaves_container" in outcome.err


def test_the_plan_says_what_is_lifted() -> None:
    plan = weft("plan", "examples/thank_you_letters.yaml", "--json").json()
    assert plan["lifted"] == ["letter"]
    assert plan["conversions"]["oldest.rows>letter.item"] == "lift"
    assert "逐条处理" in weft("plan", "examples/thank_you_letters.yaml", "--lang", "zh").out


def test_the_plan_of_a_flow_that_calls_one_beside_it() -> None:
    outcome = weft("plan", "examples/letters_by_call.yaml")
    assert outcome.code == 0, outcome.err
    assert "each/write_one" in outcome.out
