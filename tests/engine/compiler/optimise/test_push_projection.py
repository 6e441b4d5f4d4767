"""Readers leave out columns that nobody uses, where nobody looks."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.compiler.optimise.row_flows import chain, run
from tests.engine.compiler.optimise.test_push_filter import CONDITIONS, SETTINGS
from weft_engine.flow.model import Flow

LINES = ["a,b,c,d", "1,x,2,", "2, y ,3,true", "1,z,2,false", ",x,9,"]
READ = ("s", "file.read_csv", {"path": "f.csv"})
FILTER = ("f", "data.filter", {"where": "item.a == 1"})
GROUP = ("g", "data.group", {"by": ["c"], "aggregates": [{"op": "sum", "field": "a"}]})
TABLE = ("t", "show.table", {"columns": ["b"]})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "f.csv").write_text("\n".join(LINES))
    return tmp_path


CASES: dict[str, tuple[list[tuple[str, str, dict[str, Any]]], str | None]] = {
    "group": ([READ, GROUP], "a, c"),
    "filter and group": (
        [READ, ("f", "data.filter", {"where": 'item.b == "x"'}), GROUP],
        "a, b, c",
    ),
    "table": ([READ, FILTER, TABLE], "a, b"),
    "chosen": ([READ, ("k", "data.columns", {"select": ["d"], "rename": {"d": "e"}})], "d"),
    "made and shown": (
        [READ, ("m", "data.map", {"fields": [{"name": "b", "expression": "item.c"}]}), TABLE],
        "c",
    ),
    "sorted": ([READ, ("o", "data.sort", {"by": [{"field": "a"}]}), TABLE], "a, b"),
    "counted": ([READ, ("g", "data.group", {})], "-"),
    "all": ([READ, FILTER], None),
    "the whole record": ([READ, ("f", "data.filter", {"where": 'has(item, "a")'}), GROUP], None),
    "stops early": ([READ, ("l", "data.limit", {"count": 2}), TABLE], None),
    "all shown": ([READ, ("t", "show.table", {})], None),
}


@pytest.mark.parametrize(("nodes", "columns"), CASES.values(), ids=CASES)
def test_columns(
    nodes: list[tuple[str, str, dict[str, Any]]], columns: str | None, folder: Path
) -> None:
    flow = chain(*nodes)
    made = run(flow, attended=False, folder=folder)
    plain = run(flow, optimise=False, folder=folder)
    looked = run(flow, folder=folder)

    assert str(made.result.state) == "completed"
    assert made.outputs == plain.outputs == looked.outputs
    said = [] if columns is None else [f"s reads only the columns that are used: {columns}"]
    assert made.said("push_projection") == said
    assert len(looked.said("push_projection", done=False)) == len(said)
    assert looked.seen("s") == plain.seen("s")


def test_what_is_seen_of_the_reader_says_so(folder: Path) -> None:
    made = run(chain(READ, FILTER, GROUP), attended=False, folder=folder)
    kept = made.result.nodes["s"].outputs["rows"]

    assert kept["inline"][0] == {"a": 1, "c": 2}
    assert kept["partial"] is True
    assert made.result.nodes["f"].outputs["rows"]["partial"] is True
    assert made.result.nodes["g"].outputs["rows"].get("partial") is not True
    assert made.logged("s") == ["Only the columns that something behind needs are read: a, c."]


def test_all_is_read_when_a_column_is_missing(folder: Path) -> None:
    flow = chain(READ, ("f", "data.filter", {"where": "item.aa == 1"}), GROUP)
    failures = [
        run(flow, folder=folder, **how).result.failure
        for how in ({"attended": False}, {"optimise": False})
    ]

    assert failures[0] == failures[1]
    assert failures[0] is not None


OTHERS: dict[str, dict[str, Any]] = {
    "failures are sent on": {"f": {"on_error": "route"}},
    "null takes their place": {"f": {"on_error": "continue"}},
    "it is an output": {"outputs": ["s", "g"]},
    "it is pinned": {"s": {"pinned": [{"a": 1, "c": 2}]}},
}


@pytest.mark.parametrize("more", OTHERS.values(), ids=OTHERS)
def test_not_where(more: dict[str, Any], folder: Path) -> None:
    made = run(chain(READ, FILTER, GROUP, **more), attended=False, folder=folder)
    assert made.said("push_projection") == []


CELLS = st.sampled_from(["", "1", "2", "x", " y ", "true", "1.5"])


@st.composite
def files(draw: st.DrawFn) -> tuple[str, Flow]:
    rows = draw(st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), max_size=8))
    text = "\n".join(["a,b,c,d", *(",".join(row) for row in rows)])
    uneven = draw(st.sampled_from(["fail", "skip", "keep"]))
    if draw(st.integers(0, 3)) == 0:
        text += "\n1,2\n1,2,3,4,5"
    kinds = draw(st.lists(st.sampled_from(sorted(SETTINGS)), max_size=3))
    nodes = [
        ("s", "file.read_csv", {"path": "f.csv", "on_bad_row": uneven}),
        *((f"n{at}", f"data.{kind}", draw(SETTINGS[kind])) for at, kind in enumerate(kinds)),
        ("f", "data.filter", {"where": draw(CONDITIONS)}),
        draw(st.sampled_from([GROUP, TABLE, ("k", "data.columns", {"select": ["c", "a"]})])),
    ]
    return text, chain(*nodes)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=files())
def test_nobody_can_tell(drawn: tuple[str, Flow], tmp_path: Path) -> None:
    text, flow = drawn
    (tmp_path / "f.csv").write_text(text)
    plain = run(flow, optimise=False, folder=tmp_path)
    made = run(flow, attended=False, folder=tmp_path)

    assert str(made.result.state) == str(plain.result.state)
    if made.result.failure is None:
        assert made.outputs == plain.outputs
