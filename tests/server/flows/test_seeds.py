"""The examples in the first workspace."""

import logging
import re
from pathlib import Path

import pytest
import yaml

from tests.server.support import PASSWORD, Server
from weft_engine.compiler.calling import calls_of
from weft_engine.compiler.check import check
from weft_engine.flow.dump import to_data
from weft_engine.nodes.catalogue import Catalogue
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


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_example_has_no_problems_in_each_language(language: str) -> None:
    """What calls another example calls it by its name in that language."""
    assert FOLDER is not None
    flows = {flow.name: flow for flow in read_examples(FOLDER, language)}
    assert len(flows) == len(INDEX)
    plain = {name: to_data(flow) for name, flow in flows.items()}
    for flow in flows.values():
        assert check(flow, Catalogue.installed(), flows=plain) == []
    called = {name for each in plain.values() for name in calls_of(each)}
    assert called
    assert called <= set(flows)


CHINESE = re.compile(r"[\u4e00-\u9fff]")
SHOWN = {"title", "template", "message"}
"""Settings with text that people read."""


@pytest.mark.parametrize("number", range(len(INDEX)), ids=[entry["file"] for entry in INDEX])
def test_in_chinese_every_text_is(number: int) -> None:
    assert FOLDER is not None
    flow = list(read_examples(FOLDER, "zh"))[number]
    texts = {key: node.name or "" for key, node in flow.nodes.items()}
    texts |= {f"note {key}": note.text for key, note in flow.notes.items()}
    texts |= {f"input {key}": given.description or "" for key, given in flow.inputs.items()}
    for key, node in flow.nodes.items():
        texts |= {f"{key}.{name}": str(node.settings[name]) for name in SHOWN & set(node.settings)}
    assert [key for key, text in texts.items() if not CHINESE.search(text)] == []


@pytest.mark.parametrize(
    "texts",
    ["good.yaml: {nodes: {gone: X}}", "good.yaml: 5", "good.yaml: {nodes: {n: 5}}"],
    ids=["names a node that is not there", "is no texts", "a name that is none"],
)
def test_texts_that_do_not_fit_leave_the_example_out(
    texts: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "good.yaml").write_text(
        "{format: weft/1, name: Good, nodes: {n: {type: show.table}}}"
    )
    (tmp_path / "index.yaml").write_text("[{file: good.yaml, name: Good}]")
    (tmp_path / "languages").mkdir()
    (tmp_path / "languages" / "zh.yaml").write_text(texts)
    assert len(list(read_examples(tmp_path, "en"))) == 1
    with caplog.at_level(logging.WARNING):
        assert list(read_examples(tmp_path, "zh")) == []
    assert "good.yaml" in caplog.text


@pytest.mark.parametrize("texts", ["a: [", "5", ""])
def test_texts_that_cannot_be_read_leave_examples_as_they_are(texts: str, tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text("{format: weft/1, name: Good, nodes: {}}")
    (tmp_path / "index.yaml").write_text("[{file: good.yaml, name: Good}]")
    (tmp_path / "languages").mkdir()
    (tmp_path / "languages" / "zh.yaml").write_text(texts)
    assert [flow.name for flow in read_examples(tmp_path, "zh")] == ["Good"]


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
