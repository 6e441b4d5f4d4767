"""Filters are asked early where nobody can tell."""

from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from tests.engine.compiler.optimise.row_flows import CATALOGUE, KEPT, chain, run
from tests.engine.flows.reference import interpret
from weft_engine.library.cleaning import STEPS
from weft_engine.runs.outputs import OutputStore

ROWS = [{"a": at % 5, "b": f" {at} ", "c": at % 3} for at in range(40)]
RAGGED = [*ROWS, {"a": 1}]
SOURCE = ("s", "t.rows", {"rows": ROWS})
FILTER = ("f", "data.filter", {"where": "item.a == 1"})
CLEAN = ("m", "data.clean", {"columns": ["b"]})
SURE = ("m", "data.map", {"fields": [{"name": "d", "expression": "item.c == 1"}]})


def one_of(**settings: Any) -> tuple[str, str, dict[str, Any]]:
    ((kind, found),) = settings.items()
    return ("m", f"data.{kind}", found)


EARLY = {
    "clean": CLEAN,
    "sure map": SURE,
    "map that keeps nothing else but a": one_of(columns={"select": ["a", "b"]}),
    "renaming another": one_of(columns={"rename": {"b": "x"}}),
    "fill another": one_of(fill={"values": {"c": 0}}),
}
LATER = {
    "makes it": (one_of(fill={"values": {"a": 0}}), "reads what m makes (a)"),
    "drops it": (one_of(columns={"drop": ["a"]}), "reads what m makes (a)"),
    "renames it": (one_of(columns={"rename": {"a": "x"}}), "reads what m makes (a)"),
    "renames another to it": (one_of(columns={"rename": {"b": "a"}}), "makes (a)"),
    "may fail": (
        one_of(map={"fields": [{"name": "d", "expression": "item.c + 1"}]}),
        "m, which may fail",
    ),
    "orders": (one_of(sort={"by": [{"field": "c"}]}), "nobody looks at"),
}


@pytest.mark.parametrize("node", EARLY.values(), ids=EARLY)
def test_asked_early(node: tuple[str, str, dict[str, Any]]) -> None:
    flow = chain(SOURCE, node, FILTER)
    made, plain = run(flow), run(flow, optimise=False)

    assert made.said("push_filter") == [
        "f is asked before m already; nodes that are spared records: 1"
    ]
    assert {name: made.seen(name) for name in flow.nodes} == {
        name: plain.seen(name) for name in flow.nodes
    }
    assert made.seen("m")["out"] == {"rows": len(ROWS)}
    assert made.seen("m")["kept"]["rows"]["kept"] == KEPT


@pytest.mark.parametrize(("node", "why"), LATER.values(), ids=LATER)
def test_asked_where_it_stands(node: tuple[str, str, dict[str, Any]], why: str) -> None:
    made = run(chain(SOURCE, node, FILTER))

    assert made.program.top.compiled.ahead == ()
    assert any(why in said for said in made.said("push_filter", done=False))


OTHERS: dict[str, dict[str, Any]] = {
    "a policy of errors": {"m": {"on_error": "skip"}},
    "retries": {"m": {"retry": {"max_attempts": 3}}},
    "a policy of the filter": {"f": {"on_error": "skip"}},
    "a pin": {"m": {"pinned": [{"a": 1}]}},
    "an output of the flow": {"outputs": ["m", "f"]},
    "null in the place of rows": {"s": {"on_error": "continue"}},
}


@pytest.mark.parametrize("more", OTHERS.values(), ids=OTHERS)
def test_not_past_what_is_special(more: dict[str, Any]) -> None:
    assert run(chain(SOURCE, CLEAN, FILTER, **more)).program.top.compiled.ahead == ()


def test_not_past_a_breakpoint_nor_where_others_read() -> None:
    flow = chain(SOURCE, CLEAN, FILTER)
    for paths in ({"m"}, {"f"}):
        made = run(flow, isolate=frozenset(paths))
        assert made.program.top.compiled.ahead == ()
    read = {"source": "m", "source_port": "rows", "target": "g", "target_port": "rows"}
    more = flow.model_dump(mode="json")
    more["nodes"]["g"] = {"type": "data.limit"}
    more["edges"].append(read)
    assert run(type(flow).model_validate(more)).program.top.compiled.ahead == ()


def test_not_where_rows_differ() -> None:
    made = run(chain(("s", "t.rows", {"rows": RAGGED}), CLEAN, FILTER))

    assert made.program.top.compiled.ahead == ()
    assert made.said("push_filter", done=False) == [
        "f stays behind m: the rows need not have the same columns"
    ]


def test_what_fails_for_all_rows_alike_still_fails() -> None:
    flow = chain(SOURCE, one_of(clean={"columns": ["nothing"]}), ("f", "data.filter", {
        "where": "item.a == 99"}))  # fmt: skip
    for options in ({}, {"optimise": False}, {"attended": False}):
        made = run(flow, **options)
        assert made.result.failure is not None
        assert made.result.failure["code"] == "data.unknown_column"


def test_a_filter_that_fails_is_told_what_it_was_given() -> None:
    rows = [*ROWS, {"a": None, "b": " x ", "c": 0}]
    flow = chain(("s", "t.rows", {"rows": rows}), CLEAN, ("f", "data.filter", {
        "where": "item.a < 1"}))  # fmt: skip
    failures = [run(flow, optimise=on).result.failure for on in (True, False)]

    assert failures[0] == failures[1]
    assert failures[0] is not None
    assert failures[0]["sample"]["b"] == "x"


def test_it_is_spared_records(monkeypatch: pytest.MonkeyPatch) -> None:
    cleaned: list[str] = []
    monkeypatch.setitem(STEPS, "trim", lambda text: cleaned.append(text) or text)
    rows = [{"a": at, "b": "x"} for at in range(50_000)]
    node = one_of(clean={"columns": ["b"], "steps": ["trim"]})
    flow = chain(("s", "t.rows", {"rows": rows}), node, FILTER)
    made = run(flow, store=OutputStore, batch_size=1024)

    assert made.seen("m")["out"] == {"rows": 50_000}
    assert made.seen("m")["in"] == made.seen("f")["in"] == 50_000
    assert made.seen("f")["out"] == {"rows": 1}
    assert made.result.nodes["m"].outputs["rows"]["kept"] == 10_000
    assert len(cleaned) < 12_000


UNATTENDED = {
    "sort": one_of(sort={"by": [{"field": "c"}]}),
    "unique": one_of(unique={"by": ["a"]}),
    "group": one_of(group={"by": ["a"]}),
}


@pytest.mark.parametrize("node", UNATTENDED.values(), ids=UNATTENDED)
def test_in_runs_that_nobody_looks_at(node: tuple[str, str, dict[str, Any]]) -> None:
    flow = chain(SOURCE, node, FILTER)
    made, plain = run(flow, attended=False), run(flow, optimise=False)

    assert made.outputs == plain.outputs
    assert made.seen("f")["kept"] == plain.seen("f")["kept"]
    assert made.program.top.compiled.ahead != ()
    assert any("were left out before" in line for line in made.logged("m"))


COLUMN = st.sampled_from(["a", "b", "c", "d"])
VALUE = st.none() | st.integers(0, 3) | st.sampled_from(["x", " y ", "z z", 1.0, True])
EXPRESSIONS = st.sampled_from(
    ["item.a", "item.b == 1", "item.a + 1", "coalesce(item.c, 0)", "item", "item.d or item.a", "2",
     "1 + 1 == 2", "is_null(item.b)"]
)  # fmt: skip
CONDITIONS = st.sampled_from(
    ["item.a == 1", "item.b != null", "item.c in [1, 2]", "item.a == item.b", "is_null(item.d)",
     "item.a > 1", "length(item.b) > 1", "1 + 1 == 2", 'coalesce(item.a, "") == "x"']
)  # fmt: skip
FIELDS = st.lists(
    st.fixed_dictionaries({"name": COLUMN, "expression": EXPRESSIONS}), min_size=1, max_size=2
)
SETTINGS = {
    "map": st.fixed_dictionaries({"fields": FIELDS, "keep": st.booleans()}),
    "columns": st.fixed_dictionaries(
        {
            "select": st.lists(COLUMN, max_size=3, unique=True),
            "drop": st.lists(COLUMN, max_size=1),
            "rename": st.dictionaries(COLUMN, COLUMN, max_size=2),
        }
    ),
    "clean": st.fixed_dictionaries({"columns": st.lists(COLUMN, max_size=2, unique=True)}),
    "fill": st.fixed_dictionaries({"values": st.dictionaries(COLUMN, VALUE, min_size=1)}),
    "sort": st.fixed_dictionaries({"by": st.lists(st.fixed_dictionaries({
        "field": COLUMN}), min_size=1, max_size=2)}),
    "unique": st.fixed_dictionaries({"by": st.lists(COLUMN, max_size=2, unique=True)}),
    "group": st.fixed_dictionaries({"by": st.lists(COLUMN, max_size=2, unique=True)}),
    "limit": st.fixed_dictionaries({"count": st.integers(0, 6)}),
    "filter": st.fixed_dictionaries({"where": CONDITIONS}),
}  # fmt: skip
OFTEN = [*SETTINGS, "filter", "filter", "clean", "fill", "map"]


@st.composite
def chains(draw: st.DrawFn) -> Any:
    names = draw(st.sampled_from([["a", "b", "c"], ["a", "b"], ["a", "b", "c", "d"]]))
    one = st.fixed_dictionaries(dict.fromkeys(names, VALUE))
    rows = draw(st.lists(one, max_size=12))
    if draw(st.integers(0, 4)) == 0:
        rows = [*rows, {"a": 1}]
    nodes: list[tuple[str, str, dict[str, Any]]] = [("s", "t.rows", {"rows": rows})]
    for at in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(OFTEN))
        nodes.append((f"n{at}", f"data.{kind}", draw(SETTINGS[kind])))
    nodes.append(("f", "data.filter", {"where": draw(CONDITIONS)}))
    return chain(*nodes)


@given(flow=chains(), size=st.sampled_from([1, 3, 1024]))
def test_nobody_can_tell(flow: Any, size: int) -> None:
    plain = run(flow, optimise=False, batch_size=size)
    made = run(flow, batch_size=size)
    event(f"asked early: {bool(made.program.top.compiled.ahead)}")
    away = run(flow, attended=False, batch_size=size)
    expected = interpret(flow, CATALOGUE)

    assert str(made.result.state) == str(away.result.state) == expected.state
    assert str(plain.result.state) == expected.state
    if expected.state == "completed":
        names = list(flow.nodes)
        assert {n: made.seen(n) for n in names} == {n: plain.seen(n) for n in names}
        assert made.outputs == plain.outputs == away.outputs
        assert made.outputs["f"]["rows"] == expected.outputs["f"]["rows"][:KEPT]
    else:
        told = [ran.result.failure for ran in (made, plain, away)]
        assert all(failure is not None for failure in told)
        assert made.result.failure == plain.result.failure
