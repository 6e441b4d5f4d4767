"""The example flows are listed, valid, laid out well, and their data can be made again.

What they give is tested in the folder `examples` beside this file.
"""

import importlib.util
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from textwrap import wrap

import pytest

from tests.engine.examples.runs import CATALOGUE, DATA, EXAMPLES, FILES, INDEX, called
from weft_engine.compiler.check import check
from weft_engine.flow.file import read_file
from weft_engine.flow.model import Flow

CARD = (204, 64)
ROW = 20
"""A card has a row for each port of a side that has several."""
FRAME_LEFT, FRAME_HEAD, ABOVE, BELOW = 122, 48, 20, 22
"""What a container adds around what lies in it; see `web/src/flow/frames.ts`."""
EMPTY_CONTAINER = (354, 148)
"""Such as a call, in which nothing lies."""
EMPTY_BAND = 100
"""The height of a part of a container, such as what Try does at last, in which nothing lies."""
CANVAS = (1000, 520)
MARGIN = 1.1
"""How much larger than the flow the canvas is to be."""
SEVEN_STEPS = {
    "customers_orders.yaml",
    "error_counts.yaml",
    "index_documents.yaml",
    "quality_check.yaml",
}
"""These are as wide as a flow in one row can be; they are read at once, too, only smaller."""
LETTER, LINE = 6.6, 18
"""Of the text of notes: wider than most letters are, so that every font has room."""


class TestFiles:
    def test_the_index_lists_every_example_in_both_languages(self) -> None:
        assert sorted(entry["file"] for entry in INDEX) == FILES
        for entry in INDEX:
            for texts in (entry["name"], entry["description"]):
                assert texts["en"]
                assert re.search(r"[\u4e00-\u9fff]", texts["zh"])

    def test_the_data_is_small_and_made_by_the_script(self, tmp_path: Path) -> None:
        assert sum(path.stat().st_size for path in DATA.rglob("*.*")) < 2_500_000
        spec = importlib.util.spec_from_file_location("make_data", DATA / "make_data.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, data in module.make().items():
            assert (DATA / name).read_bytes() == data, f"run examples/data/make_data.py: {name}"

    @pytest.mark.parametrize("name", FILES)
    def test_a_comment_says_what_it_is_for(self, name: str) -> None:
        assert re.match(r"# .+\.\n", (EXAMPLES / name).read_text())

    @pytest.mark.parametrize("name", FILES)
    def test_there_are_no_problems(self, name: str) -> None:
        flow = read_file(EXAMPLES / name)
        assert check(flow, CATALOGUE, flows=called(name)) == []
        entry = next(entry for entry in INDEX if entry["file"] == name)
        assert flow.name == entry["name"]["en"]
        assert flow.description

    @pytest.mark.parametrize("name", FILES)
    def test_it_is_laid_out_from_left_to_right_without_overlaps(self, name: str) -> None:
        flow = read_file(EXAMPLES / name)
        boxes = boxes_of(flow)
        around = {key: set(around_of(flow, key)) for key in flow.nodes}
        for edge in flow.edges:
            if edge.source in around[edge.target] or edge.target in around[edge.source]:
                continue
            (sx, sy, sw, _), (tx, ty, *_) = boxes[edge.source], boxes[edge.target]
            next_row = ty - sy >= CARD[1] + 80
            assert tx - sx >= sw + 80 or next_row, edge.id
        for a, b in combinations(boxes, 2):
            if a in around.get(b, ()) or b in around.get(a, ()):
                continue
            (ax, ay, aw, ah), (bx, by, bw, bh) = boxes[a], boxes[b]
            apart = ax + aw <= bx or bx + bw <= ax or ay + ah <= by or by + bh <= ay
            assert apart, (a, b)

    @pytest.mark.parametrize("name", FILES)
    def test_containers_stand_where_what_lies_in_them_puts_them(self, name: str) -> None:
        flow = read_file(EXAMPLES / name)
        boxes = boxes_of(flow)
        for key in {node.parent for node in flow.nodes.values()} - {None}:
            assert key is not None
            position = flow.nodes[key].position
            assert position is not None
            assert (position.x, position.y) == boxes[key][:2]

    @pytest.mark.parametrize("name", FILES)
    def test_it_opens_readable(self, name: str) -> None:
        flow = read_file(EXAMPLES / name)
        boxes = boxes_of(flow).values()
        width = max(x + w for x, _, w, _ in boxes) - min(x for x, *_ in boxes)
        height = max(y + h for _, y, _, h in boxes) - min(y for _, y, *_ in boxes)
        zoom = min(CANVAS[0] / width, CANVAS[1] / height) / MARGIN
        assert zoom >= (0.45 if name in SEVEN_STEPS else 0.55)

    @pytest.mark.parametrize("name", FILES)
    def test_notes_are_large_enough_for_their_text(self, name: str) -> None:
        for note in read_file(EXAMPLES / name).notes.values():
            assert note.size is not None
            assert not re.search(r"[^\n]\n[^\n]", note.text), "lines break where there is no room"
            columns = int((note.size.width - 22) / LETTER)
            lines = sum(len(wrap(part, columns)) or 1 for part in note.text.split("\n"))
            assert note.size.height >= lines * LINE + 26


Box = tuple[float, float, float, float]


def boxes_of(flow: Flow) -> dict[str, Box]:
    """Where nodes and notes lie, and how large they are."""
    boxes = {key: box_of(flow, key) for key in flow.nodes}
    for key, note in flow.notes.items():
        assert note.size is not None
        boxes[f"note {key}"] = (
            note.position.x,
            note.position.y,
            note.size.width,
            note.size.height,
        )
    return boxes


def box_of(flow: Flow, key: str) -> Box:
    """The place of a card, or of the frame around what lies in a container."""
    node = flow.nodes[key]
    spec = CATALOGUE.spec(node.type)
    assert spec is not None
    inner = [box_of(flow, name) for name, each in flow.nodes.items() if each.parent == key]
    if inner:
        assert spec.inside is not None
        left, top = min(x for x, *_ in inner), min(y for _, y, *_ in inner)
        right = max(x + width for x, _, width, _ in inner)
        below = max(y + height for _, y, _, height in inner) + BELOW
        if any(port.section == "finally" for port in spec.inside.outputs):
            below += EMPTY_BAND
        x, y = left - FRAME_LEFT, top - ABOVE - FRAME_HEAD
        return (x, y, right + FRAME_LEFT - x, below - y)
    assert node.position is not None
    if spec.inside is not None:
        return (node.position.x, node.position.y, *EMPTY_CONTAINER)
    ports = max(len(spec.inputs), len(spec.outputs) + len(node.settings.get("cases", ())))  # type: ignore[arg-type]
    rows = ports * ROW + 8 if ports > 1 else 0
    return (node.position.x, node.position.y, CARD[0], CARD[1] + rows)


def around_of(flow: Flow, key: str) -> Iterator[str]:
    """The containers in which a node lies."""
    while (parent := flow.nodes[key].parent) is not None:
        yield parent
        key = parent
