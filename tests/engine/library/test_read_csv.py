"""Reading CSV as people really send it."""

import codecs
import tracemalloc
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from weft_engine.errors import WeftError
from weft_engine.library.csv_format import CsvOptions, CsvReader
from weft_engine.library.files_csv import ReadCsv

FIVE = [{"id": 1, "city": "Cork"}, {"id": 2, "city": "Leeds"}]


def read(tmp_path: Path, content: str | bytes, **settings: Any) -> list[dict[str, Any]]:
    path = tmp_path / "data.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(ReadCsv(path=str(path), **settings).process())


def failure(tmp_path: Path, content: str | bytes, **settings: Any) -> WeftError:
    with pytest.raises(WeftError) as caught:
        read(tmp_path, content, **settings)
    return caught.value


@pytest.mark.parametrize(
    ("content", "settings"),
    [
        pytest.param("id,city\n1,Cork\n2,Leeds\n", {}, id="comma"),
        pytest.param("id;city\n1;Cork\n2;Leeds\n", {}, id="semicolon found out"),
        pytest.param("id\tcity\n1\tCork\n2\tLeeds\n", {}, id="tab found out"),
        pytest.param("id|city\n1|Cork\n2|Leeds\n", {}, id="bar found out"),
        pytest.param("id;city\n1;Cork\n2;Leeds\n", {"delimiter": ";"}, id="semicolon set"),
        pytest.param("id,city\r\n1,Cork\r\n2,Leeds\r\n", {}, id="windows line ends"),
        pytest.param("id,city\r1,Cork\r2,Leeds", {}, id="old mac line ends"),
        pytest.param("id,city\n\n1,Cork\n\n2,Leeds\n\n", {}, id="blank lines"),
        pytest.param("\ufeffid,city\n1,Cork\n2,Leeds\n", {}, id="byte order mark"),
        pytest.param(
            "\ufeffid,city\n1,Cork\n2,Leeds\n", {"encoding": "utf-8"}, id="mark, utf-8 set"
        ),
        pytest.param("id,city\n1,Cork\n2,Leeds\n".encode("utf-16"), {}, id="utf-16"),
        pytest.param(" id , city \n1,Cork\n2,Leeds\n", {}, id="spaces around names"),
        pytest.param("Cities\n\nid,city\n1,Cork\n2,Leeds\n", {"skip_lines": 2}, id="title"),
        pytest.param("id,city\n1,Cork\n2,Leeds\n3,Bonn\n", {"limit": 2}, id="limit"),
        pytest.param('"id","city"\n"1","Cork"\n"2","Leeds"\n', {}, id="all quoted"),
    ],
)
def test_the_same_rows_come_from(tmp_path: Path, content: str | bytes, settings: Any) -> None:
    assert read(tmp_path, content, **settings) == FIVE


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(["1", "22", "-3"], [1, 22, -3], id="whole numbers"),
        pytest.param(["1", "2.5"], [1.0, 2.5], id="one fraction makes all fractions"),
        pytest.param(["1.5e-05", "2.0"], [1.5e-05, 2.0], id="exponents as programs write them"),
        pytest.param(["7", "", "9"], [7, None, 9], id="empty is null"),
        pytest.param(["true", "FALSE"], [True, False], id="true and false"),
        pytest.param(["007", "12"], ["007", "12"], id="leading zeros stay text"),
        pytest.param(["+4912345", "1"], ["+4912345", "1"], id="telephone numbers stay text"),
        pytest.param(["123456789012345678"], ["123456789012345678"], id="long ids stay text"),
        pytest.param(["12e4", "1"], ["12e4", "1"], id="codes that look like numbers stay text"),
        pytest.param(["1", "n/a"], ["1", "n/a"], id="one text makes a text column"),
        pytest.param(["1", "true"], ["1", "true"], id="mixed kinds are text"),
        pytest.param(["nan", "inf"], ["nan", "inf"], id="nan and inf are words"),
        pytest.param(["1_000", "2"], ["1_000", "2"], id="underscores are not digits"),
        pytest.param(["2025-03-14", ""], ["2025-03-14", None], id="dates stay text"),
        pytest.param(["", ""], [None, None], id="nothing at all"),
        pytest.param(["٣", "٤"], ["٣", "٤"], id="other digits are text"),
    ],
)
def test_types(tmp_path: Path, values: list[str], expected: list[Any]) -> None:
    lines = "".join(f"{value},x\n" for value in values)
    assert [row["v"] for row in read(tmp_path, f"v,other\n{lines}")] == expected


def test_a_type_holds_for_the_whole_column_however_late_the_exception_comes(
    tmp_path: Path,
) -> None:
    rows = read(tmp_path, "v\n" + "1\n" * 20_000 + "late\n")
    assert {type(row["v"]) for row in rows} == {str}


def test_as_text(tmp_path: Path) -> None:
    assert read(tmp_path, "a,b\n1,\n", types="text") == [{"a": "1", "b": ""}]


def test_without_header(tmp_path: Path) -> None:
    assert read(tmp_path, "1,Cork\n", header=False) == [{"column_1": 1, "column_2": "Cork"}]


def test_names_are_made_different(tmp_path: Path) -> None:
    assert read(tmp_path, "a,a,,a\n1,2,3,4\n") == [{"a": 1, "a_2": 2, "column_3": 3, "a_3": 4}]


def test_only_a_header_is_no_rows(tmp_path: Path) -> None:
    assert read(tmp_path, "id,city\n") == []


def test_quoted_fields_hold_anything(tmp_path: Path) -> None:
    assert read(tmp_path, 'a,b\n"x, ""y""\nz",2\n') == [{"a": 'x, "y"\nz', "b": 2}]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        pytest.param("编号,城市,备注\n1,杭州,发货很快\n2,成都,还会再买\n", "gb18030", id="gb18030"),
        pytest.param("编号,城市\n1,杭州\n", "gb18030", id="gb18030, few characters"),
        pytest.param(
            "name,city\nMüller,Köln\nDvořák,Brünn\nSeñor,Málaga\nFrançois,Besançon\n".replace(
                "ř", "r"
            ),
            "windows-1252",
            id="windows-1252",
        ),
        pytest.param(
            "名前,都市\n山田さん,とうきょう\n鈴木さん,おおさか\n" * 5, "shift_jis", id="shift_jis"
        ),
    ],
)
def test_encoding_is_found_out(tmp_path: Path, text: str, encoding: str) -> None:
    expected = read(tmp_path, text)
    assert read(tmp_path, text.encode(encoding)) == expected
    assert read(tmp_path, text.encode(encoding), encoding=encoding) == expected


RAGGED = "id,city\n1,Cork\n2\n3,Bonn,extra,more\n4,Leeds\n"


def test_a_ragged_row_fails_with_its_line_and_both_counts(tmp_path: Path) -> None:
    error = failure(tmp_path, RAGGED)
    assert error.code == "csv.ragged_row"
    assert error.params["line"] == 3
    assert (error.params["found"], error.params["expected"]) == (1, 2)
    assert error.hint


def test_the_line_counts_lines_inside_quotes_and_skipped_ones(tmp_path: Path) -> None:
    error = failure(tmp_path, 'Title\na,b\n"1\n1",2\n3\n', skip_lines=1)
    assert error.params["line"] == 5


def test_ragged_rows_can_be_left_out_and_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text(RAGGED)
    lines: list[str] = []
    context: Any = SimpleNamespace(
        files=SimpleNamespace(open_read=Path), logger=SimpleNamespace(warning=lines.append)
    )
    rows = list(ReadCsv(path=str(path), on_bad_row="skip").process(context))
    assert [row["id"] for row in rows] == [1, 4]
    assert len(lines) == 2
    assert "Line 3" in lines[0]


def test_ragged_rows_can_be_kept(tmp_path: Path) -> None:
    assert read(tmp_path, RAGGED, on_bad_row="keep") == [
        {"id": 1, "city": "Cork"},
        {"id": 2, "city": None},
        {"id": 3, "city": "Bonn", "_extra": ["extra", "more"]},
        {"id": 4, "city": "Leeds"},
    ]


def test_limit_counts_good_rows(tmp_path: Path) -> None:
    rows = read(tmp_path, RAGGED, on_bad_row="skip", limit=2)
    assert [row["id"] for row in rows] == [1, 4]


@pytest.mark.parametrize(
    ("content", "settings", "code", "says"),
    [
        pytest.param("", {}, "csv.empty", "empty", id="empty file"),
        pytest.param("\ufeff", {}, "csv.empty", "empty", id="only a mark"),
        pytest.param("\n\n", {}, "csv.empty", "empty", id="only blank lines"),
        pytest.param(
            "a;b\n1;2\n3;4\n", {"delimiter": ","}, "csv.wrong_delimiter", "';'", id="delimiter"
        ),
        pytest.param('a,b\n1,"open\n2,3\n', {}, "csv.bad_quotes", "line 2", id="open quote"),
        pytest.param('a,b\n1,"x"y\n2,3\n', {}, "csv.bad_quotes", "line 2", id="stray quote"),
        pytest.param(
            "a,b\n1," + "x" * 10_000_001 + "\n", {}, "csv.field_too_large", "line 2", id="huge"
        ),
        pytest.param(b"a,b\n1,\xff\xfe\n", {"encoding": "utf-8"}, "file.bad_encoding", "utf-8",
                     id="not utf-8"),
        pytest.param(b"PK\x03\x04\x00\x00\x00", {}, "file.not_text", "text", id="binary"),
    ],
)  # fmt: skip
def test_bad_files(
    tmp_path: Path, content: str | bytes, settings: Any, code: str, says: str
) -> None:
    error = failure(tmp_path, content, **settings)
    assert error.code == code
    assert says in error.message
    assert error.hint


def test_bad_bytes_far_down_are_named_by_line(tmp_path: Path) -> None:
    content = b"a,b\n" + b"1,good\n" * 60_000 + b"2,\xff\xff\n"
    error = failure(tmp_path, content)
    assert error.code == "file.bad_encoding"
    assert error.params["line"] > 50_000


def test_bad_quotes_can_be_left_out(tmp_path: Path) -> None:
    rows = read(tmp_path, 'a,b\n1,"x"y\n2,3\n', on_bad_row="skip")
    assert rows == [{"a": 2, "b": 3}]


def test_a_long_field_is_no_problem(tmp_path: Path) -> None:
    rows = read(tmp_path, "a,b\n1," + "x" * 300_000 + "\n")
    assert len(rows[0]["b"]) == 300_000


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeftError) as caught:
        list(ReadCsv(path=str(tmp_path)).process())
    assert caught.value.code == "file.is_folder"


def test_rows_come_one_after_the_other(tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    path.write_bytes(codecs.BOM_UTF8 + b"n\n" + b"".join(b"%d\n" % n for n in range(200_000)))
    rows = ReadCsv(path=str(path)).process()
    assert [next(rows)["n"] for _ in range(3)] == [0, 1, 2]
    rows.close()


def test_a_quotation_mark_that_never_closes_costs_one_line(tmp_path: Path) -> None:
    rows = "".join(f"{number},text\n" for number in range(2, 500))
    content = f'id,city\n1,"Cork\n{rows}'

    assert len(read(tmp_path, content, on_bad_row="skip")) == 498


def test_a_header_that_cannot_be_read_is_not_passed_over(tmp_path: Path) -> None:
    error = failure(tmp_path, '"id"x,city\n1,Cork\n2,Leeds\n', on_bad_row="skip")

    assert error.code == "csv.bad_quotes"


def test_it_says_once_which_lines_were_left_out(tmp_path: Path) -> None:
    said: list[str] = []
    path = tmp_path / "data.csv"
    path.write_text("id,city\n" + '1,"x"y\n2\n3,Bonn\n' * 20)
    reader = CsvReader(path, CsvOptions(on_bad_row="skip"), shown="data.csv", warn=said.append)

    assert len(list(reader.rows())) == 20
    assert [line.split(" was ")[0] for line in said[:5]] == [
        "Line 2", "Line 3", "Line 5", "Line 6", "Line 8",
    ]  # fmt: skip
    assert said[5:] == ["40 lines were left out in all."]


def test_a_column_called_extra_is_kept(tmp_path: Path) -> None:
    rows = read(tmp_path, "_extra,b\n1,2\n4,5,6\n", on_bad_row="keep")

    assert rows == [{"_extra": 1, "b": 2}, {"_extra": 4, "b": 5, "_extra_2": ["6"]}]


def test_many_columns_of_one_name(tmp_path: Path) -> None:
    (row,) = read(tmp_path, ",".join(["c"] * 20_000) + "\n" + ",".join(["1"] * 20_000) + "\n")

    assert list(row)[:2] == ["c", "c_2"]
    assert len(row) == 20_000


def test_a_line_without_end_is_not_read_into_memory(tmp_path: Path) -> None:
    tracemalloc.start()
    try:
        error = failure(tmp_path, b"a,b\n" + b"1," * 30_000_000)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert error.code == "csv.field_too_large"
    assert most < 100_000_000 + 2 * 30_000_000  # the test itself holds the content
