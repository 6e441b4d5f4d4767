"""What edges carry and how nodes work."""

import pytest

from tests.engine.compiler.sample_nodes import CATALOGUE
from tests.engine.compiler.sketch import sketch
from weft_engine.compiler.wiring import Wiring, infer

READ = "read=rows label=label read.rows>label.row"


def wiring(text: str) -> Wiring:
    return infer(sketch(text), CATALOGUE)


@pytest.mark.parametrize(
    ("text", "edge", "how"),
    [
        (READ, "read.rows>label.row", "lift"),
        ("read=rows f=filter read.rows>f.rows", "read.rows>f.rows", "same"),
        ("d=documents f=sort d.documents>f.rows", "d.documents>f.rows", "subtype"),
        ("read=rows c=count read.rows>c.rows", "read.rows>c.rows", "collect"),
        ("q=question r=retrieve s=sort q.text>r.question r.documents>s.rows",
         "r.documents>s.rows", "explode"),
        ("q=question f=filter q.text>f.rows", "q.text>f.rows", "single"),
        ("q=question r=retrieve q.text>r.question", "q.text>r.question", "same"),
        ("read=rows p=pair read.rows>p.a", "read.rows>p.a", ""),
    ],
)  # fmt: skip
def test_what_happens_on_an_edge(text: str, edge: str, how: str) -> None:
    found = wiring(text).edges[edge]

    assert found.how == how
    assert found.fit.ok is bool(how)
    assert found.live


@pytest.mark.parametrize(
    ("text", "port", "kind", "origin"),
    [
        ("read=rows", "read.rows", "Stream[Row]", "read.rows"),
        ("q=question", "q.text", "Text", None),
        (READ, "label.text", "Stream[Text]", "read.rows"),
        (f"{READ} p=pair label.text>p.a label.text>p.b", "p.text", "Stream[Text]", "read.rows"),
        (f"{READ} s=split label.text>s.text", "s.chunks", "Stream[Chunk]", "s.chunks"),
        ("q=question s=split q.text>s.text", "s.chunks", "Stream[Chunk]", "s.chunks"),
        ("d=documents f=filter d.documents>f.rows", "f.rows", "Stream[Document]", "f.rows"),
        ("q=question i=if q.text>i.item", "i.true", "Text", None),
        ("read=rows i=if read.rows>i.item", "i.false", "Stream[Row]", "read.rows"),
        ("read=rows i=if m=merge read.rows>i.item i.true>m.inputs i.false>m.inputs",
         "m.out", "Stream[Row]", "read.rows"),
        ("d=documents i=if l=label m=merge d.documents>i.item i.true>l.row l.text>m.inputs "
         "i.false>m.inputs", "m.out", "Stream[Json]", "d.documents"),
        ("q=question r=retrieve q.text>r.question", "r.documents", "list[Document]", None),
        (f"{READ} r=retrieve label.text>r.question", "r.documents", "Stream[list[Document]]",
         "read.rows"),
        (f"{READ} r=retrieve a=answer label.text>r.question label.text>a.question "
         "r.documents>a.documents", "a.text", "Stream[Text]", "read.rows"),
        ("d=documents q=question a=answer d.documents>a.documents q.text>a.question", "a.text",
         "Text", None),
        ("read=rows c=count read.rows>c.rows", "c.text", "Text", None),
        ("i=if", "i.true", "Any", None),
        ("q=question!route", "q.error", "Row", None),
        ("read=rows l=label!route read.rows>l.row", "l.error", "Stream[Row]", "read.rows"),
        ("read=rows f=filter!route read.rows>f.rows", "f.error", "Stream[Row]", "f.error"),
        ("a=filter b=filter a.rows>b.rows b.rows>a.rows", "b.rows", "Stream[Any]", "b.rows"),
    ],
)  # fmt: skip
def test_what_leaves_a_port(text: str, port: str, kind: str, origin: str | None) -> None:
    node, _, name = port.partition(".")
    found = wiring(text).output(node, name)

    assert found is not None
    assert (str(found.type), found.origin) == (kind, origin)


def test_a_lifted_node_knows_its_records_and_repeats_the_rest() -> None:
    found = wiring(f"{READ} q=question p=pair label.text>p.a q.text>p.b")

    assert found.nodes["p"].lifted
    assert found.nodes["p"].over == "read.rows"
    assert found.edges["q.text>p.b"].how == "same"
    assert found.nodes["p"].strangers == ()


def test_collecting_beside_lifting() -> None:
    found = wiring(
        "read=rows label=label d=documents a=answer "
        "read.rows>label.row label.text>a.question d.documents>a.documents"
    )

    assert found.nodes["a"].over == "read.rows"
    assert found.edges["d.documents>a.documents"].how == "collect"


def test_streams_that_are_not_in_step_are_strangers() -> None:
    found = wiring(
        "a=rows b=rows x=label y=label p=pair a.rows>x.row b.rows>y.row x.text>p.a y.text>p.b"
    )

    assert found.nodes["p"].over == "a.rows"
    assert found.nodes["p"].strangers == ("y.text>p.b",)


@pytest.mark.parametrize(
    ("text", "states"),
    [
        ("-read=rows label=label read.rows>label.row", {"read": "disabled", "label": "skipped"}),
        ("q=question -r=retrieve a=answer q.text>r.question q.text>a.question "
         "r.documents>a.documents",
         {"q": "runs", "r": "disabled", "a": "skipped"}),
        ("q=question -x=question r=retrieve a=answer q.text>r.question q.text>a.question "
         "r.documents>a.documents x.text>a.context", {"a": "runs"}),
        ("a=question -b=question m=merge a.text>m.inputs b.text>m.inputs", {"m": "runs"}),
        ("-a=question -b=question m=merge a.text>m.inputs b.text>m.inputs", {"m": "skipped"}),
    ],
)  # fmt: skip
def test_what_lies_behind_a_disabled_node_is_skipped(text: str, states: dict[str, str]) -> None:
    found = wiring(text)

    assert {node: found.nodes[node].state for node in states} == states
    assert all(
        edge.live == (found.nodes[key.split(".")[0]].state == "runs")
        for key, edge in found.edges.items()
    )


def test_it_is_data() -> None:
    found = wiring(f"{READ} q=question p=pair label.text>p.a q.text>p.b")

    assert Wiring.model_validate_json(found.model_dump_json()) == found
    assert (
        found.model_dump(mode="json")["nodes"]["label"]["outputs"]["text"]["type"] == "Stream[Text]"
    )
