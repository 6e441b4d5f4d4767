"""Which files a flow may use."""

from pathlib import Path

import pytest

from weft_engine.errors import WeftError
from weft_engine.runs.files import LocalFiles


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "outside.txt").write_text("secret")
    (tmp_path / "beside").mkdir()
    folder = tmp_path / "root"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "sales.csv").write_text("a")
    (folder / "link").symlink_to(tmp_path / "outside.txt")
    (folder / "link_folder").symlink_to(tmp_path)
    (folder / "inner").symlink_to(folder / "data" / "sales.csv")
    (folder / "loop").symlink_to(folder / "loop")
    return folder


@pytest.mark.parametrize(
    "path", ["data/sales.csv", "./data/../data/sales.csv", "inner", "data", ""]
)
def test_files_below_the_root_are_read(root: Path, path: str) -> None:
    found = LocalFiles(root, confined=True).open_read(path)
    assert found.is_relative_to(root.resolve())
    assert found.exists()


def test_an_absolute_path_below_the_root_is_read(root: Path) -> None:
    path = root / "data" / "sales.csv"
    assert LocalFiles(root, confined=True).open_read(str(path)) == path.resolve()


@pytest.mark.parametrize(
    "path",
    [
        "../outside.txt",
        "data/../../outside.txt",
        "link",
        "link_folder/outside.txt",
        "/etc/passwd",
        "~/x",
        "../root_other/x",
        "../beside",
    ],
)
def test_nothing_outside_is_read_or_written(root: Path, path: str) -> None:
    files = LocalFiles(root, confined=True)
    expected = "file.not_found" if path == "~/x" else "file.outside_root"
    with pytest.raises(WeftError) as caught:
        files.open_read(path)
    assert caught.value.code == expected
    if path != "~/x":
        with pytest.raises(WeftError) as caught:
            files.open_write(path)
        assert caught.value.code == "file.outside_root"
    assert (root.parent / "outside.txt").read_text() == "secret"


def test_new_folders_are_made_on_the_way(root: Path) -> None:
    found = LocalFiles(root, confined=True).open_write("out/2025/report.csv")
    assert found.parent.is_dir()
    assert not found.exists()


def test_a_folder_is_not_made_outside(root: Path) -> None:
    with pytest.raises(WeftError):
        LocalFiles(root, confined=True).open_write("link_folder/new/x.csv")
    assert not (root.parent / "new").exists()


@pytest.mark.parametrize("path", ["data/sales.cvs", "nothing", "loop", "a\0b"])
def test_a_missing_file_is_named(root: Path, path: str) -> None:
    with pytest.raises(WeftError) as caught:
        LocalFiles(root, confined=True).open_read(path)
    assert caught.value.code == "file.not_found"
    if path == "data/sales.cvs":
        assert "sales.csv" in caught.value.hint


@pytest.mark.parametrize("path", ["x" * 300, "a\ud800b"], ids=["long", "half a character"])
def test_a_path_that_the_system_refuses(root: Path, path: str) -> None:
    files = LocalFiles(root, confined=True)
    for opened in (files.open_read, files.open_write):
        with pytest.raises(WeftError) as caught:
            opened(path)
        assert caught.value.code == "file.not_found"
        assert str(root) not in caught.value.message


def test_without_confinement_any_file_is_read(root: Path) -> None:
    files = LocalFiles(root, confined=False)
    assert files.open_read("../outside.txt").read_text() == "secret"
    assert files.open_read(str(root.parent / "outside.txt")).read_text() == "secret"


def test_a_file_in_the_way_of_a_folder(root: Path) -> None:
    with pytest.raises(WeftError) as caught:
        LocalFiles(root, confined=True).open_write("data/sales.csv/x.csv")
    assert caught.value.code == "file.permission"
