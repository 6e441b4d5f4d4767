"""Files over HTTP: who may do what, what is listed, and what comes back."""

import os
from pathlib import Path

import pytest

from tests.server.files.conftest import Workspace


def test_what_is_put_is_listed_and_comes_back(space: Workspace) -> None:
    content = b"id,name\n1,\xe5\xbc\xa0\n"
    answer = space.put("sales/2024/orders.csv", content)
    assert answer.status_code == 200, answer.text
    info = answer.json()
    assert (info["name"], info["path"]) == ("orders.csv", "sales/2024/orders.csv")
    assert (info["kind"], info["size"]) == ("file", len(content))
    assert space.look("sales/2024").json() == {"items": [info], "next_cursor": None}
    (folder,) = space.look().json()["items"]
    assert (folder["kind"], folder["path"], folder["size"]) == ("folder", "sales", None)
    assert (space.root / "sales/2024/orders.csv").read_bytes() == content
    assert space.get("sales/2024/orders.csv").content == content


def test_a_download_is_never_a_page(space: Workspace) -> None:
    space.put('报告 "x".html', b"<script>alert(1)</script>")
    answer = space.get('报告 "x".html')
    headers = answer.headers
    assert headers["content-type"] == "application/octet-stream"
    assert headers["content-disposition"].startswith("attachment; filename*=UTF-8''%E6%8A%A5")
    assert headers["x-content-type-options"] == "nosniff"
    assert any("sandbox" in value for value in headers.get_list("content-security-policy"))
    assert headers["content-length"] == str(len(answer.content))
    assert headers["cache-control"] == "no-store"


def test_an_empty_file_is_a_file(space: Workspace) -> None:
    assert space.put("empty.txt", b"").json()["size"] == 0
    assert space.get("empty.txt").content == b""


ROLES = [
    ("nobody", 401, 401, 401),
    ("stranger", 404, 404, 404),
    ("viewer", 200, 403, 403),
    ("editor", 200, 200, 204),
    ("owner", 200, 200, 204),
]


@pytest.mark.parametrize(("who", "look", "write", "remove"), ROLES, ids=[row[0] for row in ROLES])
def test_roles(space: Workspace, who: str, look: int, write: int, remove: int) -> None:
    (space.root / "a.txt").write_text("a")
    assert space.look(who=who).status_code == look
    assert space.get("a.txt", who=who).status_code == look
    assert space.put("b.txt", b"b", who=who).status_code == write
    assert space.delete("a.txt", who=who).status_code == remove
    assert (space.root / "b.txt").exists() == (write == 200)
    assert (space.root / "a.txt").exists() == (remove != 204)


def test_a_stranger_learns_nothing_from_paths(space: Workspace) -> None:
    (space.root / "a.txt").write_text("a")
    for path in ("a.txt", "b.txt", "../x", ""):
        assert space.get(path, who="stranger").json()["code"] == "workspace.not_found"
        assert space.put(path, b"", who="stranger").json()["code"] == "workspace.not_found"


def test_a_page_needs_the_token_of_its_session(space: Workspace) -> None:
    client = space.client()
    client.headers.pop("X-CSRF-Token")
    answer = client.put(f"{space.url}/content", params={"path": "a.txt"}, content=b"a")
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.csrf")
    assert not space.names()


def test_pages_follow_each_other_without_gaps(space: Workspace) -> None:
    expected = ["Alpha", "beta", "A.csv", "a.csv", "b.csv", "é.csv", "数据.csv"]
    for name in expected[:2]:
        (space.root / name).mkdir()
    for name in expected[2:]:
        (space.root / name).write_text("")
    found: list[str] = []
    cursor: str | None = None
    while True:
        params = {"cursor": cursor} if cursor else {}
        page = space.look(limit=2, **params).json()
        found += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        assert len(page["items"]) == 2
    assert found == expected
    assert space.names(query="A.C") == ["A.csv", "a.csv"]
    assert space.names(query="数据") == ["数据.csv"]
    assert space.names(query="*") == []


@pytest.mark.parametrize("cursor", ["x", "W10", "WzUsICJhIl0", "%%%", "é" * 20, "W1swXSwgMV0"])
def test_a_foreign_cursor_is_refused(space: Workspace, cursor: str) -> None:
    answer = space.look(cursor=cursor)
    assert (answer.status_code, answer.json()["code"]) == (400, "request.bad_cursor")


def test_only_files_and_folders_that_flows_can_use_are_listed(
    space: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("secret")
    (space.root / "real.txt").write_text("real")
    (space.root / "outside").symlink_to(tmp_path)
    (space.root / "broken").symlink_to("nothing")
    (space.root / "circle").symlink_to("circle")
    (space.root / "inside").symlink_to("real.txt")
    (space.root / ".weft-00ff.tmp").write_text("half")
    os.mkfifo(space.root / "pipe")
    (Path(os.fsencode(space.root).decode()) / os.fsdecode(b"\xff.csv")).write_text("")
    assert space.names() == ["inside", "real.txt"]
    assert space.get("inside").content == b"real"
    assert space.get("pipe").json()["code"] == "file.not_found"
    assert space.get("circle").json()["code"] == "file.not_found"


def test_a_file_from_the_far_future_is_listed(space: Workspace) -> None:
    (space.root / "a.txt").write_text("")
    for moment in (10**10, 2**40, -(10**9)):
        os.utime(space.root / "a.txt", (moment, moment))
        assert space.names() == ["a.txt"]


def test_delete(space: Workspace) -> None:
    space.put("folder/a.txt", b"a")
    answer = space.delete("folder")
    assert (answer.status_code, answer.json()["code"]) == (409, "file.folder_not_empty")
    assert space.delete("folder/a.txt").status_code == 204
    assert space.delete("folder").status_code == 204
    answer = space.delete("folder")
    assert (answer.status_code, answer.json()["code"]) == (404, "file.not_found")
    assert space.root.exists()


def test_deleting_a_link_spares_what_it_leads_to(space: Workspace, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("1")
    (space.root / "out").symlink_to(tmp_path / "precious")
    (space.root / "real.txt").write_text("1")
    (space.root / "in").symlink_to("real.txt")
    (space.root / "circle").symlink_to("circle")
    for name in ("out", "in", "circle"):
        assert space.delete(name).status_code == 204
    assert (tmp_path / "precious").exists()
    assert space.names() == ["real.txt"]


def test_an_accent_has_one_form(space: Workspace) -> None:
    """As macOS sends it, and as a person types it into a setting."""
    assert space.put("Cafe\u0301.csv", b"a").json()["path"] == "Caf\u00e9.csv"
    assert space.get("Caf\u00e9.csv").content == b"a"


def test_a_workspace_that_never_had_files(space: Workspace) -> None:
    space.root.rmdir()
    assert space.look().json() == {"items": [], "next_cursor": None}
    assert space.get("a.txt").json()["code"] == "file.not_found"
    assert space.put("a.txt", b"a").status_code == 200
    assert space.names() == ["a.txt"]
