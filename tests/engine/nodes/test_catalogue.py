"""What is installed, and that a broken plugin takes nothing down."""

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from tests.engine.compiler.sample_nodes import CATALOGUE, Question, ReadRows
from weft_engine.errors import FlowError
from weft_engine.flow.model import Node
from weft_engine.nodes import catalogue as module
from weft_engine.nodes.catalogue import Catalogue

GOOD = '''
from typing import Literal
from weft_engine.nodes.node_type import NodeInfo, NodeType, Zh

class {name}(NodeType):
    """Do something."""
    info = NodeInfo(category="process", icon="box", title="{name}", zh=Zh("节点", "做点什么。"))
    type: Literal["plugin.{type}"] = "plugin.{type}"
    def process(self, text: str) -> str:
        return text
'''


def good(name: str) -> str:
    return GOOD.format(name=name, type=name.lower())


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of packages that offer node types; each file in it is an entry point."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(module, "entry_points", lambda group: _entries(tmp_path, group))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def _entries(folder: Path, group: str) -> list[EntryPoint]:
    names = sorted({path.stem for path in folder.iterdir() if not path.name.startswith("__")})
    return [EntryPoint(name=name, value=name, group=group) for name in names]


def test_the_built_in_library_is_installed() -> None:
    catalogue = Catalogue.installed()

    assert catalogue.problems == []
    assert "data.filter" in catalogue
    assert "file.read_csv" in catalogue


def test_plugins_come_beside_it(plugins: Path) -> None:
    (plugins / "weft_words.py").write_text(good("Shout"))
    package = plugins / "weft_more"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "quiet.py").write_text(good("Whisper"))
    catalogue = Catalogue.installed()

    assert "plugin.shout" in catalogue
    assert "plugin.whisper" in catalogue
    assert "data.filter" in catalogue
    assert catalogue.problems == []


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import nothing_of_that_name", "ModuleNotFoundError"),
        ("def broken(:", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("1 / 0", "ZeroDivisionError"),
        (good("Bad").replace("text: str", "text"), "'text' needs an annotation"),
        (good("Bad").replace("    info =", "    _other ="), "info"),
        (good("Bad").replace("def process", "def work"), "either `process` or `build`"),
        (good("Bad").replace(' = "plugin.bad"', ""), "type"),
    ],
    ids=lambda value: value[:30],
)
def test_a_broken_plugin_is_reported_and_the_rest_works(
    plugins: Path, source: str, says: str
) -> None:
    (plugins / "weft_broken.py").write_text(source)
    (plugins / "weft_good.py").write_text(good("Shout"))
    catalogue = Catalogue.installed()

    (problem,) = catalogue.problems
    assert problem.code == "plugin.broken"
    assert "weft_broken" in problem.source
    assert says in problem.message
    assert "plugin.shout" in catalogue
    assert "data.filter" in catalogue


def test_one_bad_class_leaves_its_neighbours(plugins: Path) -> None:
    bad = good("Bad").replace("text: str", "text")
    (plugins / "weft_mixed.py").write_text(good("Shout") + bad)
    catalogue = Catalogue.installed()

    assert "plugin.shout" in catalogue
    assert [problem.source for problem in catalogue.problems] == ["weft_mixed.Bad"]


def test_a_taken_name_is_reported(plugins: Path) -> None:
    (plugins / "weft_thief.py").write_text(good("Filter").replace("plugin.filter", "data.filter"))
    catalogue = Catalogue.installed()

    assert [problem.code for problem in catalogue.problems] == ["plugin.duplicate_type"]
    assert catalogue["data.filter"].__module__.startswith("weft_engine.library")


def test_looking_up() -> None:
    assert CATALOGUE["test.rows"] is ReadRows
    assert CATALOGUE.get("test.no") is None
    assert len(CATALOGUE) == len(list(CATALOGUE)) == len(CATALOGUE.specs())
    assert [spec.type for spec in CATALOGUE.specs()] == sorted(
        spec.type for spec in CATALOGUE.specs()
    )
    with pytest.raises(FlowError) as caught:
        CATALOGUE["test.rowz"]
    assert caught.value.code == "node.unknown_type"
    assert "test.rows" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "near"),
    [("test.rowz", "test.rows"), ("rows", "test.rows"), ("TEST.ROWS", "test.rows"),
     ("Read rows", "test.rows"), ("other.rows", "test.rows"), ("qqqqqq", None)],
)  # fmt: skip
def test_the_nearest_type(name: str, near: str | None) -> None:
    assert CATALOGUE.nearest(name) == near


def test_building_a_node() -> None:
    built = CATALOGUE.build("a", Node(type="test.rows", settings={"path": "b.csv"}))

    assert built == ReadRows(path="b.csv")
    assert CATALOGUE.build("q", Node(type="test.question")) == Question()


def test_building_with_bad_settings() -> None:
    with pytest.raises(FlowError) as caught:
        CATALOGUE.build("a", Node(type="test.rows", settings={"kind": "jsn", "size": 0}))

    assert caught.value.code == "node.setting_invalid"
    assert caught.value.params["node"] == "a"
    assert caught.value.params["path"] == ["size"]
    assert caught.value.params["nearest"] == 1
    assert caught.value.params["count"] == 2
