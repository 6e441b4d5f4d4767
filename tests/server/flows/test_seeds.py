"""The examples in the first workspace."""

import logging
from pathlib import Path

import pytest
import yaml

from tests.server.support import PASSWORD, Server
from weft_server.flows.seeds import copy_example_data, examples_folder, read_examples

FOLDER = examples_folder()
INDEX = yaml.safe_load((FOLDER / "index.yaml").read_text()) if FOLDER else []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_first_workspace_has_every_example(empty_server: Server, language: str) -> None:
    token = empty_server.settings.setup_token_file.read_text().strip()
    body = {
        "token": token,
        "email": "a@example.org",
        "name": "A",
        "password": PASSWORD,
        "language": language,
    }
    client = empty_server.client()
    session = client.post("/api/setup", json=body).json()
    items = client.get("/api/flows").json()["items"]
    assert [item["name"] for item in items] == [entry["name"][language] for entry in INDEX]
    assert len(items) >= 6
    assert all(item["preview"]["nodes"] for item in items)
    files = empty_server.settings.files / session["workspaces"][0]["id"]
    assert FOLDER is not None
    for path in (FOLDER / "data").iterdir():
        assert (files / "examples" / "data" / path.name).exists()


def test_what_cannot_be_read_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "good.yaml").write_text("{format: weft/1, name: Good, nodes: {}}")
    (tmp_path / "bad.yaml").write_text("nodes: [")
    entries = [{"file": name, "name": {"en": name}} for name in ("gone.yaml", "bad.yaml")]
    entries.append({"file": "good.yaml", "name": {"en": "Good", "zh": "好"}})
    (tmp_path / "index.yaml").write_text(yaml.safe_dump([*entries, "x", {"name": "no file"}]))
    with caplog.at_level(logging.WARNING):
        read = list(read_examples(tmp_path, "zh"))
    assert [flow.name for flow in read] == ["好"]
    assert "gone.yaml" in caplog.text
    assert "bad.yaml" in caplog.text


@pytest.mark.parametrize("text", [None, "a: [", "5", "{examples: 7}"])
def test_a_broken_index_is_no_examples(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "index.yaml").write_text(text)
    assert list(read_examples(tmp_path, "en")) == []


def test_missing_data_is_no_failure(tmp_path: Path) -> None:
    copy_example_data(tmp_path, tmp_path / "files")
    assert not (tmp_path / "files").exists()
