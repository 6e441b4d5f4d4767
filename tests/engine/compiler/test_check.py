"""The problems of flows, one kind at a time, and what their fixes do."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.engine.compiler.sample_nodes import CATALOGUE
from tests.engine.compiler.sketch import sketch
from weft_engine.compiler.check import Problem, check, has_errors
from weft_engine.error_codes import CODES
from weft_engine.errors import WeftError
from weft_engine.flow.file import from_data, read_file
from weft_engine.flow.model import Flow
from weft_engine.flow.patch import apply
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.port_type import parse
from weft_engine.nodes.port_words import in_chinese, in_words

LIBRARY = Catalogue.installed()
ENDS = ("source", "target")
BROKEN = Path(__file__).parent / "broken"


def problems(text: str, settings: dict[str, Any] | None = None, **more: Any) -> list[Problem]:
    flow = sketch(text, **more)
    if settings is not None:
        first = next(iter(flow.nodes))
        nodes = {**flow.nodes, first: flow.nodes[first].model_copy(update={"settings": settings})}
        flow = flow.replace(nodes=nodes)
    return check(flow, CATALOGUE)


def codes(found: list[Problem]) -> list[str]:
    return [problem.code.removeprefix("check.") for problem in found]


@pytest.mark.parametrize(
    "text",
    [
        "read=rows show=show read.rows>show.rows",
        "read=rows f=filter s=sort label=label read.rows>f.rows f.rows>s.rows s.rows>label.row",
        "d=documents q=question a=answer d.documents>a.documents q.text>a.question",
        "read=rows i=if m=merge read.rows>i.item i.true>m.inputs i.false>m.inputs",
        "read=rows x=label y=label p=pair read.rows>x.row read.rows>y.row x.text>p.a y.text>p.b",
        "q=question!route show=show q.error>show.rows",
    ],
)
def test_a_good_flow_has_no_problems(text: str) -> None:
    assert problems(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["error empty_flow"]),
        ("-a=question", ["warning empty_flow"]),
        ("a=rowz", ["error unknown_type"]),
        ("-a=rowz b=question", ["warning unknown_type"]),
        ("q=question l=label", ["error missing_input"]),
        ("q=question -l=label", []),
        ("a=label s=split a.text>s.text", ["error missing_input", "warning unreachable"]),
        ("read=rows p=pair q=question read.rows>p.a q.text>p.b", ["error type_mismatch"]),
        ("q=question c=count q.text>c.rows", ["error type_mismatch"]),
        ("q=question r=retrieve s=split q.text>r.question r.documents>s.text",
         ["error type_mismatch"]),
        ("a=filter b=filter a.rows>b.rows b.rows>a.rows", ["error cycle"]),
        ("a=filter a.rows>a.rows", ["error cycle"]),
        ("a=filter b=filter c=show a.rows>b.rows b.rows>a.rows b.rows>c.rows",
         ["error cycle", "warning unreachable"]),
        ("r=rows s=show r.rows>s.rows r.rows>s.rows", ["error duplicate_edge"]),
        ("r=rows s=show r.rows>s.rows x.rows>s.rows", ["error dangling_edge"]),
        ("r=rows s=show r.rows>s.rows r.rows>x.rows", ["error dangling_edge"]),
        ("r=rows s=show r.row>s.rows", ["error unknown_port"]),
        ("r=rows s=show r.rows>s.rows r.rows>s.table", ["error unknown_port"]),
        ("q=question s=show q.error>s.rows", ["error unknown_port"]),
        ("a=rows b=rows s=show a.rows>s.rows b.rows>s.rows", ["error port_taken"]),
        ("a=rows b=rows x=label y=label p=pair a.rows>x.row b.rows>y.row x.text>p.a y.text>p.b",
         ["error two_streams"]),
        ("a=rows b=rows m=merge a.rows>m.inputs b.rows>m.inputs", ["error two_streams"]),
        ("-r=rows s=show r.rows>s.rows", ["info skipped"]),
        ("e=endless s=show e.rows>s.rows", ["error unbounded"]),
    ],
)  # fmt: skip
def test_problems(text: str, expected: list[str]) -> None:
    found = problems(text)

    assert [f"{p.severity} {p.code.removeprefix('check.')}" for p in found] == expected
    assert all(problem.code in CODES for problem in found)
    assert all(problem.hint for problem in found)


@pytest.mark.parametrize(
    ("settings", "code", "path", "says", "fixed"),
    [
        ({"size": 0}, "bad_setting", ("size",), "greater than 0", {"size": 1}),
        ({"size": 1000}, "bad_setting", ("size",), "at most 100", {"size": 100}),
        ({"size": 2.5}, "bad_setting", ("size",), "whole number", {"size": 2}),
        ({"size": "x"}, "bad_setting", ("size",), "whole number", None),
        ({"kind": "cvs"}, "bad_setting", ("kind",), "'csv' or 'json'", {"kind": "csv"}),
        ({"kind": "JSON"}, "bad_setting", ("kind",), "'csv' or 'json'", {"kind": "json"}),
        ({"path": ""}, "bad_setting", ("path",), "empty", None),
        ({"path": 5}, "bad_setting", ("path",), "text", {"path": "5"}),
        ({"pth": "b.csv"}, "unknown_setting", ("pth",), "'pth'", {"path": "b.csv"}),
        ({"zzz": 1}, "unknown_setting", ("zzz",), "'zzz'", {}),
        ({"type": "x"}, "unknown_setting", ("type",), "'type'", {}),
    ],
)
def test_settings(
    settings: dict[str, Any], code: str, path: tuple[str, ...], says: str, fixed: Any
) -> None:
    flow = Flow.model_validate(
        {"name": "x", "nodes": {"a": {"type": "test.rows", "settings": settings}}}
    )
    (found,) = check(flow, CATALOGUE)

    assert (found.code, found.node, found.path) == (f"check.{code}", "a", path)
    assert says in found.message
    if fixed is None:
        assert found.fixes == ()
        return
    after = apply(flow, found.fixes[0].patch).flow
    assert after.nodes["a"].settings == fixed
    assert check(after, CATALOGUE) == []


@pytest.mark.parametrize(
    ("settings", "code", "path"),
    [
        ({"by": [{"field": "a"}, {"fild": "b"}]}, "missing_setting", ("by", 1, "field")),
        ({"by": "a"}, "bad_setting", ("by",)),
        ({"by": [{"field": "a", "descending": "perhaps"}]}, "bad_setting", ("by", 0, "descending")),
    ],
)
def test_settings_inside_settings(
    settings: dict[str, Any], code: str, path: tuple[Any, ...]
) -> None:
    found = problems("s=sort r=rows r.rows>s.rows", settings)

    assert (f"check.{code}", path) in [(problem.code, problem.path) for problem in found]


@pytest.mark.parametrize(
    ("kind", "settings", "said", "params"),
    [
        ("file.read_csv", {}, "File is required",
         {"setting": "path", "title": "File", "title_zh": "文件"}),
        ("data.sort", {"by": [{"field": "a"}, {}]}, "Sort by 2, Column is required",
         {"setting": "by[1].field", "title_zh": "依据的列 2，列"}),
        ("data.group", {"aggregates": [{"op": "count", "as": 5}]},
         "Results 1, Result column should be text", {"setting": "aggregates[0].as"}),
        ("data.group", {"aggregates": [{"op": "sum"}]}, "Results 1: sum needs a column",
         {"rule": "aggregate_no_column", "op": "sum"}),
        ("show.chart", {"x": "a", "y": [""]}, "Values 1 should not be empty",
         {"rule": "string_too_short", "title": "Values 1"}),
        ("show.table", {"columns": ["a", ""]}, "Columns 2 should not be empty", {}),
        ("data.join", {}, "name the common columns, or give a key for both sides",
         {"rule": "join_no_key"}),
        ("data.join", {"on": ["a"], "left_on": "item.a"},
         "give either common columns or the two keys, not both", {"rule": "join_two_ways"}),
    ],
)  # fmt: skip
def test_settings_are_called_by_their_titles(
    kind: str, settings: dict[str, Any], said: str, params: dict[str, Any]
) -> None:
    flow = Flow.model_validate({"name": "x", "nodes": {"a": {"type": kind, "settings": settings}}})
    found = [p for p in check(flow, LIBRARY) if p.path is not None]

    assert [problem.message for problem in found] == [said]
    assert params.items() <= found[0].params.items()
    assert found[0].path != () or "setting" not in found[0].params


def test_the_hint_does_not_say_again_what_the_setting_is_for() -> None:
    flow = Flow.model_validate({"name": "x", "nodes": {"a": {"type": "data.filter"}}})
    hints = {problem.params.get("setting"): problem.hint for problem in check(flow, LIBRARY)}

    assert hints["where"] == "Fill it in."


def test_expressions() -> None:
    (found,) = problems("f=filter r=rows r.rows>f.rows", {"where": "item.name.upper() == 'A'"})

    assert (found.code, found.path) == ("check.bad_expression", ("where",))
    assert found.params["column"] == 1
    assert found.params["expression_code"] == "expression.not_allowed"
    assert found.fixes[0].patch.ops[0].model_dump()["value"] == "upper(item.name) == 'A'"


FIXABLE = [
    ("a=rowss", "unknown_type", "Use “Read rows” (test.rows)"),
    ("r=rows s=show", "missing_input", "Connect “Read rows”"),
    (
        "q=question w=question r=retrieve s=split q.text>r.question",
        "missing_input",
        "Connect “Question”",
    ),
    ("q=question s=show r=rows q.error>s.rows", "unknown_port", "Let “Question” send errors here"),
    ("r=rows s=show r.row>s.rows", "unknown_port", "Connect “Read rows” to “Show”"),
    ("r=rows s=show r.rows>s.row", "unknown_port", "Connect “Read rows” to “Show”"),
    ("read=rows show=show read.rows>shw.rows", "dangling_edge", "Connect “Read rows” to “Show”"),
    ("r=rows s=show r.rows>s.rows x.rows>s.rows", "dangling_edge", "Disconnect 'x' from “Show”"),
    ("r=rows s=show r.rows>s.rows r.rows>s.rows", "duplicate_edge", "Keep one of them"),
    (
        "a=rows b=rows s=filter a.rows>s.rows b.rows>s.rows",
        "port_taken",
        "Disconnect “Read rows” from “Filter”",
    ),
    ("read=rows s=split read.rows>s.text", "type_mismatch", "Put “Label” between"),
    (
        "a=filter b=filter r=rows r.rows>a.rows a.rows>b.rows b.rows>b.rows",
        "cycle",
        "Disconnect “Filter” from “Filter”",
    ),
    ("e=endless s=show e.rows>s.rows", "unbounded", "Switch the flow to streaming mode"),
]


@pytest.mark.parametrize(("text", "code", "title"), FIXABLE, ids=[case[2] for case in FIXABLE])
def test_fixes(text: str, code: str, title: str) -> None:
    flow = sketch(text)
    found = next(p for p in check(flow, CATALOGUE) if p.code == f"check.{code}")
    fix = next(fix for fix in found.fixes if fix.title == title)
    after = check(apply(flow, fix.patch).flow, CATALOGUE)

    assert found.code not in [problem.code for problem in after]


def test_several_edges_are_brought_together() -> None:
    flow = sketch("a=question b=question s=split a.text>s.text b.text>s.text")
    (found,) = check(flow, CATALOGUE)
    after = apply(flow, found.fixes[0].patch).flow

    assert found.fixes[0].title == "Bring them together with “Merge”"
    assert check(after, CATALOGUE) == []
    assert after.nodes["merge"].type == "test.merge"


def test_nothing_is_offered_where_it_is_not_clear() -> None:
    (found,) = problems("a=question b=question s=split")

    assert found.code == "check.missing_input"
    assert found.fixes == ()


def test_an_input_is_not_connected_to_what_comes_after_it() -> None:
    (found, *_) = problems("s=filter t=filter s.rows>t.rows")

    assert found.node == "s"
    assert found.fixes == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("e=endless f=filter s=sort e.rows>f.rows f.rows>s.rows", ["needs_end"]),
        ("e=endless c=count e.rows>c.rows", ["needs_end"]),
        ("e=endless f=filter s=show e.rows>f.rows f.rows>s.rows", []),
        ("e=endless c=count s=split e.rows>c.rows c.text>s.text", ["needs_end"]),
    ],
)
def test_streams_that_never_end(text: str, found: list[str]) -> None:
    assert codes(problems(text, mode="streaming")) == found


def test_flow_inputs() -> None:
    flow = Flow.model_validate(
        {"name": "x", "nodes": {"a": {"type": "test.ask", "settings": {"name": "topic"}}}}
    )
    (found,) = check(flow, CATALOGUE)
    after = apply(flow, found.fixes[0].patch).flow

    assert found.code == "check.unknown_input"
    assert after.inputs["topic"].type == "Text"
    assert check(after, CATALOGUE) == []


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"outputs": ["gone"]}, ["unknown_output"]),
        ({"nodes": {"a": {"type": "test.question", "parent": "frame"}}}, ["bad_parent"]),
        ({"nodes": {"a": {"type": "test.question", "parent": "a"}}}, ["bad_parent"]),
        ({"nodes": {"a": {"type": "test.question", "version": 7}}}, ["newer_version"]),
        ({"nodes": {"a": {"type": "test.question", "pinned": {"txt": 1}}}}, ["bad_pinned"]),
        ({"nodes": {"a": {"type": "test.question", "pinned": "x"}}}, ["bad_pinned"]),
        ({"nodes": {"a": {"type": "test.question", "pinned": {"text": "x"}}}}, []),
    ],
)
def test_what_is_odd_is_a_warning(changes: dict[str, Any], found: list[str]) -> None:
    flow = Flow.model_validate({"name": "x", "nodes": {"a": {"type": "test.question"}}, **changes})
    warnings = check(flow, CATALOGUE)

    assert codes(warnings) == found
    assert not has_errors(warnings)


def test_errors_come_first_and_then_the_order_of_the_flow() -> None:
    found = problems("z=rows -y=label x=label w=split z.rows>y.row x.text>w.text v.out>w.text")

    assert [(problem.severity, problem.node) for problem in found] == [
        ("error", "x"), ("error", "w"), ("warning", "w"),
    ]  # fmt: skip


def test_messages_call_nodes_by_their_names() -> None:
    flow = sketch("q=question c=count q.text>c.rows")
    named = flow.nodes["q"].model_copy(update={"name": "The question"})
    (found,) = check(flow.replace(nodes={**flow.nodes, "q": named}), CATALOGUE)

    assert found.message == (
        "“The question” gives a text, and the input “rows” takes a table of rows"
    )
    assert found.params["node_name"] == "Count"
    assert found.params["source_name"] == "The question"
    assert (found.params["gives_zh"], found.params["takes_zh"]) == ("文本", "表格")


@pytest.mark.parametrize(("text", "code", "_title"), FIXABLE, ids=[case[2] for case in FIXABLE])
def test_no_sentence_shows_an_id_or_a_type_in_code(text: str, code: str, _title: str) -> None:
    flow = sketch(text)
    names = {node: f"{node}_k3x9q2" for node in flow.nodes}
    edges = tuple(
        edge.model_copy(update={end: names.get(getattr(edge, end), "gone") for end in ENDS})
        for edge in flow.edges
    )
    nodes = {names[node]: held for node, held in flow.nodes.items()}
    for found in check(flow.replace(nodes=nodes, edges=edges), CATALOGUE):
        for said in (found.message, found.hint, *(fix.title for fix in found.fixes)):
            assert "_k3x9q2" not in said
            assert not re.search(r"Stream\[|\bT\b|list\[", said)


@pytest.mark.parametrize(
    ("kind", "english", "chinese"),
    [
        ("T", "any value", "任意值"),
        ("Stream[T]", "a stream of any values", "逐条的任意值"),
        ("Table", "a table of rows", "表格"),
        ("Stream[list[Document]]", "a stream of lists of documents", "逐条的文档列表"),
        ("Stream[Table]", "a stream of tables", "逐条的表格"),
        ("Optional[Text]", "a text or nothing", "文本（可为空）"),
        ("list[Optional[Text]]", "a list of texts, some of them empty", "文本（可为空）列表"),
    ],
)
def test_types_in_words(kind: str, english: str, chinese: str) -> None:
    assert (in_words(parse(kind)), in_chinese(parse(kind))) == (english, chinese)


EXPECTED = {
    "unknown_type": "check.unknown_type",
    "bad_setting": "check.bad_setting",
    "unknown_setting": "check.unknown_setting",
    "missing_setting": "check.missing_setting",
    "bad_expression": "check.bad_expression",
    "missing_input": "check.missing_input",
    "type_mismatch": "check.type_mismatch",
    "cycle": "check.cycle",
    "duplicate_edge": "check.duplicate_edge",
    "dangling_edge": "check.dangling_edge",
    "unknown_port": "check.unknown_port",
    "port_taken": "check.port_taken",
    "empty_flow": "check.empty_flow",
    "unknown_key": "flow.file.unknown_key",
    "duplicate_key": "flow.file.duplicate_key",
    "malformed": "flow.file.malformed",
}


def test_who_looks_for_an_output_node_is_told_how_outputs_are_chosen() -> None:
    flow = from_data({"format": "weft/1", "name": "x", "nodes": {"a": {"type": "flow.output"}}})
    (found,) = check(flow, LIBRARY)
    assert (found.code, found.fixes) == ("check.unknown_type", ())
    assert "last nodes" in found.hint
    assert "`outputs: [report]`" in found.hint


def test_every_broken_file_is_expected() -> None:
    assert {path.stem for path in BROKEN.glob("*.yaml")} == set(EXPECTED)


@pytest.mark.parametrize(("name", "code"), EXPECTED.items(), ids=list(EXPECTED))
def test_broken_files(name: str, code: str) -> None:
    try:
        found = [
            (problem.code, problem.hint)
            for problem in check(read_file(BROKEN / f"{name}.yaml"), LIBRARY)
            if problem.severity == "error"
        ]
    except WeftError as error:
        found = [(error.code, error.hint)]

    (only,) = {code for code, _ in found}
    assert only == code
    assert all(hint for _, hint in found)
