"""What is kept of outputs, where, and how it is read again."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft_engine.errors import ResourceError
from weft_engine.runs import outputs
from weft_engine.runs.encode import encode
from weft_engine.runs.outputs import OutputStore, reference


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_small_values_travel_in_their_reference(tmp_path: Path) -> None:
    store = OutputStore(tmp_path)
    ref = store.value({"a": [1, None]})
    assert files(tmp_path) == []
    assert store.read(ref.as_dict()) == {
        "kind": "value",
        "count": 1,
        "value": {"a": [1, None]},
        "truncated": False,
    }


def test_large_values_are_named_by_their_content(tmp_path: Path) -> None:
    store = OutputStore(tmp_path)
    text = "x" * 70_000
    first, second = store.value(text), store.value(text)
    assert first == second
    assert [path.name for path in files(tmp_path)] == [first.blob]
    assert store.read(first)["value"] == text
    assert reference(first.as_dict()) == first


def test_records_are_read_in_pages(tmp_path: Path) -> None:
    store = OutputStore(tmp_path)
    for count in (100, 5000):
        writer = store.records()
        for start in range(0, count, 64):
            writer.take(
                [{"n": n, "text": "line\nbreak"} for n in range(start, start + 64)][: count - start]
            )
        ref = writer.finish()
        assert (ref.count, ref.kept, ref.whole) == (count, count, True)
        assert (ref.blob is None) == (count == 100)
        page = store.read(ref, offset=90, limit=20)
        assert [record["n"] for record in page["records"]] == list(range(90, min(110, count)))
        assert page["offset"] == 90


def test_only_so_many_records_are_kept(tmp_path: Path) -> None:
    writer = OutputStore(tmp_path).records()
    for _ in range(30):
        writer.take(list(range(1000)))
    ref = writer.finish()
    assert (ref.count, ref.kept, ref.whole) == (30_000, 10_000, False)


def test_only_so_many_bytes_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "MOST_BYTES", 1000)
    store = OutputStore(tmp_path)
    writer = store.records()
    writer.take(["x" * 90] * 100)
    ref = writer.finish()
    assert (ref.count, ref.kept) == (100, 10)
    value = store.read(store.value("y" * 5000))
    assert value["truncated"]
    assert len(value["value"]) < 2000


def test_a_changed_record_was_kept_as_it_was(tmp_path: Path) -> None:
    store = OutputStore(tmp_path)
    record = {"n": 1}
    writer = store.records()
    writer.take([record])
    record["n"] = 2
    assert store.read(writer.finish())["records"] == [{"n": 1}]


@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_a_lost_output_is_noticed(damage: str, tmp_path: Path) -> None:
    store = OutputStore(tmp_path)
    ref = store.value("x" * 70_000)
    (path,) = files(tmp_path)
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(b'"other"')
    with pytest.raises(ResourceError) as caught:
        store.read(ref)
    assert caught.value.code == "run.output_missing"
    assert store.read(store.value("x" * 70_000))["value"] == "x" * 70_000


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ResourceError) as caught:
        OutputStore(tmp_path).value("x" * 70_000)
    assert (caught.value.code, caught.value.params) == ("run.output_unsaved", {"errno": 28})
    assert files(tmp_path) == []


class Odd:
    def __repr__(self) -> str:
        return "odd"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2**80, str(2**80)),
        (float("nan"), "null"),
        ({1: "a", None: "b", (1, 2): "c"}, '{"1":"a","None":"b","(1, 2)":"c"}'),
        ("\ud800x", '"?x"'),
        ({"\ud800": 1}, '{"?":1}'),
        (b"ab", '"YWI="'),
        (Decimal("1.50"), "1.50"),
        (date(2025, 1, 2), '"2025-01-02"'),
        (datetime(2025, 1, 2, tzinfo=UTC), '"2025-01-02T00:00:00Z"'),
        ([Odd()], '["<Odd: odd>"]'),
        (range(2), '"<range: range(0, 2)>"'),
    ],
    ids=repr,
)
def test_any_value_has_a_form(value: Any, text: str) -> None:
    assert encode(value).decode() == text


def test_a_value_in_itself_comes_to_an_end() -> None:
    value: list[Any] = [1]
    value.append(value)
    assert encode(value).startswith(b"[1,[1,")


def test_one_odd_record_does_not_spoil_the_others(tmp_path: Path) -> None:
    store = OutputStore(tmp_path)
    writer = store.records()
    writer.take([1, {(1,): 2}, "a"])
    assert store.read(writer.finish())["records"] == [1, {"(1,)": 2}, "a"]


def test_no_more_is_encoded_than_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[Any] = []
    monkeypatch.setattr(outputs, "MOST_BYTES", 1000)
    monkeypatch.setattr(outputs, "encode", lambda value: encoded.append(value) or encode(value))
    writer = OutputStore(tmp_path).records()
    writer.take(["x" * 300] * 100)
    assert writer.finish().kept == 3
    assert len(encoded) == 4


_json: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(records=st.lists(_json, max_size=20))
def test_what_is_json_comes_back_the_same(
    records: list[Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = OutputStore(tmp_path_factory.getbasetemp())
    writer = store.records()
    writer.take(records)
    assert store.read(writer.finish())["records"] == records
