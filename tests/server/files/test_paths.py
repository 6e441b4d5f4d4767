"""Paths that lead astray are answered with a code, by every route, and touch nothing."""

from pathlib import Path

import pytest

from tests.server.files.conftest import Workspace

OUTSIDE = [
    "../x.txt",
    "..",
    "a/../../x.txt",
    "a/../../../../../../etc/passwd",
    "/etc/passwd",
    "//etc/passwd",
    "out/x.txt",
    "out/../x.txt",
    "chain/x.txt",
    "./../x.txt",
]
BAD = [
    "",
    ".",
    "a\0.txt",
    "\0",
    "n" * 256,
    "界" * 86,
    "/".join(["d" * 100] * 11),
    "d/" * 40 + "x",
]
BAD_NEW = [
    *BAD,
    "a/",
    "a\nb.txt",
    "a\x7f.txt",
    "a\u202etxt.exe",
    "..\\x.txt",
    "C:\\x.txt",
    "CON",
    "nul.csv",
    "com1.txt",
    "folder/LPT9",
    " a.txt",
    "a.txt ",
    "a.",
    "a./b",
    ".weft-00ff.tmp",
]


def snapshot(*folders: Path) -> list[str]:
    return sorted(str(path) for folder in folders for path in folder.rglob("*"))


@pytest.fixture
def outside(space: Workspace, tmp_path: Path) -> Path:
    """A folder outside, with links to it from inside."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "x.txt").write_text("secret")
    (space.root.parent / "x.txt").write_text("secret")
    (space.root / "a").mkdir()
    (space.root / "out").symlink_to(folder)
    (space.root / "chain").symlink_to("out")
    return folder


@pytest.mark.parametrize("path", OUTSIDE)
def test_nothing_outside_is_reached(space: Workspace, outside: Path, path: str) -> None:
    before = snapshot(outside, space.root.parent)
    answers = [
        space.get(path),
        space.look(path),
        space.put(path, b"taken over"),
        space.put(path, b"taken over", overwrite=True),
        space.delete(path),
    ]
    for answer in answers:
        assert answer.status_code in {404, 409, 422}, answer.text
        assert answer.json()["code"] in {"file.outside_root", "file.bad_path"}, answer.text
        assert "secret" not in answer.text
    assert snapshot(outside, space.root.parent) == before
    assert (outside / "x.txt").read_text() == "secret"


def test_a_neighbour_with_a_longer_name_is_outside(space: Workspace) -> None:
    neighbour = space.root.with_name(f"{space.root.name}x")
    neighbour.mkdir()
    answer = space.put(f"../{neighbour.name}/a.txt", b"a")
    assert answer.json()["code"] == "file.outside_root"
    assert not list(neighbour.iterdir())


@pytest.mark.parametrize("path", BAD_NEW, ids=ascii)
def test_no_file_is_named_so(space: Workspace, path: str) -> None:
    answer = space.put(path, b"x")
    # No address may have a NUL, whatever it is of.
    expected = (400, "request.malformed") if "\0" in path else (422, "file.bad_path")
    assert (answer.status_code, answer.json()["code"]) == expected, answer.text
    assert snapshot(space.root) == []
    assert not space.arriving


@pytest.mark.parametrize("path", BAD, ids=ascii)
def test_a_strange_path_is_answered_with_a_code(space: Workspace, path: str) -> None:
    for answer in (space.get(path), space.delete(path)):
        if "\0" in path:
            assert answer.json()["code"] == "request.malformed", answer.text
            continue
        assert answer.status_code in {404, 409, 422}, answer.text
        assert answer.json()["code"].startswith("file."), answer.text
    listed = space.look(path)
    assert listed.status_code in ({400} if "\0" in path else {200, 404, 422})


RAW = [
    "%ff.txt",
    "%ed%a0%80",
    "%c0%ae%c0%ae/x",
    "%2e%2e%2fx.txt",
    "%00",
    "a%0d%0ab",
    "%252e%252e/x",
]


@pytest.mark.parametrize("query", RAW)
def test_encoded_tricks_break_nothing(space: Workspace, outside: Path, query: str) -> None:
    for who, method, url in (
        ("viewer", "GET", space.url),
        ("viewer", "GET", f"{space.url}/content"),
        ("editor", "PUT", f"{space.url}/content"),
        ("editor", "DELETE", space.url),
    ):
        answer = space.client(who).request(method, f"{url}?path={query}")
        assert answer.status_code < 500, answer.text
    assert (space.root.parent / "x.txt").read_text() == "secret"


def test_a_file_is_no_folder(space: Workspace) -> None:
    space.put("a.txt", b"a")
    for answer in (space.put("a.txt/b/c.txt", b"b"), space.look("a.txt")):
        assert (answer.status_code, answer.json()["code"]) == (409, "file.not_folder")
    assert space.get("a.txt/b").json()["code"] == "file.not_found"


def test_a_folder_is_no_file(space: Workspace) -> None:
    space.put("folder/a.txt", b"a")
    for answer in (
        space.get("folder"),
        space.put("folder", b"b"),
        space.put("folder", b"b", overwrite=True),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "file.is_folder")
    assert space.get("").json()["code"] == "file.is_folder"


def test_a_link_inside_may_be_written_through(space: Workspace) -> None:
    space.put("real.txt", b"old")
    (space.root / "link.txt").symlink_to("real.txt")
    assert space.put("link.txt", b"new", overwrite=True).json()["path"] == "real.txt"
    assert (space.root / "real.txt").read_bytes() == b"new"
    assert (space.root / "link.txt").is_symlink()
