"""People's own data: brought by the picker or by dropping it, read by a flow, taken back."""

import base64
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Desk, Team
from tests.browser.editor import node, node_ids, ready, saved

pytestmark = pytest.mark.browser

THERE_ALREADY = r"409 PUT /api/workspaces/\w+/files/content\?path=cities.csv&overwrite=false"
ROWS = "city,amount\n" + "".join(f"城市 {number},{number * 10}\n" for number in range(1, 41))


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "cities.csv"
    path.write_text(ROWS)
    return path


@pytest.fixture
def flow(team: Team) -> Iterator[str]:
    """A flow that reads a CSV, not yet said which, and shows it."""
    nodes = {
        "read": {
            "type": "file.read_csv",
            "settings": {"path": "missing.csv"},
            "position": {"x": 0, "y": 0},
        },
        "show": {"type": "show.table", "position": {"x": 320, "y": 0}},
    }
    edge = {"source": "read", "source_port": "rows", "target": "show", "target_port": "rows"}
    definition = {"format": "weft/1", "name": "Cities", "nodes": nodes, "edges": [edge]}
    made = team.weft.call("POST", "/flows", {"flow": definition}, team.owner)
    yield str(made["id"])
    for file in files_of(team):
        if not file["name"].startswith("examples"):
            remove(team, file)


def files_of(team: Team, path: str = "") -> list[dict[str, Any]]:
    url = f"/workspaces/{team.weft.workspace}/files?path={path}"
    items: list[dict[str, Any]] = team.weft.call("GET", url, None, team.owner)["items"]
    return items


def remove(team: Team, file: dict[str, Any]) -> None:
    if file["kind"] == "folder":
        for inside in files_of(team, file["path"]):
            remove(team, inside)
    url = f"/workspaces/{team.weft.workspace}/files?path={file['path']}"
    team.weft.call("DELETE", url, None, team.owner)


def definition(team: Team, flow: str) -> Any:
    return team.weft.call("GET", f"/flows/{flow}/definition", None, team.owner)


def browse(page: Page, flow: str) -> Locator:
    page.goto(f"/flows/{flow}")
    ready(page)
    node(page, "read").click()
    page.get_by_test_id("setting-path").get_by_test_id("browse-files").click()
    picker = page.get_by_role("dialog")
    expect(picker).to_be_visible()
    return picker


def entry(picker: Locator, path: str) -> Locator:
    return picker.locator(f'[data-testid="file"][data-path="{path}"]')


def drop(page: Page, target: Locator, *files: tuple[str, str]) -> None:
    """What the browser tells when files are dropped from the desktop."""
    given = [[name, base64.b64encode(text.encode()).decode()] for name, text in files]
    transfer = page.evaluate_handle(
        """(files) => {
          const transfer = new DataTransfer();
          for (const [name, text] of files) {
            const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
            transfer.items.add(new File([bytes], name));
          }
          return transfer;
        }""",
        given,
    )
    box = target.bounding_box()
    assert box is not None
    at = {"clientX": box["x"] + box["width"] / 2, "clientY": box["y"] + box["height"] * 0.7}
    for kind in ("dragenter", "dragover", "drop"):
        target.dispatch_event(kind, {"dataTransfer": transfer, **at})


def test_a_table_from_a_file_of_ones_own(desk: Desk, team: Team, flow: str, csv: Path) -> None:
    page = desk.open(team.editor)
    picker = browse(page, flow)
    picker.locator('input[type="file"]').set_input_files(csv)
    row = entry(picker, "cities.csv")
    expect(row).to_have_attribute("data-chosen", "true")
    picker.get_by_test_id("choose-file").click()
    expect(picker).not_to_be_visible()
    expect(page.get_by_test_id("setting-path").locator("input")).to_have_value("cities.csv")
    saved(page)
    assert definition(team, flow)["nodes"]["read"]["settings"]["path"] == "cities.csv"

    page.get_by_test_id("run-button").click()
    expect(node(page, "show")).to_have_attribute("data-state", "completed")
    node(page, "show").click()
    page.get_by_test_id("dock-tab-output").click()
    expect(page.get_by_test_id("output-table").first).to_contain_text("城市 2")


def test_folders_search_download_and_deletion(desk: Desk, team: Team, flow: str, csv: Path) -> None:
    # A new folder is made with its first file.
    desk.refused.append(r"404 GET /api/workspaces/\w+/files\?path=sales%2F2024")
    page = desk.open(team.editor)
    picker = browse(page, flow)
    picker.get_by_role("button", name="New folder").click()
    picker.get_by_label("Name of the new folder").fill("sales/2024")
    picker.get_by_role("button", name="Go there").click()
    expect(picker.get_by_test_id("crumbs")).to_have_text("Filessales2024")
    expect(picker.get_by_test_id("files-empty")).to_contain_text("made with the first file")
    drop(page, picker.get_by_test_id("files-empty"), ("a.csv", ROWS), ("b.csv", ROWS))
    expect(picker.get_by_test_id("file")).to_have_count(2)

    picker.get_by_label("Search in this folder").fill("B.C")
    expect(picker.get_by_test_id("file")).to_have_count(1)
    with page.expect_download() as taken:
        row = entry(picker, "sales/2024/b.csv")
        row.hover()
        row.get_by_role("link", name="Download b.csv").click()
    assert Path(taken.value.path()).read_text() == ROWS
    row.get_by_role("button", name="Delete b.csv").click()
    page.get_by_role("dialog").last.get_by_role("button", name="Delete", exact=True).click()
    expect(picker.get_by_test_id("file")).to_have_count(0)
    picker.get_by_label("Search in this folder").fill("")
    entry(picker, "sales/2024/a.csv").dblclick()
    expect(page.get_by_test_id("setting-path").locator("input")).to_have_value("sales/2024/a.csv")


def test_nothing_is_replaced_unasked(desk: Desk, team: Team, flow: str, csv: Path) -> None:
    desk.refused.append(THERE_ALREADY)
    page = desk.open(team.editor)
    picker = browse(page, flow)
    file_input = picker.locator('input[type="file"]')
    file_input.set_input_files(csv)
    expect(entry(picker, "cities.csv")).to_be_visible()
    csv.write_text("city,amount\nNew,1\n")
    file_input.set_input_files(csv)
    upload = picker.get_by_test_id("upload")
    expect(upload).to_have_attribute("data-state", "exists")
    upload.get_by_role("button", name="Replace").click()
    expect(upload).to_have_count(0)
    assert [file["size"] for file in files_of(team) if file["name"] == "cities.csv"] == [18]


def test_an_upload_is_shown_and_can_be_cancelled(
    desk: Desk, team: Team, flow: str, tmp_path: Path
) -> None:
    page = desk.open(team.editor)
    picker = browse(page, flow)
    large = tmp_path / "large.csv"
    large.write_bytes(b"x" * 30_000_000)
    slow = page.context.new_cdp_session(page)
    slow.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": 0,
            "downloadThroughput": -1,
            "uploadThroughput": 300_000,
        },
    )
    picker.locator('input[type="file"]').set_input_files(large)
    upload = picker.get_by_test_id("upload")
    expect(upload).to_contain_text(re.compile(r"of 30\.0 MB"))
    upload.get_by_role("button", name="Cancel the upload of large.csv").click()
    expect(upload).to_have_count(0)
    assert "large.csv" not in [file["name"] for file in files_of(team)]
    incoming = team.weft.data / "files" / ".incoming"
    deadline = time.monotonic() + 30
    while list(incoming.iterdir()):
        assert time.monotonic() < deadline
        page.wait_for_timeout(20)


def test_typing_offers_what_is_there(desk: Desk, team: Team, flow: str) -> None:
    page = desk.open(team.editor, f"/flows/{flow}")
    ready(page)
    node(page, "read").click()
    field = page.get_by_test_id("setting-path").locator("input")
    field.fill("exam")
    page.get_by_role("option", name="examples/", exact=True).click()
    expect(field).to_have_value("examples/")
    field.press_sequentially("data/sa")
    page.get_by_role("option").filter(has_text="examples/data/sa").first.click()
    expect(field).to_have_value(re.compile(r"examples/data/sa\w+\.\w+"))


def test_dropping_data_adds_a_node_that_reads_it(desk: Desk, team: Team, flow: str) -> None:
    desk.refused.append(THERE_ALREADY)
    page = desk.open(team.editor, f"/flows/{flow}")
    ready(page)
    canvas = page.get_by_test_id("canvas")
    before = set(node_ids(page))
    drop(page, canvas, ("cities.csv", ROWS))
    expect(page.get_by_test_id("node-card")).to_have_count(3)
    added = (set(node_ids(page)) - before).pop()
    saved(page)
    made = definition(team, flow)["nodes"][added]
    assert (made["type"], made["settings"]) == ("file.read_csv", {"path": "cities.csv"})
    page.get_by_test_id("undo").click()
    expect(page.get_by_test_id("node-card")).to_have_count(2)

    # The same name again: whoever dropped it decides.
    drop(page, canvas, ("cities.csv", "a,b\n1,2\n"))
    upload = page.get_by_test_id("upload")
    expect(upload).to_have_attribute("data-state", "exists")
    upload.get_by_role("button", name="Use that one").click()
    expect(page.get_by_test_id("node-card")).to_have_count(3)
    expect(upload).to_have_count(0)
    assert [file["size"] for file in files_of(team) if file["name"] == "cities.csv"] == [
        len(ROWS.encode())
    ]


KINDS = [
    ("notes.md", "# Notes", "file.read_text"),
    ("log.txt", "line", "file.read_text"),
    ("data.json", '[{"a": 1}]', "file.read_json"),
]


def test_each_kind_has_its_reader(desk: Desk, team: Team, flow: str) -> None:
    page = desk.open(team.editor, f"/flows/{flow}")
    ready(page)
    drop(page, page.get_by_test_id("canvas"), *[(name, text) for name, text, _ in KINDS])
    expect(page.get_by_test_id("node-card")).to_have_count(2 + len(KINDS))
    saved(page)
    nodes = definition(team, flow)["nodes"].values()
    found = {
        (made["settings"]["path"], made["type"])
        for made in nodes
        if made["type"].startswith("file.") and made["settings"]["path"] != "missing.csv"
    }
    assert found == {(name, kind) for name, _, kind in KINDS}


def test_a_viewer_looks_and_takes_along_only(desk: Desk, team: Team, flow: str) -> None:
    page = desk.open(team.viewer)
    picker = browse(page, flow)
    row = entry(picker, "examples")
    expect(row).to_be_visible()
    row.hover()
    expect(picker.locator('input[type="file"]')).to_have_count(0)
    expect(picker.get_by_role("button", name=re.compile("Upload|New folder|Delete"))).to_have_count(
        0
    )


def test_what_a_flow_wrote_can_be_taken_along(desk: Desk, team: Team) -> None:
    nodes = {
        "read": {"type": "file.read_csv", "settings": {"path": "examples/data/orders.csv"}},
        "write": {"type": "file.write", "settings": {"path": "out/result.json"}},
    }
    edge = {"source": "read", "source_port": "rows", "target": "write", "target_port": "rows"}
    flow = {"format": "weft/1", "name": "Writes", "nodes": nodes, "edges": [edge]}
    made = team.weft.call("POST", "/flows", {"flow": flow}, team.owner)
    run = team.weft.call("POST", f"/flows/{made['id']}/runs?wait=30", {}, team.owner)
    assert run["state"] == "completed"

    page = desk.open(team.editor, f"/flows/{made['id']}")
    ready(page)
    node(page, "write").click()
    page.get_by_test_id("setting-path").get_by_test_id("browse-files").click()
    picker = page.get_by_role("dialog")
    expect(picker.get_by_label("Name", exact=True)).to_have_value("result.json")
    with page.expect_download() as taken:
        row = entry(picker, "out/result.json")
        row.hover()
        row.get_by_role("link").click()
    assert len(json.loads(Path(taken.value.path()).read_text())) > 10

    picker.get_by_role("button", name="Files", exact=True).click()
    picker.get_by_label("Name", exact=True).fill("other.json")
    picker.get_by_test_id("choose-file").click()
    field = page.get_by_test_id("setting-path").locator("input")
    expect(field).to_have_value("other.json")
