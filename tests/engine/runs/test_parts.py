"""Nodes by which two programs are compared: whatever makes a node give something else counts."""

from typing import Any

import pytest

from tests.engine.runs.engine.harness import catalogue, flow_of
from weft_engine.compiler.building import compile_program
from weft_engine.compiler.program import ProgramOptions
from weft_engine.runs.parts import Part, parts_of


def part(expression: str, *, rate: int = 1, given: int = 1) -> Part:
    """A node with an expression, in a run with a variable and an input."""
    fields = [{"name": "b", "expression": expression}]
    flow = flow_of(
        {
            "rows": ("data.generate", {"fields": [{"name": "a", "expression": "item"}]}),
            "map": ("data.map", {"fields": fields}),
        },
        ["rows.rows>map.rows"],
    )
    flow = flow.model_copy(update={"variables": {"rate": rate, "other": 7}})
    known: Any = catalogue()
    program = compile_program(flow, known, ProgramOptions())
    return parts_of(program, {"given": given}, {}, known)["map"]


READS = {
    "a variable": ("item.a * vars.rate", "rate"),
    "a variable in the next line": ("item.a *\nvars.rate", "rate"),
    "a variable behind a tab": ("item.a *\tvars.rate", "rate"),
    "a variable by brackets": ('item.a *\nvars["rate"]', "rate"),
    "an input": ("inputs.given", "given"),
    "an input in the next line": ("item.a +\ninputs.given", "given"),
    "an input of the flow": ("item.a +\r\nflow.inputs.given", "given"),
}


@pytest.mark.parametrize(("expression", "name"), READS.values(), ids=list(READS))
def test_what_a_node_reads_of_its_run_tells_it_apart(expression: str, name: str) -> None:
    changed: dict[str, Any] = {name: 2}
    assert part(expression).own == part(expression).own
    assert part(expression).own != part(expression, **changed).own


def test_what_it_does_not_read_does_not() -> None:
    assert part("item.a *\nvars.other").own == part("item.a *\nvars.other", rate=2, given=2).own
