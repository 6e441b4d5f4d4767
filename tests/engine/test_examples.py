"""The example flows are listed, valid, laid out well, and their data can be made again.

What they give is tested in the folder `examples` beside this file.
"""

import importlib.util
import re
from itertools import combinations
from pathlib import Path
from textwrap import wrap

import pytest

from tests.engine.examples.runs import CATALOGUE, DATA, EXAMPLES, FILES, INDEX
from weft_engine.compiler.check import check
from weft_engine.flow.file import read_file
from weft_engine.flow.model import Flow

CARD = (204, 64)
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
        assert check(flow, CATALOGUE) == []
        entry = next(entry for entry in INDEX if entry["file"] == name)
        assert flow.name == entry["name"]["en"]
        assert flow.description

    @pytest.mark.parametrize("name", FILES)
    def test_it_is_laid_out_from_left_to_right_without_overlaps(self, name: str) -> None:
        flow = read_file(EXAMPLES / name)
        places = {key: node.position for key, node in flow.nodes.items()}
        for edge in flow.edges:
            source, target = places[edge.source], places[edge.target]
            assert source is not None
            assert target is not None
            next_row = target.y - source.y >= CARD[1] + 80
            assert target.x - source.x >= CARD[0] + 80 or next_row, edge.id
        for (ax, ay, aw, ah), (bx, by, bw, bh) in combinations(boxes_of(flow), 2):
            apart = ax + aw <= bx or bx + bw <= ax or ay + ah <= by or by + bh <= ay
            assert apart, (ax, ay, bx, by)

    @pytest.mark.parametrize("name", FILES)
    def test_it_opens_readable(self, name: str) -> None:
        flow = read_file(EXAMPLES / name)
        boxes = boxes_of(flow)
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


def boxes_of(flow: Flow) -> list[tuple[float, float, float, float]]:
    """Where nodes and notes lie, and how large they are."""
    places = [node.position for node in flow.nodes.values()]
    width, height = CARD
    boxes = [(place.x, place.y, float(width), float(height)) for place in places if place]
    notes = [note for note in flow.notes.values() if note.size is not None]
    return boxes + [
        (note.position.x, note.position.y, note.size.width, note.size.height)
        for note in notes
        if note.size is not None
    ]
