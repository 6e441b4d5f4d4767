"""`weft run` of parts of flows, of flows that call flows, and of runs that are kept."""

import json
import re
from pathlib import Path

import pytest

from tests.server.cli.weft import Outcome, weft, weft_here

CHAIN = """\
format: weft/1
name: Chain
inputs:
  who: {type: Text, default: world}
nodes:
  who: {type: flow.input, settings: {name: who}}
  greet: {type: text.template, settings: {template: "Hello {{ item }}"}}
  shout: {type: text.template, settings: {template: "{{ item }}!"}}
edges:
  - {source: who, source_port: value, target: greet, target_port: item}
  - {source: greet, source_port: text, target: shout, target_port: item}
"""
WAITS = """\
format: weft/1
name: Waits
inputs:
  who: {type: Text, default: world}
nodes:
  who: {type: flow.input, settings: {name: who}}
  go: {type: control.signal, settings: {name: go}}
  show: {type: text.template, settings: {template: "Got {{ item }}"}}
edges:
  - {source: who, source_port: value, target: go, target_port: item}
  - {source: go, source_port: received, target: show, target_port: item}
"""
CALLS = """\
format: weft/1
name: Calls
nodes:
  call: {type: flow.call, settings: {flow: chain, arguments: [{name: who, value: "'Ann'"}]}}
edges: []
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {"chain": CHAIN, "waits": WAITS, "calls": CALLS}.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    return tmp_path


def values(outcome: Outcome) -> dict[str, object]:
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)["outputs"]
    return {node: next(iter(ports.values()))["value"] for node, ports in found.items()}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--to", "greet"], {"greet": "Hello world"}),
        (["--pin", "greet.text=Bye"], {"shout": "Bye!"}),
        (["--pin", 'greet.text="Bye"'], {"shout": "Bye!"}),
        (["--from", "shout"], {"shout": "Hello world!"}),
    ],
    ids=["to a node", "pinned", "pinned as JSON", "from a node"],
)
def test_parts_of_a_flow(folder: Path, options: list[str], expected: dict[str, str]) -> None:
    outcome = weft("run", "chain.yaml", "--json", *options, cwd=folder)
    assert values(outcome) == expected


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--pin", "greet=1"], "run.bad_pin"),
        (["--pin", "lost.text=1"], "run.unknown_node"),
        (["--pin", "greet.txt=1"], "run.unknown_port"),
        (["--resume", "run_1"], "run.needs_data"),
        (["--breakpoint", ":after"], "run.bad_breakpoint"),
    ],
    ids=["no port", "no node", "another port", "no directory", "no node to stop at"],
)
def test_options_that_make_no_sense(folder: Path, options: list[str], code: str) -> None:
    outcome = weft_here("run", "chain.yaml", *options, cwd=folder)
    assert outcome.code == 2
    assert code in outcome.err


def test_a_called_flow_is_a_file_beside_the_one_that_calls(folder: Path) -> None:
    assert values(weft("run", "calls.yaml", "--json", cwd=folder)) == {"call": "Hello Ann!"}


def test_a_run_that_waits_is_left_and_goes_on(folder: Path) -> None:
    left = weft("run", "waits.yaml", "--data", "kept", cwd=folder)
    assert left.code == 3, left.err
    found = re.search(r"--resume (run_\w+)", left.err)
    assert found is not None
    options = ["--data", "kept", "--resume", found.group(1), "--json"]
    still = weft("run", "waits.yaml", *options, cwd=folder)
    assert still.code == 3, still.err
    ended = weft("run", "waits.yaml", *options, "--signal", "go=it", cwd=folder)
    assert values(ended) == {"show": "Got it"}
    again = weft("run", "waits.yaml", *options, cwd=folder)
    assert again.code == 1
    missing = weft("run", "waits.yaml", "--data", "kept", "--resume", "run_x", cwd=folder)
    assert (missing.code, "run.not_in_data" in missing.err) == (2, True)


def test_only_what_changed_runs_again(folder: Path) -> None:
    first = weft("run", "chain.yaml", "--data", "kept", "--json", cwd=folder)
    assert values(first) == {"shout": "Hello world!"}
    changed = CHAIN.replace("{{ item }}!", "{{ item }}?")
    (folder / "chain.yaml").write_text(changed)
    options = ["--data", "kept", "--only-changed", "--json"]
    assert values(weft("run", "chain.yaml", *options, cwd=folder)) == {"shout": "Hello world?"}
