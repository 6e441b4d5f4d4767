"""Texts, lines, documents and JSON from files, and files written whole or not at all."""

import errno
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from weft_engine.errors import WeftError
from weft_engine.kernel.environment import LocalEnvironment
from weft_engine.library.files_json import ReadJson
from weft_engine.library.files_text import ReadDocuments, ReadLines, ReadText
from weft_engine.library.files_write import WriteFile
from weft_engine.library.flow_io import FlowInput


@pytest.fixture
def file(tmp_path: Path) -> Any:
    def make(content: str | bytes, name: str = "data.txt") -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return make


def code_of(work: Any) -> str:
    with pytest.raises(WeftError) as caught:
        work()
    assert caught.value.hint
    return caught.value.code


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("one\r\ntwo\n", "one\ntwo\n"),
        (b"\xef\xbb\xbfmark", "mark"),
        ("中文内容测试".encode("gb18030"), "中文内容测试"),
        ("wide".encode("utf-16"), "wide"),
        ("", ""),
    ],
)
def test_read_text(file: Any, content: str | bytes, expected: str) -> None:
    assert ReadText(path=file(content)).process() == expected


def test_a_large_text_is_refused(file: Any) -> None:
    path = file("x" * 1_100_000)
    assert code_of(lambda: ReadText(path=path, max_megabytes=1).process()) == "file.too_large"


def test_read_lines(file: Any) -> None:
    path = file("a\r\n\n  \nb\nc")
    assert list(ReadLines(path=path).process()) == ["a", "b", "c"]
    assert list(ReadLines(path=path, skip_empty=False).process()) == ["a", "", "  ", "b", "c"]
    assert list(ReadLines(path=path, limit=2).process()) == ["a", "b"]


def test_a_line_without_end_is_refused(file: Any) -> None:
    path = file("x" * 10_000_001)
    assert code_of(lambda: list(ReadLines(path=path).process())) == "file.too_large"


def test_bad_bytes_in_lines_are_coded(file: Any) -> None:
    path = file(b"good\n" * 10 + b"\xff\xff\n")
    assert code_of(lambda: list(ReadLines(path=path, encoding="utf-8").process())) == (
        "file.bad_encoding"
    )


@pytest.fixture
def folder(file: Any, tmp_path: Path) -> str:
    file("# Tents\n\nDry them.", "docs/b.md")
    file("no heading", "docs/a.txt")
    file("# 炉具\n\n安全", "docs/deep/炉具.md")
    file("{}", "docs/other.json")
    return str(tmp_path / "docs")


@pytest.mark.parametrize(
    ("path", "settings", "expected"),
    [
        pytest.param("", {}, ["a.txt", "b.md", "deep/炉具.md"], id="folder"),
        pytest.param("/*.md", {}, ["b.md"], id="pattern"),
        pytest.param("/**/*.md", {}, ["b.md", "deep/炉具.md"], id="deep pattern"),
        pytest.param("", {"extensions": [".json"]}, ["other.json"], id="extensions"),
        pytest.param("", {"limit": 1}, ["a.txt"], id="limit"),
        pytest.param("/b.md", {}, ["b.md"], id="one file"),
    ],
)
def test_read_documents(folder: str, path: str, settings: Any, expected: list[str]) -> None:
    documents = list(ReadDocuments(path=folder + path, **settings).process())
    assert [document["id"] for document in documents] == expected


def test_documents_have_titles(folder: str) -> None:
    titles = [d["metadata"]["title"] for d in ReadDocuments(path=folder).process()]
    assert titles == ["a", "Tents", "炉具"]


def test_a_pattern_only_leads_down(folder: str) -> None:
    error = code_of(lambda: list(ReadDocuments(path=f"{folder}/*/../../*").process()))

    assert error == "file.outside_root"


def test_no_document_is_an_error(folder: str) -> None:
    node = ReadDocuments(path=folder + "/*.pdf")
    assert code_of(lambda: list(node.process())) == "file.no_match"


@pytest.mark.parametrize(
    ("content", "name", "settings", "expected"),
    [
        pytest.param('[{"a": 1}, {"a": 2}]', "x.json", {}, [{"a": 1}, {"a": 2}], id="list"),
        pytest.param('{"a": 1}', "x.json", {}, [{"a": 1}], id="object"),
        pytest.param("[1, null]", "x.json", {}, [{"value": 1}, {"value": None}], id="plain"),
        pytest.param('{"d": {"i": [{"a": 1}]}}', "x.json", {"records": "d.i"}, [{"a": 1}],
                     id="inside"),
        pytest.param('{"a": 1}\n\n{"a": 2}\n', "x.jsonl", {}, [{"a": 1}, {"a": 2}], id="lines"),
        pytest.param('{"a": 1}\n{"a": 2}', "x.log", {"format": "jsonl", "limit": 1}, [{"a": 1}],
                     id="lines by setting, limit"),
        pytest.param("[]", "x.json", {}, [], id="empty list"),
        pytest.param(b'\xef\xbb\xbf[{"a": 1}]', "x.json", {}, [{"a": 1}], id="mark"),
    ],
)  # fmt: skip
def test_read_json(
    file: Any, content: str | bytes, name: str, settings: Any, expected: list[Any]
) -> None:
    assert list(ReadJson(path=file(content, name), **settings).process()) == expected


@pytest.mark.parametrize(
    ("content", "name", "settings", "code"),
    [
        pytest.param("", "x.json", {}, "json.malformed", id="empty"),
        pytest.param('{"a": ', "x.json", {}, "json.malformed", id="cut off"),
        pytest.param("[NaN]", "x.json", {}, "json.malformed", id="nan"),
        pytest.param("[" * 100_000, "x.json", {}, "json.malformed", id="too deep"),
        pytest.param('{"a": 1}\n{"a"', "x.jsonl", {}, "json.malformed", id="bad line"),
        pytest.param('{"items": []}', "x.json", {"records": "itms"}, "data.unknown_column",
                     id="path"),
    ],
)  # fmt: skip
def test_bad_json(file: Any, content: str, name: str, settings: Any, code: str) -> None:
    node = ReadJson(path=file(content, name), **settings)
    assert code_of(lambda: list(node.process())) == code


def test_a_bad_line_is_named(file: Any) -> None:
    with pytest.raises(WeftError, match="line 2"):
        list(ReadJson(path=file('{"a": 1}\n{"a"', "x.jsonl")).process())


ROWS = [{"id": "007", "name": 'Ada "A"', "n": 1.5}, {"id": "008", "name": None, "n": 2}]


def write(tmp_path: Path, records: Any, name: str, **settings: Any) -> str:
    env = LocalEnvironment(batch_size=1)
    target = tmp_path / name
    stream = env.from_source(lambda: iter(records) if isinstance(records, list) else records())
    (answer,) = env.run(WriteFile(path=str(target), **settings).build(stream))
    assert answer["size"] == target.stat().st_size
    return target.read_bytes().decode("utf-8" if "encoding" not in settings else "utf-8-sig")


@pytest.mark.parametrize(
    ("name", "settings", "records", "expected"),
    [
        pytest.param("x.csv", {}, ROWS, 'id,name,n\n007,"Ada ""A""",1.5\n008,,2\n', id="csv"),
        pytest.param("x.csv", {"delimiter": ";"}, ROWS[1:], "id;name;n\n008;;2\n", id="delimiter"),
        pytest.param("x.tsv", {}, ROWS[1:], "id\tname\tn\n008\t\t2\n", id="tsv"),
        pytest.param("x.csv", {"columns": ["n", "id"]}, ROWS[1:], "n,id\n2,008\n", id="columns"),
        pytest.param("x.csv", {}, [{"a": True, "b": [1, "é"]}], 'a,b\ntrue,"[1, ""é""]"\n',
                     id="nested values"),
        pytest.param("x.csv", {}, [], "", id="csv of nothing"),
        pytest.param("x.csv", {"columns": ["a"]}, [], "a\n", id="header of nothing"),
        pytest.param("x.json", {}, [{"a": "é"}, 2], '[\n{"a": "é"},\n2\n]\n', id="json"),
        pytest.param("x.json", {}, [], "[]\n", id="json of nothing"),
        pytest.param("x.jsonl", {}, [{"a": 1}, "b"], '{"a": 1}\n"b"\n', id="jsonl"),
        pytest.param("x.txt", {}, ["a", 1, {"text": "t", "id": 2}, {"only": "o"}], "a\n1\nt\no\n",
                     id="text"),
        pytest.param("deep/er/x.txt", {}, ["a"], "a\n", id="folders are made"),
        pytest.param("x.dat", {"format": "csv"}, [{"a": 1}], "a\n1\n", id="format set"),
        pytest.param("x.csv", {"encoding": "utf-8 with BOM"}, [{"a": "é"}], "a\né\n", id="mark"),
    ],
)  # fmt: skip
def test_write(tmp_path: Path, name: str, settings: Any, records: Any, expected: str) -> None:
    assert write(tmp_path, records, name, **settings) == expected
    assert [path.name for path in (tmp_path / name).parent.iterdir() if path.is_file()] == [
        Path(name).name
    ]


def caught_in(tmp_path: Path, records: Any, name: str, **settings: Any) -> WeftError:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the cause is what counts
        write(tmp_path, records, name, **settings)
    cause = caught.value.__cause__ or caught.value
    assert isinstance(cause, WeftError), cause
    return cause


@pytest.mark.parametrize(
    ("name", "settings", "records", "code"),
    [
        pytest.param("x.csv", {}, ["text"], "data.not_a_row", id="text as csv"),
        pytest.param("x.csv", {}, [{"a": 1}, {"b": 1}], "file.bad_record", id="new column"),
        pytest.param("x.csv", {"columns": ["b"]}, [{"a": 1}], "data.unknown_column", id="column"),
        pytest.param("x.txt", {}, [{"a": 1, "b": 2}], "file.bad_record", id="row as text"),
        pytest.param("x.json", {}, [{"a": float("nan")}], "file.bad_record", id="nan"),
        pytest.param("x.json", {}, [{"a": "\ud800"}], "file.bad_record", id="half a character"),
        pytest.param(
            "x.csv", {"encoding": "gb18030"}, [{"a": "\ud800"}], "file.bad_record", id="in gb18030"
        ),
    ],
)
def test_what_cannot_be_written_leaves_the_old_file(
    tmp_path: Path, name: str, settings: Any, records: Any, code: str
) -> None:
    (tmp_path / name).write_text("old")
    assert caught_in(tmp_path, records, name, **settings).code == code
    assert (tmp_path / name).read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("weft_engine.library.files_write.os.fsync", full)
    (tmp_path / "x.csv").write_text("old")
    error = caught_in(tmp_path, ROWS, "x.csv")

    assert (error.code, error.params["errno"]) == ("resource.failed", errno.ENOSPC)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_a_source_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def records() -> Iterator[dict[str, int]]:
        yield {"a": 1}
        raise RuntimeError("the source broke")

    with pytest.raises(Exception, match=r"."):
        write(tmp_path, records, "x.csv")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_can_be_kept(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("old")
    assert caught_in(tmp_path, ROWS, "x.csv", if_exists="fail").code == "file.exists"
    assert (tmp_path / "x.csv").read_text() == "old"


def test_a_folder_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "x.csv").mkdir()
    assert caught_in(tmp_path, ROWS, "x.csv").code == "file.is_folder"


def test_permissions_stay(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("old")
    (tmp_path / "x.csv").chmod(0o640)
    write(tmp_path, ROWS, "x.csv")
    assert (tmp_path / "x.csv").stat().st_mode & 0o777 == 0o640


def test_what_is_written_can_be_read_again(tmp_path: Path) -> None:
    write(tmp_path, ROWS, "x.jsonl")
    assert list(ReadJson(path=str(tmp_path / "x.jsonl")).process()) == ROWS
    assert json.loads(write(tmp_path, ROWS, "x.json")) == ROWS


def test_flow_input_without_a_value_is_an_error() -> None:
    assert code_of(lambda: FlowInput(name="city").process()) == "input.missing"
