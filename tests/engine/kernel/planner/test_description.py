"""Plans as data: the same in every process, another one when anything changes."""

import functools
import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from weft_engine.kernel.graph import Graph, Ref, Ship
from weft_engine.kernel.inline import Inline
from weft_engine.kernel.physical import PhysicalPlan
from weft_engine.kernel.planner import describe, explain, make_physical, plan_hash
from weft_engine.kernel.planner.fingerprint import plain
from weft_engine.kernel.settings import Settings

PROGRAM = """
import functools
from weft_engine.kernel.graph import Graph, Ref, Ship
from weft_engine.kernel.inline import Inline
from weft_engine.kernel.planner import make_physical, plan_hash
from weft_engine.kernel.settings import Settings

class Table:
    def __init__(self):
        self.words = {"a", "b", "c"}
        self.handle = object()

    def process(self, value):
        return value in {"x", "y", "z"} or value in self.words

def make(by):
    return lambda value: [value + by for _ in range(by)]

graph = Graph()
graph.add("source", params={"source": Table()})
graph.add("flat_map", Ref(0), params={"fn": make(3)})
graph.add("map", Ref(1), params={"fn": functools.partial(max, 3)})
graph.add("reduce_running", Ref(2), params={"fn": Inline("held + item", "held", "item")},
          ships=(Ship("hash", str.lower),))
graph.add("sink", Ref(3), params={"sink": Table})
print(plan_hash(make_physical(graph, Settings(), "any")))
"""


def test_the_same_program_has_the_same_hash_in_every_process() -> None:
    hashes = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(hashes) == 1


def planned(fn: Any, **settings: Any) -> PhysicalPlan:
    graph = Graph()
    graph.add("source", params={"source": "numbers"})
    graph.add("map", Ref(0), params={"fn": fn}, ships=(Ship("hash", abs),))
    graph.add("sink", Ref(1), params={"token": "geheim"})
    return make_physical(graph, Settings(**settings), "test")


def add(by: int) -> Any:
    return lambda value: value + by


@dataclass
class Scale:
    factor: int

    def process(self, value: int) -> int:
        return value * self.factor


class Other(Scale):
    def process(self, value: int) -> int:
        return value + self.factor


DIFFERENT = [
    abs,
    max,
    add(1),
    add(2),
    lambda value: value - 1,
    lambda value: value.real,
    lambda value: value.imag,
    lambda value, by=1: value,
    lambda value, by=2: value,
    lambda value: [each + 1 for each in value],
    lambda value: [each + 2 for each in value],
    Scale(1),
    Scale(2),
    Other(1),
    Scale,
    Scale(1).process,
    functools.partial(add, 1),
    functools.partial(add, 2),
    Inline("item + 1"),
    Inline("item + by", by=1),
    Inline("item + by", by=2),
]


def test_another_function_is_another_plan() -> None:
    assert len({plan_hash(planned(fn)) for fn in DIFFERENT}) == len(DIFFERENT)
    assert len({plan_hash(planned(add(1))) for _ in range(3)}) == 1


def test_settings_do_not_change_the_hash_but_parallelism_does() -> None:
    assert plan_hash(planned(abs)) == plan_hash(planned(abs, batch_size=7))
    assert plan_hash(planned(abs)) != plan_hash(planned(abs, parallelism=2))


@pytest.mark.parametrize("fn", DIFFERENT)
def test_descriptions_are_plain_and_keep_secrets(fn: Any) -> None:
    described = describe(planned(fn))
    text = json.dumps(described)
    assert json.loads(text) == described
    assert "geheim" not in text
    assert " at 0x" not in text


def test_what_holds_itself_is_described_all_the_same() -> None:
    knot: list[Any] = []
    knot.append(knot)
    assert "builtins:list" in json.dumps(plain(knot))
    assert plain({"big": range(10**9), "odd": float("nan")}) == {
        "big": {"range": [0, 10**9, 1]},
        "odd": "nan",
    }


def test_explanations_name_everything() -> None:
    text = explain(planned(abs, parallelism=2))
    assert "Stage 1 × 2" in text
    assert "map (map, by key) [map-1]" in text
    assert "hash to stage 1" in text
