"""The plan of a flow, as `weft plan` shows it."""

from typing import Any

from tests.engine.compiler.flows import CATALOGUE, flow_of
from tests.engine.compiler.nested import CATALOGUE as NESTED
from tests.engine.compiler.nested import LOOP, nested
from weft_engine.compiler.plan import plan
from weft_engine.compiler.program import ProgramOptions


def test_the_plan_of_a_flow() -> None:
    flow = flow_of(
        {
            "s": "t.texts",
            "up": "t.upper",
            "re": "t.rerank",
            "off": ("t.word", {}, {"disabled": True}),
        },
        ["s.out>up.text", "up.out>re.found"],
    )
    found = plan(flow, CATALOGUE)

    assert {edge["id"]: edge["how"] for edge in found["edges"]} == {
        "s.out>up.text": "lift",
        "up.out>re.found": "collect",
    }
    assert found["nodes"]["up"]["lifted"] is True
    assert found["nodes"]["off"]["skipped"] == "disabled"
    assert found["nodes"]["up"]["outputs"] == {"out": "Stream[Text]"}
    chains = [[operator["name"] for operator in chain["operators"]] for chain in found["chains"]]
    assert ["tap out", "t.upper", "tap out"] in chains
    assert all(set(exchange) >= {"from", "to", "kind"} for exchange in found["exchanges"])
    assert [(unit["kind"], unit["nodes"], unit["before"]) for unit in units(found, "")] == [
        ("stream", ["s", "up"], []),
        ("call", ["re"], [0]),
    ]


def units(found: dict[str, Any], path: str) -> list[dict[str, Any]]:
    (scope,) = [scope for scope in found["scopes"] if scope["path"] == path]
    units_: list[dict[str, Any]] = scope["units"]
    return units_


def test_scopes_and_how_much_is_under_way() -> None:
    flow = nested(
        f"{LOOP} q=question loop/p=parallel loop/a=pair loop/b=pair".replace(
            "loop/a", "p/a").replace("loop/b", "p/b")
        + " q.text>a.a q.text>a.b q.text>b.a q.text>b.b a.text>p.result b.text>p.result",
        {"loop": {"concurrency": 5}},
    )  # fmt: skip
    found = plan(flow, NESTED)

    assert [scope["path"] for scope in found["scopes"]] == ["", "loop", "loop/p"]
    assert found["scopes"][0]["reads"] == {"loop": [["q", "text"]]}
    # Three calls of each round: the label and the two branches.
    assert [unit["width"] for unit in units(found, "") if unit["nodes"] == ["loop"]] == [15]
    assert found["width"] == 15
    assert found["nodes"]["loop/label"]["scope"] == "loop"
    assert found["nodes"]["loop/p/a"]["unit"] == 0
    assert {edge["id"]: edge["scope"] for edge in found["edges"]}["a.text>p.result"] == "loop/p"


def test_what_is_done_on_an_error_is_a_scope_apart() -> None:
    found = plan(nested("q=question e=on_error i=if e.failure>i.item"), NESTED)

    assert [(scope["path"], scope["on_error"]) for scope in found["scopes"]] == [
        ("", False),
        ("", True),
    ]


def test_breakpoints_and_called_flows() -> None:
    callee = {"format": "weft/1", "name": "s", "nodes": {"q": {"type": "test.question"}}}
    options = ProgramOptions(isolate=frozenset({"c/q"}), flows={"s": callee})
    found = plan(nested("c=call", {"c": {"flow": "s"}}), NESTED, options)

    assert [unit["why"] for unit in units(found, "c")] == ["breakpoint"]
