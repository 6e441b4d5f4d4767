"""Splitting, counting words, extracting, templates, dates, ways."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from weft_engine.errors import NodeError, WeftError
from weft_engine.kernel.environment import LocalEnvironment
from weft_engine.library.control.choice import If
from weft_engine.library.control.merge import Merge
from weft_engine.library.dates import Bucket
from weft_engine.library.show import ShowChart, ShowTable
from weft_engine.library.splitting import Boundary, chunks
from weft_engine.library.text_make import Extract, FillTemplate
from weft_engine.library.text_split import Split, Words
from weft_engine.nodes.types import SKIP

MARKDOWN = "# One\n\nFirst part. It is short.\n\n## Two\n\nSecond part.\n\nThird part.\n"
CHINESE = "重的东西贴着背。睡袋放在最下面！雨衣放在上面；地图也是。"


def texts(found: Any) -> list[str]:
    return [chunk["text"] for chunk in found]


@pytest.mark.parametrize(
    ("settings_", "text", "expected"),
    [
        pytest.param({"size": 4, "overlap": 0, "by": "character"}, "abcdefg", ["abcd", "efg"],
                     id="characters"),
        pytest.param({"size": 4, "overlap": 1, "by": "character"}, "abcdefg", ["abc", "cdef", "fg"],
                     id="characters overlap"),
        pytest.param({"size": 12, "overlap": 0, "by": "word"}, "one two three four",
                     ["one two", "three four"], id="words"),
        pytest.param({"size": 14, "overlap": 4, "by": "word"}, "one two three four",
                     ["one two", "two three four"], id="overlap begins at a word"),
        pytest.param({"size": 60, "overlap": 0, "by": "heading"}, MARKDOWN,
                     ["# One\n\nFirst part. It is short.", "## Two\n\nSecond part.\n\nThird part."],
                     id="headings"),
        pytest.param({"size": 16, "overlap": 0, "by": "sentence"}, CHINESE,
                     ["重的东西贴着背。睡袋放在最下面！", "雨衣放在上面；地图也是。"],
                     id="Chinese"),
        pytest.param({"size": 5, "overlap": 0, "by": "paragraph"}, "abcdefgh ij", ["abcde", "fgh",
                     "ij"], id="a word that is too long"),
        pytest.param({"size": 9, "overlap": 0}, "", [], id="empty"),
        pytest.param({"size": 9, "overlap": 0}, " \n\n ", [], id="blank"),
        pytest.param({"size": 99, "overlap": 9}, "short", ["short"], id="short"),
    ],
)  # fmt: skip
def test_split(settings_: Any, text: str, expected: list[str]) -> None:
    assert texts(Split(**settings_).process(text)) == expected


@settings(max_examples=150, deadline=None)
@given(
    st.text(st.sampled_from("ab .\n#。x中"), max_size=200),
    st.integers(1, 40),
    st.integers(0, 39),
    st.sampled_from(["heading", "paragraph", "line_break", "sentence", "word", "character"]),
)
def test_chunks_are_short_in_order_and_lose_nothing(
    text: str, size: int, overlap: int, boundary: Boundary
) -> None:
    overlap = min(overlap, size - 1)
    spans = list(chunks(text, size=size, overlap=overlap, boundary=boundary))
    assert all(0 < end - start <= size for start, end in spans)
    assert spans == sorted(spans)
    kept = set().union(*(range(start, end) for start, end in spans))
    assert all(place in kept for place, character in enumerate(text) if not character.isspace())


def test_chunks_know_where_they_are_from() -> None:
    document = {"text": MARKDOWN, "id": "a.md", "source": "docs/a.md", "metadata": {"title": "One"}}
    first, second = Split(size=60, overlap=0, by="heading").process(document)  # type: ignore[arg-type]
    assert first["document"] == second["document"] == "a.md"
    assert second["index"] == 1
    assert second["metadata"] == {"title": "One"}
    assert MARKDOWN[second["start"] : second["end"]] == second["text"]


@pytest.mark.parametrize("settings_", [{"size": 5, "overlap": 5}, {"size": 0}, {"by": "page"}])
def test_split_refuses(settings_: Any) -> None:
    with pytest.raises(ValidationError):
        Split(**settings_)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The stove's flame; the STOVE!", {"stove": 2, "flame": 1}),
        ("不要在帐篷里用炉子", {"帐篷": 1, "炉子": 1}),
        ("B2B in 2025", {"b2b": 1, "2025": 1}),
        ("", {}),
    ],
)
def test_words(text: str, expected: dict[str, int]) -> None:
    assert {row["word"]: row["count"] for row in Words().process(text)} == expected


def test_words_of_a_chunk_name_the_document() -> None:
    rows = list(Words(top=1).process({"text": "tent tent stove", "document": "a.md"}))  # type: ignore[arg-type]
    assert rows == [{"word": "tent", "count": 2, "document": "a.md"}]


LOG = r"(?P<method>[A-Z]+) (?P<path>\S+) (?P<status>\d+|-)"


@pytest.mark.parametrize(
    ("settings_", "item", "expected"),
    [
        pytest.param({}, "GET / 200", [{"method": "GET", "path": "/", "status": "200"}], id="text"),
        pytest.param({"numbers": ["status"]}, "GET / -",
                     [{"method": "GET", "path": "/", "status": None}], id="no number"),
        pytest.param({"column": "line", "numbers": ["status"]}, {"line": "GET / 1", "id": 7},
                     [{"line": "GET / 1", "id": 7, "method": "GET", "path": "/", "status": 1}],
                     id="row"),
        pytest.param({}, "rotated", [], id="no match is left out"),
        pytest.param({"no_match": "null"}, "rotated",
                     [{"method": None, "path": None, "status": None}], id="no match gives nulls"),
        pytest.param({"ignore_case": True}, "get / 1",
                     [{"method": "get", "path": "/", "status": "1"}], id="case"),
        pytest.param({"find": "all"}, "GET /a 1\nPUT /b 2", [
            {"method": "GET", "path": "/a", "status": "1"},
            {"method": "PUT", "path": "/b", "status": "2"}], id="all"),
    ],
)  # fmt: skip
def test_extract(settings_: Any, item: Any, expected: list[Any]) -> None:
    assert list(Extract(pattern=LOG, **settings_).process(item)) == expected


@pytest.mark.parametrize(
    ("node", "item", "code"),
    [
        pytest.param(Extract(pattern=LOG, no_match="fail"), "rotated", "text.no_match", id="match"),
        pytest.param(Extract(pattern=LOG, column="lin"), {"line": "x"}, "data.unknown_column",
                     id="column"),
        pytest.param(Extract(pattern=LOG), 7, "data.not_text", id="number"),
        pytest.param(Extract(pattern=LOG, column="n"), {"n": None}, "data.not_text", id="null"),
    ],
)  # fmt: skip
def test_extract_fails_clearly(node: Extract, item: Any, code: str) -> None:
    with pytest.raises(WeftError) as caught:
        list(node.process(item))
    assert caught.value.code == code
    assert caught.value.hint


@pytest.mark.timeout(60)  # it would run for ever
def test_a_pattern_that_runs_away_is_stopped() -> None:
    node = Extract(pattern=r"(?P<all>(a|a?)+)$", timeout_ms=50)
    with pytest.raises(NodeError) as caught:
        list(node.process("a" * 40 + "b" + "a" * 5000 + "!"))
    assert caught.value.code == "text.pattern_timeout"


@pytest.mark.parametrize(
    "settings_",
    [
        pytest.param({"pattern": "("}, id="not closed"),
        pytest.param({"pattern": "a+"}, id="no named group"),
        pytest.param({"pattern": LOG, "numbers": ["size"]}, id="unknown group"),
        pytest.param({"pattern": LOG, "timeout_ms": 0}, id="no time"),
    ],
)
def test_extract_refuses(settings_: Any) -> None:
    with pytest.raises(ValidationError):
        Extract(**settings_)


@pytest.mark.parametrize(
    ("template", "item", "expected"),
    [
        ("Dear {{ item.name }},", {"name": "Ada"}, "Dear Ada,"),
        ("{{ item.n }} of {{ item.n * 2 }}", {"n": 2}, "2 of 4"),
        ("[{{ item.x }}]", {"x": None}, "[]"),
        ("plain", None, "plain"),
        ("{{ upper(item) }}", "abc", "ABC"),
    ],
)
def test_template(template: str, item: Any, expected: str) -> None:
    assert FillTemplate(template=template).process(item) == expected


@pytest.mark.parametrize("template", ["{{ item.", "{{ open }}", "{{ item.name"])
def test_template_refuses(template: str) -> None:
    with pytest.raises(ValidationError):
        FillTemplate(template=template)


@pytest.mark.parametrize(
    ("text", "settings_", "expected"),
    [
        ("2025-03-14T15:09:26Z", {"unit": "minute"}, "2025-03-14T15:09"),
        ("2025-03-14T15:09:26Z", {"unit": "hour"}, "2025-03-14T15:00"),
        ("2025-03-14 15:09", {"unit": "hour"}, "2025-03-14T15:00"),
        ("2025-03-14", {"unit": "day"}, "2025-03-14"),
        ("2025-03-14", {"unit": "week"}, "2025-03-10"),
        ("2025-03-14", {"unit": "month"}, "2025-03"),
        ("2025-03-14", {"unit": "quarter"}, "2025-Q1"),
        ("2025-12-31", {"unit": "quarter"}, "2025-Q4"),
        ("2025-03-14", {"unit": "year"}, "2025"),
        ("20250314", {"unit": "day"}, "2025-03-14"),
        ("2025/3/4", {"unit": "day"}, "2025-03-04"),
        ("2025/3/4 7:05", {"unit": "hour"}, "2025-03-04T07:00"),
        ("2025年3月4日", {"unit": "day"}, "2025-03-04"),
        ("10/Mar/2025:13:55:36 +0000", {"unit": "hour"}, "2025-03-10T13:00"),
        ("10/Mar/2025:23:55:36 -0500", {"unit": "day"}, "2025-03-11"),
        ("Mon, 10 Mar 2025 13:55:36 +0000", {"unit": "day"}, "2025-03-10"),
        ("14.03.2025", {"unit": "day", "pattern": "%d.%m.%Y"}, "2025-03-14"),
        ("2025-03-14T20:00:00Z", {"unit": "day", "timezone": "Asia/Shanghai"}, "2025-03-15"),
        ("2025-03-14T20:00:00", {"unit": "hour", "timezone": "Asia/Shanghai"}, "2025-03-14T20:00"),
        (None, {}, None),
        ("", {}, None),
    ],
)
def test_bucket(run: Any, text: Any, settings_: Any, expected: Any) -> None:
    (row,) = run(Bucket(column="at", into="to", **settings_), [{"at": text}])
    assert row == {"at": text, "to": expected}


@pytest.mark.parametrize(
    "text", ["03/04/2025", "yesterday", "2025-13-01", "1741960000", "10/Foo/2025:13:55:36 +0000"]
)
def test_an_unclear_date_is_refused(failure: Any, text: str) -> None:
    error = failure(Bucket(column="at"), [{"at": text}])
    assert error.code == "date.malformed"
    assert "%d.%m.%Y" in error.hint


@pytest.mark.parametrize(
    ("node", "row", "code"),
    [
        pytest.param(Bucket(column="att"), {"at": ""}, "data.unknown_column", id="column"),
        pytest.param(Bucket(column="at"), {"at": 20250314}, "date.malformed", id="number"),
        pytest.param(Bucket(column="at", timezone="Mars/Base"), {"at": ""}, "date.unknown_zone",
                     id="zone"),
    ],
)  # fmt: skip
def test_bucket_fails_clearly(failure: Any, node: Bucket, row: Any, code: str) -> None:
    error = failure(node, [row])
    assert error.code == code
    assert error.hint


@pytest.mark.parametrize(
    ("item", "expected"), [({"n": 5}, "true"), ({"n": 1}, "false"), ({"n": 3}, "false")]
)
def test_if(item: Any, expected: str) -> None:
    taken = If(condition="item.n > 3").process(item)
    ways = {"true": taken.true, "false": taken.false}
    assert ways.pop(expected) is item
    assert list(ways.values()) == [SKIP]


@pytest.mark.parametrize("mode", ["append", "all"])
def test_merge_keeps_the_order_of_its_inputs(mode: Any) -> None:
    env = LocalEnvironment(batch_size=1)
    streams = [env.from_collection(part) for part in ([1, 2], [], [3], [4, 5])]
    assert env.run(Merge(mode=mode).build(streams)) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("batch_size", [1, 2, 100])
@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param([[1, 2], [3], [4, 5]], [1, 2], id="the first"),
        pytest.param([[], [3, 4, 5], [6]], [3, 4, 5], id="not an empty one"),
        pytest.param([[], [], []], [], id="none has any"),
        pytest.param([[1, 2, 3, 4]], [1, 2, 3, 4], id="one way"),
    ],
)
def test_merge_any_gives_the_first_way_that_has_a_record(
    parts: list[list[int]], expected: list[int], batch_size: int
) -> None:
    env = LocalEnvironment(batch_size=batch_size)
    streams = [env.from_collection(part) for part in parts]
    assert env.run(Merge(mode="any").build(streams)) == expected


def test_merge_any_waits_for_a_way_that_may_still_come() -> None:
    env = LocalEnvironment(batch_size=2)
    numbers = env.from_collection(range(20))
    late = numbers.filter(lambda number: number > 17)
    assert env.run(Merge(mode="any").build([late, numbers])) == [18, 19]


@pytest.mark.parametrize(
    ("node", "row", "code"),
    [
        pytest.param(ShowTable(columns=["a", "b"]), {"a": 1}, "data.unknown_column", id="table"),
        pytest.param(ShowTable(), "text", "data.not_a_row", id="no row"),
        pytest.param(ShowChart(x="m", y=["v"]), {"month": 1, "v": 1}, "data.unknown_column",
                     id="x"),
        pytest.param(ShowChart(x="m", y=["w"]), {"m": 1, "v": 1}, "data.unknown_column", id="y"),
        pytest.param(ShowChart(x="m", y=["v"], series="s"), {"m": 1, "v": 1},
                     "data.unknown_column", id="series"),
        pytest.param(ShowChart(x="m", y=["v"]), {"m": 1, "v": "much"}, "data.not_a_number",
                     id="text as a value"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown(failure: Any, node: Any, row: Any, code: str) -> None:
    assert failure(node, [row]).code == code


def test_null_is_a_gap_in_a_chart(run: Any) -> None:
    run(ShowChart(x="m", y=["v"]), [{"m": 1, "v": None}, {"m": 2, "v": 1.5}])


@pytest.mark.parametrize(
    "settings_",
    [
        pytest.param({"x": "a", "y": []}, id="no values"),
        pytest.param({"x": "a", "y": ["b", "c"], "series": "s"}, id="two values and series"),
        pytest.param({"x": "a", "y": ["b", "c"], "kind": "pie"}, id="two values in a pie"),
        pytest.param({"x": "a", "y": ["b"], "kind": "radar"}, id="unknown kind"),
        pytest.param({"x": "", "y": ["b"]}, id="no x"),
    ],
)
def test_chart_refuses(settings_: Any) -> None:
    with pytest.raises(ValidationError):
        ShowChart(**settings_)
