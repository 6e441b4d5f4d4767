"""Flow files: what is read, what is refused, and what people are told."""

from pathlib import Path
from typing import Any

import pytest

from weft_engine.error_codes import CODES
from weft_engine.errors import FlowFileError, ResourceError
from weft_engine.flow.file import LARGEST, dump, from_data, load, read_file

HEAD = "format: weft/1\nname: x\n"
SALES = """\
format: weft/1
name: Sales report
mode: batch
nodes:
  read:
    type: file.read_csv
    name: Read sales
    settings: {path: examples/data/sales.csv}
    position: {x: 0, y: 0}
  keep:
    type: data.filter
    settings: {where: item.amount > 100}
edges:
  - {source: read, source_port: rows, target: keep, target_port: rows}
"""


def test_reads_the_format_of_the_manual() -> None:
    flow = load(SALES)

    assert flow.nodes["keep"].settings == {"where": "item.amount > 100"}
    assert [edge.id for edge in flow.edges] == ["read.rows>keep.rows"]


def test_writes_what_a_person_would() -> None:
    assert dump(load(SALES)) == SALES


def test_json_and_yaml_say_the_same() -> None:
    assert load(dump(load(SALES), kind="json")) == load(SALES)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("on", "on"), ("no", "no"), ("12:30", "12:30"), ("2024-05-01", "2024-05-01"),
        ("1_000", "1_000"), ("0123", 123), ("1e3", 1000), ("-1.5", -1.5), ("+7", 7), ("0x1F", 31),
        ("0o17", 15), ("true", True), ("~", None), ("", None), ("null", None), ("'5'", "5"),
        ('"\\u00e9"', "é"), ("= 5", "= 5"), ("5.0", 5), (".5", 0.5), ("<<", "<<"),
    ],
)  # fmt: skip
def test_plain_words_stay_words(written: str, read: Any) -> None:
    flow = load(f"{HEAD}nodes:\n  a:\n    type: t\n    settings:\n      key: {written}\n")

    assert flow.nodes["a"].settings["key"] == read
    assert type(flow.nodes["a"].settings["key"]) is type(read)


def test_keys_are_text_however_they_look() -> None:
    flow = load(f"{HEAD}nodes: {{a: {{type: t, settings: {{on: id, 1: x, null: y}}}}}}")

    assert flow.nodes["a"].settings == {"on": "id", "1": "x", "null": "y"}


def case(text: str, code: str, line: int | None, says: str, hint: str) -> Any:
    return pytest.param(text, code, line, says, hint, id=f"{code}-{says or hint}")


@pytest.mark.parametrize(
    ("text", "code", "line", "says", "hint"),
    [
        case("", "empty", None, "empty", "format: weft/1"),
        case("  \n# only a comment\n", "empty", None, "empty", "format: weft/1"),
        case("nodes", "not_a_flow", None, "not a flow", "format: weft/1"),
        case("[1, 2]", "not_a_flow", None, "not a flow", "format: weft/1"),
        case("name: x", "missing_key", None, "'format'", "format: weft/1"),
        case("format: weft/1", "missing_key", None, "'name'", "name:"),
        case("format: weft/9\nname: x", "format", 1, "weft/9", "newer"),
        case("format: n8n\nname: x", "format", 1, "n8n", "weft/1"),
        case("format: 1\nname: x", "format", 1, "1", "weft/1"),
        case(f"{HEAD}nods: {{}}", "unknown_key", 3, "'nods'", "'nodes'"),
        case(f"{HEAD}zzz: {{}}", "unknown_key", 3, "'zzz'", "Keys are format"),
        case(f"{HEAD}nodes:\n  a:\n    type: t\n    setings: {{}}", "unknown_key", 6,
             "node 'a': there is no key 'setings'", "'settings'"),
        case(f"{HEAD}nodes:\n  a:\n    kind: t\n    type: t", "unknown_key", 5, "'kind'", "'type'"),
        case(f"{HEAD}nodes:\n  a: {{type: t, retry: {{tries: 2}}}}", "unknown_key", 4,
             "'tries'", ""),
        case(f"{HEAD}nodes:\n  a: {{type: t, position: {{x: 1, y: 2, z: 3}}}}", "unknown_key", 4,
             "'z'", "Keys are x, y"),
        case(f"{HEAD}edges:\n  - {{source: a, target: b, from: c, source_port: d, target_port: e}}",
             "unknown_key", 4, "edge 1: there is no key 'from'", "'source'"),
        case(f"{HEAD}edges:\n  - {{source: a, source_port: o, target: b}}", "missing_key", 4,
             "edge 1: the key 'target_port'", "target_port"),
        case(f"{HEAD}edges: [a>b]", "bad_value", 3, "edge 1: should be keys", "{source"),
        case(f"{HEAD}edges: {{a: b}}", "bad_value", 3, "should be a list", "Edges are a list"),
        case(f"{HEAD}nodes: [{{id: a}}]", "bad_value", 3, "keys with values", "under their ids"),
        case(f"{HEAD}nodes: {{a: }}", "bad_value", 3, "node 'a'", ""),
        case(f"{HEAD}nodes:\n  a: {{}}", "missing_key", 4, "node 'a': the key 'type'", "type:"),
        case(f"{HEAD}nodes:\n  9a: {{type: t}}", "bad_id", 4, "'9a' cannot be an id", "letters"),
        case(f"{HEAD}nodes:\n  读取: {{type: t}}", "bad_id", 4, "'读取' cannot be an id", "`name`"),
        case(f"{HEAD}nodes:\n  {'a' * 65}: {{type: t}}", "bad_id", 4, "cannot be an id", "64"),
        case(f"{HEAD}nodes:\n  a: {{type: a b}}", "bad_id", 4, "not the name of a node type", ""),
        case("format: weft/1\nname: 5", "bad_value", 2, "name: should be text", "quotes"),
        case("format: weft/1\nname: ''", "bad_value", 2, "should not be empty", ""),
        case(f"{HEAD}mode: strem", "bad_value", 3,
             "'batch', 'streaming' or 'event'", "'streaming'"),
        case(f"{HEAD}nodes:\n  a: {{type: t, on_error: fial}}", "bad_value", 4,
             "on_error", "'fail'"),
        case(f"{HEAD}nodes:\n  a: {{type: t, disabled: maybe}}", "bad_value", 4,
             "true or false", ""),
        case(f"{HEAD}nodes:\n  a: {{type: t, retry: {{max_attempts: 0}}}}", "bad_value", 4,
             "retry.max_attempts: should be at least 1", ""),
        case(f"{HEAD}nodes:\n  a: {{type: t, timeout_s: -1}}", "bad_value", 4,
             "greater than 0", ""),
        case(f"{HEAD}nodes:\n  a: {{type: t, settings: {{n: 99999999999999999}}}}", "bad_value", 4,
             "9007199254740991", ""),
        case(f"{HEAD}variables: {{x: .inf}}", "bad_value", 3, ".inf", "finite"),
        case(f"{HEAD}variables: {{x: .nan}}", "bad_value", 3, ".nan", "finite"),
        case("format: weft/1\nname: x\nname: y", "duplicate_key", 3,
             "'name' stands twice", "line 2"),
        case(f"{HEAD}nodes:\n  a: {{type: t}}\n  a: {{type: u}}", "duplicate_key", 5,
             "'a'", "line 4"),
        case("format: weft/1\nname: &n x", "alias", 2, "&n", "Write the value out"),
        case("format: weft/1\nname: *n", "alias", 2, "*n", "Write the value out"),
        case("a: &a [x]\nb: &b [*a, *a]", "alias", 1, "&a", ""),
        case("!!python/object/apply:os.system [ls]", "alias", 1, "tag", "Remove it"),
        case("format: !secret x", "alias", 1, "!secret", ""),
        case("<<: {a: b}", "missing_key", None, "'format'", ""),
        case("format: weft/1\n\tname: x", "malformed", 2, "", "spaces"),
        case("format: weft/1\nname: a: b", "malformed", 2, "", "quotes"),
        case("format: weft/1\nname: 'a", "malformed", None, "", "brackets"),
        case("{format: weft/1, name: [", "malformed", None, "", "quotes"),
        case("format: weft/1\nname x\nmode: batch", "malformed", None, "", ""),
        case(f"{HEAD}---\nformat: weft/1", "malformed", 3, "second document", "---"),
        case("? [a]\n: b", "malformed", 1, "key must be text", ""),
        case("name: \x07", "malformed", 1, "character", ""),
        case(f"{HEAD}variables:\n  x: {'[' * 40}{']' * 40}", "too_deep", 4, "32", ""),
        case("[" * 100_000, "too_deep", None, "", ""),
        case("{a: " * 100_000, "too_deep", 1, "", ""),
        case('{"format":"weft/1",\n"name":"x",\n"nods":{}}', "unknown_key", 3, "'nods'", "'nodes'"),
        case('{"format":"weft/1","name":"x",\n"nodes":{"a":{"type":"t",\n"retry":{"tries":1}}}}',
             "unknown_key", 3, "'tries'", ""),
        case('{"format":"weft/1","name":"x","edges":[\n{},\n{"source": 5}]}', "missing_key", 2,
             "edge 1", ""),
        case('{"format":"weft/1",\n"name":"x",\n"name":"y"}', "duplicate_key", 3,
             "'name'", "line 2"),
        case('{"a": [{"b": 1,\n"b": 2}]}', "duplicate_key", 2, "'b'", "line 1"),
        case('{"a": 1,\n}', "malformed", 2, "not JSON", "comma"),
        case('{"a" 1}', "malformed", 1, "not JSON", "colon"),
        case('{"a": \'x\'}', "malformed", 1, "not JSON", "double quotes"),
        case('{"a": 1} {"b": 2}', "malformed", 1, "not JSON", "one flow"),
        case('{"a": NaN}', "bad_value", None, "NaN", "finite"),
        case('{"a": -Infinity}', "bad_value", None, "-Infinity", "finite"),
        case('{"a": ' + "9" * 5000 + "}", "bad_value", None, "", "text"),
        case('{"a":' * 20_000, "too_deep", None, "deep", ""),
        case('{"format":"weft/1","name":"\\ud800"}', "bad_value", 1, "name", ""),
        case("#" * (LARGEST + 1), "too_big", None, "1,000,000", "files"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(
    text: str, code: str, line: int | None, says: str, hint: str
) -> None:
    with pytest.raises(FlowFileError) as caught:
        load(text, source="flow.yaml")

    error = caught.value
    assert error.code == f"flow.file.{code}"
    assert error.code in CODES
    assert error.params["source"] == "flow.yaml"
    assert says in error.message
    assert hint in error.hint
    if line is not None:
        assert error.params["line"] == line
        assert error.message.startswith(f"line {line}: ")


def test_all_that_is_wrong_comes_along() -> None:
    with pytest.raises(FlowFileError) as caught:
        load(f"{HEAD}nodes:\n  a: {{type: t, setings: 1}}\n  b b: {{type: t}}\nmoed: batch")

    others = [other["params"]["line"] for other in caught.value.params["others"]]
    assert [caught.value.params["line"], *others] == [4, 5, 6]


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    for encoding in ("utf-8-sig", "utf-16"):
        (tmp_path / "flow.yaml").write_text(SALES, encoding=encoding)

        assert read_file(tmp_path / "flow.yaml") == load(SALES)


def test_another_encoding_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "flow.yaml").write_bytes("format: weft/1\nname: 销售\n".encode("gb18030"))
    with pytest.raises(FlowFileError) as caught:
        read_file(tmp_path / "flow.yaml")

    assert caught.value.code == "flow.file.encoding"
    assert caught.value.params["line"] == 2


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "sales.yaml").write_text(SALES)
    with pytest.raises(ResourceError) as caught:
        read_file(tmp_path / "sale.yaml")

    assert caught.value.code == "file.not_found"
    assert "sales.yaml" in caught.value.hint


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(FlowFileError) as caught:
        read_file(tmp_path)

    assert caught.value.code == "flow.file.unreadable"


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "flow.yaml").write_bytes(b"#" * (LARGEST * 5))
    with pytest.raises(FlowFileError) as caught:
        read_file(tmp_path / "flow.yaml")

    assert caught.value.code == "flow.file.too_big"


def test_data_gives_the_same_errors() -> None:
    with pytest.raises(FlowFileError) as caught:
        from_data({"format": "weft/1", "name": "x", "nods": {}})

    assert caught.value.code == "flow.file.unknown_key"
    assert from_data({"format": "weft/1", "name": "x"}).name == "x"


def test_equal_flows_are_written_alike() -> None:
    flow = load(SALES)
    turned = flow.model_copy(update={"nodes": dict(reversed(flow.nodes.items()))})

    assert dump(turned) == dump(flow)


def test_text_of_many_lines_stays_readable() -> None:
    sql = "      sql: |\n        one\n          two\n"

    assert sql in dump(load(f"{HEAD}nodes:\n  a:\n    type: t\n    settings:\n{sql}"))
