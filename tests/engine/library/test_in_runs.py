"""Built-in nodes inside real runs: what people meet when a file or setting is wrong."""

import json
import tracemalloc
from pathlib import Path
from typing import Any, Literal

import pytest

from weft_engine.flow.model import Edge, Flow, Node
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.node_type import NodeInfo, NodeType, Zh
from weft_engine.nodes.types import Table
from weft_engine.runs.files import LocalFiles
from weft_engine.runs.outputs import OutputStore
from weft_engine.runs.run import RunResult, RunState
from weft_engine.runs.runner import run_flow

CATALOGUE = Catalogue.installed()


def chain(*nodes: tuple[str, dict[str, Any]]) -> Flow:
    """A flow of nodes one behind the other, joined at their first ports."""
    made = {
        f"n{at}": Node(type=kind, settings=settings) for at, (kind, settings) in enumerate(nodes)
    }
    edges = []
    for at in range(len(nodes) - 1):
        before, after = CATALOGUE.spec(nodes[at][0]), CATALOGUE.spec(nodes[at + 1][0])
        assert before is not None
        assert after is not None
        edges.append(
            Edge(
                source=f"n{at}",
                source_port=before.outputs[0].name,
                target=f"n{at + 1}",
                target_port=after.inputs[0].name,
            )
        )
    return Flow(name="Test", nodes=made, edges=tuple(edges))


def go(flow: Flow, root: Path, events: list[Any] | None = None, **more: Any) -> RunResult:
    return run_flow(
        flow,
        more.pop("catalogue", CATALOGUE),
        run_id="test",
        files=LocalFiles(root, confined=True),
        emit=(events if events is not None else []).append,
        store=OutputStore(root.parent / "store"),
        **more,
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "sales.csv").write_text("region,amount\nNorth,10\nSouth,20\nNorth,30\n")
    (folder / "ragged.csv").write_text("region,amount\nNorth,10\nSouth\n")
    (folder / "bom.csv").write_bytes(b"\xef\xbb\xbfregion,amount\nNorth,10\n")
    (folder / "gb18030.csv").write_bytes("region,amount\n北区,10\n南区,20\n".encode("gb18030"))
    (folder / "semicolon.csv").write_text("region;amount\nNorth;10\nSouth;20\n")
    (folder / "broken.json").write_text('[{"region": ')
    (folder / "notes").mkdir()
    return folder


TABLE: tuple[str, dict[str, Any]] = ("show.table", {})


@pytest.mark.parametrize(
    ("nodes", "node", "code", "hint"),
    [
        pytest.param([("file.read_csv", {"path": "sale.csv"}), TABLE], "n0", "file.not_found",
                     "sales.csv", id="missing file"),
        pytest.param([("file.read_csv", {"path": "../store/x"}), TABLE], "n0", "file.outside_root",
                     "inside", id="outside"),
        pytest.param([("file.read_csv", {"path": "notes"}), TABLE], "n0", "file.is_folder",
                     "Read documents", id="folder"),
        pytest.param([("file.read_csv", {"path": "ragged.csv"}), TABLE], "n0", "csv.ragged_row",
                     "skip", id="ragged rows"),
        pytest.param([("file.read_csv", {"path": "semicolon.csv", "delimiter": ","}), TABLE], "n0",
                     "csv.wrong_delimiter", "';'", id="wrong delimiter"),
        pytest.param([("file.read_json", {"path": "broken.json"}), TABLE], "n0", "json.malformed",
                     "comma", id="broken JSON"),
        pytest.param([("file.read_documents", {"path": "notes"}), ("text.split", {})], "n0",
                     "file.no_match", "extensions", id="no documents"),
        pytest.param([("file.read_documents", {"path": "../../*.md"}), ("text.split", {})], "n0",
                     "file.outside_root", "inside", id="documents outside"),
        pytest.param([("file.read_csv", {"path": "sales.csv"}), ("data.filter",
                     {"where": "item.amont > 1"}), TABLE], "n1", "expression.missing_field",
                     "amount", id="misspelt field"),
        pytest.param([("file.read_csv", {"path": "sales.csv"}),
                     ("show.table", {"columns": ["amont"]})], "n1", "data.unknown_column",
                     "amount", id="misspelt column"),
        pytest.param([("file.read_csv", {"path": "sales.csv"}),
                     ("file.write", {"path": "../out.csv"})], "n1", "file.outside_root", "inside",
                     id="write outside"),
        pytest.param([("file.read_csv", {"path": "sales.csv"}), ("text.template",
                     {"template": "x"}), ("http.request", {"url": "http://169.254.169.254/"})],
                     "n2", "http.address_refused", "public", id="metadata service"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_named(root: Path, nodes: Any, node: str, code: str, hint: str) -> None:
    result = go(chain(*nodes), root)
    assert result.state == RunState.FAILED
    assert result.failure is not None
    assert (result.failure["code"], result.failure["node"]) == (code, node)
    assert hint in result.failure["hint"]
    assert not (root.parent / "out.csv").exists()


@pytest.mark.parametrize(
    ("name", "regions"),
    [
        ("bom.csv", ["North"]),
        ("gb18030.csv", ["北区", "南区"]),
        ("semicolon.csv", ["North", "South"]),
    ],
)
def test_files_as_they_come(root: Path, name: str, regions: list[str]) -> None:
    result = go(chain(("file.read_csv", {"path": name}), TABLE), root)
    assert [row["region"] for row in result.outputs["n1"]["view"]["records"]] == regions


@pytest.mark.parametrize("mode", ["streaming"])
def test_only_batch_flows_are_run(root: Path, mode: Any) -> None:
    flow = chain(("file.read_csv", {"path": "sales.csv"}), TABLE).replace(mode=mode)
    result = go(flow, root)

    assert result.state == RunState.FAILED
    assert result.failure is not None
    assert result.failure["code"] == "run.mode_unsupported"
    assert "batch" in result.failure["hint"]


ORDERS = [{"n": at, "region": "North", "amount": at * 10} for at in range(30)]


class Made(NodeType):
    """Give all orders at once."""

    type: Literal["test.made"] = "test.made"
    info = NodeInfo(
        category="source", icon="x", title="Made", output="rows", zh=Zh(title="给", summary="给。")
    )

    def process(self) -> Table:
        return ORDERS


@pytest.mark.parametrize("source", ["file.read_json", "test.made"])
@pytest.mark.parametrize(
    ("kind", "settings", "columns", "rows"),
    [
        ("show.table", {}, ["n", "region", "amount"], 30),
        ("show.table", {"columns": ["amount", "region"], "limit": 3}, ["amount", "region"], 3),
        ("show.table", {"columns": ["n", "n"]}, ["n"], 30),
        ("show.chart", {"x": "region", "y": ["amount", "n"], "limit": 5},
         ["region", "amount", "n"], 5),
        ("show.chart", {"x": "n", "series": "region", "y": ["amount"]},
         ["n", "region", "amount"], 30),
    ],
)  # fmt: skip
def test_what_is_shown_is_what_was_chosen(
    root: Path, kind: str, settings: dict[str, Any], columns: list[str], rows: int, source: str
) -> None:
    (root / "orders.json").write_text(json.dumps(ORDERS))
    flow = chain(("file.read_json", {"path": "orders.json"}), (kind, settings))
    if source == "test.made":
        nodes = {"n0": Node(type=source), "n1": flow.nodes["n1"]}
        flow = Flow(name="Test", nodes=nodes, edges=flow.edges)
    view = go(flow, root, catalogue=Catalogue([*CATALOGUE, Made])).outputs["n1"]["view"]

    assert [list(row) for row in view["records"]] == [columns] * rows
    assert view["records"][:3] == [{key: row[key] for key in columns} for row in ORDERS[:3]]
    assert view["count"] == len(ORDERS)
    assert view["truncated"] is (rows < len(ORDERS))


def test_a_link_cannot_lead_documents_outside(root: Path) -> None:
    (root.parent / "secret.md").write_text("secret")
    (root / "notes" / "a.md").symlink_to(root.parent / "secret.md")
    flow = chain(("file.read_documents", {"path": "notes"}), ("text.split", {}))
    result = go(flow, root)
    assert result.failure is not None
    assert result.failure["code"] == "file.outside_root"


def test_left_out_rows_are_in_the_log(root: Path) -> None:
    events: list[Any] = []
    flow = chain(("file.read_csv", {"path": "ragged.csv", "on_bad_row": "skip"}), TABLE)
    result = go(flow, root, events)
    assert result.outputs["n1"]["view"]["count"] == 1
    logs = [str(event) for event in events if "Line 3" in str(event)]
    assert len(logs) == 1


def test_a_flow_input_comes_through(root: Path) -> None:
    flow = chain(
        ("flow.input", {"name": "city"}),
        ("text.template", {"template": "In {{ item }}"}),
        ("show.text", {}),
    )
    flow = flow.replace(inputs={"city": {"type": "Text", "default": "Cork"}})
    assert go(flow, root).outputs["n2"]["view"]["value"] == "In Cork"
    shown = go(flow, root, inputs={"city": "Leeds"}).outputs["n2"]["view"]
    assert shown["value"] == "In Leeds"


def test_a_flow_input_without_a_value_is_asked_for(root: Path) -> None:
    flow = chain(("flow.input", {"name": "city"}), ("show.text", {}))
    flow = flow.replace(inputs={"city": {"type": "Text"}})
    result = go(flow, root)
    assert result.failure is not None
    assert result.failure["code"] in {"run.missing_input", "input.missing"}


def test_a_run_that_fails_leaves_the_old_file(root: Path) -> None:
    (root / "out.csv").write_text("old")
    flow = chain(("file.read_csv", {"path": "ragged.csv"}), ("file.write", {"path": "out.csv"}))
    assert go(flow, root).state == RunState.FAILED
    assert (root / "out.csv").read_text() == "old"
    assert not [path for path in root.iterdir() if path.name.startswith(".weft")]


@pytest.mark.parametrize("value", [{"amount": 250}, {"amount": 5}])
def test_a_single_value_takes_one_way_and_the_ways_come_together(
    root: Path, value: dict[str, int]
) -> None:
    flow = Flow(
        name="Ways",
        inputs={"order": {"type": "Row", "default": value}},  # type: ignore[dict-item]
        nodes={
            "order": Node(type="flow.input", settings={"name": "order"}),
            "large": Node(type="control.if", settings={"condition": "item.amount > 100"}),
            "yes": Node(type="text.template", settings={"template": "large {{ item.amount }}"}),
            "no": Node(type="text.template", settings={"template": "small {{ item.amount }}"}),
            "merge": Node(type="control.merge"),
            "show": Node(type="show.text"),
        },
        edges=(
            Edge(source="order", source_port="value", target="large", target_port="item"),
            Edge(source="large", source_port="true", target="yes", target_port="item"),
            Edge(source="large", source_port="false", target="no", target_port="item"),
            Edge(source="yes", source_port="text", target="merge", target_port="inputs"),
            Edge(source="no", source_port="text", target="merge", target_port="inputs"),
            Edge(source="merge", source_port="out", target="show", target_port="text"),
        ),
    )
    result = go(flow, root)
    assert result.state == RunState.COMPLETED, result.failure
    word = "large" if value["amount"] > 100 else "small"
    assert result.outputs["show"]["view"]["records"] == [f"{word} {value['amount']}"]
    skipped = {name for name, node in result.nodes.items() if node.state == "skipped"}
    assert skipped == {"no" if word == "large" else "yes"}


def test_a_long_file_flows_through_in_bounded_memory(root: Path) -> None:
    with (root / "long.csv").open("w") as file:
        file.write("id,text\n")
        file.writelines(f"{at},{'x' * 200}\n" for at in range(60_000))
    flow = chain(
        ("file.read_csv", {"path": "long.csv"}),
        ("data.filter", {"where": "item.id % 2 == 0"}),
        ("data.group", {"aggregates": [{"op": "count"}, {"op": "sum", "field": "id", "as": "s"}]}),
        TABLE,
    )
    tracemalloc.start()
    try:
        result = go(flow, root)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert result.outputs["n3"]["view"]["records"] == [
        {"count": 30_000, "s": sum(range(0, 60_000, 2))}
    ]
    # The file is 12 MB. What is kept for looking at, 10,000 records a port, is in the peak.
    assert peak < 24 * 1024 * 1024
