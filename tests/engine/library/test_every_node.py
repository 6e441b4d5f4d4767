"""What holds for every built-in node type."""

import doctest
import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.node_type import NodeType
from weft_engine.nodes.spec import NodeSpec, Port

CATALOGUE = Catalogue.installed()
OWN = [node for node in CATALOGUE if node.__module__.startswith("weft_engine.library")]
EXPECTED = {
    "control.approval", "control.fail", "control.for_each", "control.if", "control.merge",
    "control.on_error", "control.parallel", "control.race", "control.repeat", "control.signal",
    "control.switch", "control.try", "control.wait", "control.while",
    "data.clean", "data.columns", "data.fill", "data.filter", "data.generate",
    "data.group", "data.join", "data.limit", "data.map", "data.sort", "data.unique",
    "data.unpack", "date.bucket", "file.read_csv", "file.read_documents", "file.read_json",
    "file.read_lines", "file.read_text", "file.write", "flow.call", "flow.input", "http.request",
    "show.chart", "show.table", "show.text", "text.extract", "text.split", "text.template",
    "text.words", "file.tail", "stream.clock", "stream.running", "stream.window", "stream.write",
    "trigger.file_watch", "trigger.flow_ended", "trigger.message",
    "trigger.schedule", "trigger.webhook", "vars.get", "vars.set",
}  # fmt: skip
WEB_UI = Path(__file__).parents[3] / "web" / "src" / "ui"
HAN = re.compile(r"[\u4e00-\u9fff]")


def test_nothing_is_broken_or_missing() -> None:
    assert CATALOGUE.problems == []
    assert {node.type_name() for node in OWN} == EXPECTED


def settings_of(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every setting by its dotted name, with those inside lists of objects."""
    found = dict(schema.get("properties", {}))
    for name, setting in list(found.items()):
        reference = setting.get("items", {}).get("$ref", "")
        inner = schema.get("$defs", {}).get(reference.rpartition("/")[2], {})
        found |= {f"{name}.{key}": part for key, part in inner.get("properties", {}).items()}
    return found


def ports_of(spec: NodeSpec) -> list[Port]:
    """The ports that face outwards and inwards, but those that people name themselves."""
    inside = spec.inside
    inner = (*inside.outputs, *inside.inputs) if inside is not None else ()
    return [*spec.inputs, *spec.with_ports({}).outputs, *inner]


@pytest.mark.parametrize("node", [pytest.param(node, id=node.type_name()) for node in OWN])
class TestEveryNode:
    @pytest.fixture
    def spec(self, node: type[NodeType]) -> NodeSpec:
        return NodeSpec.of(node)

    def test_the_summary_is_one_sentence(self, spec: NodeSpec) -> None:
        summary = spec.description.split("\n\n")[0]
        assert summary.endswith(".")
        assert "\n" not in summary
        assert len(summary) <= 100

    def test_settings_are_described_and_titled(self, spec: NodeSpec) -> None:
        for name, setting in settings_of(spec.settings).items():
            assert setting.get("description", "").rstrip().endswith("."), name
            assert setting.get("title"), name
            assert "_" not in setting["title"], name

    def test_lists_numbers_and_texts_are_bounded(self, spec: NodeSpec) -> None:
        for name, setting in spec.settings.get("properties", {}).items():
            options = [setting, *setting.get("anyOf", [])]
            numbers = [o for o in options if o.get("type") in {"integer", "number"}]
            assert all({"minimum", "exclusiveMinimum"} & o.keys() for o in numbers), name
            lists = [o for o in options if o.get("type") == "array"]
            assert all("maxItems" in o for o in lists), name

    def test_what_is_not_required_has_a_default(self, spec: NodeSpec) -> None:
        required = set(spec.settings.get("required", []))
        for name, setting in spec.settings.get("properties", {}).items():
            assert ("default" in setting) != (name in required), name

    def test_chinese_is_complete(self, spec: NodeSpec) -> None:
        zh = spec.i18n["zh"]
        assert HAN.search(zh["title"])
        assert zh["summary"].endswith("。")
        assert set(zh["settings"]) == set(settings_of(spec.settings))
        for name, texts in zh["settings"].items():
            assert texts["title"], name
            assert texts["description"].endswith("。"), name
        ports = {port.name for port in ports_of(spec)}
        assert set(zh["ports"]) == ports
        assert all(0 < len(label) <= 4 for label in zh["ports"].values())
        assert set(zh["port_descriptions"]) == ports
        assert all(text.endswith("。") for text in zh["port_descriptions"].values())
        assert bool(zh["subtitle"]) == bool(spec.subtitle)

    def test_ports_are_described(self, spec: NodeSpec) -> None:
        for port in ports_of(spec):
            assert port.description.endswith("."), port.name

    def test_the_subtitle_speaks_of_settings(self, spec: NodeSpec) -> None:
        for text in (spec.subtitle, spec.i18n["zh"]["subtitle"]):
            assert set(re.findall(r"\{(\w+)\}", text)) <= set(spec.settings["properties"])

    def test_it_can_be_found_by_other_words(self, spec: NodeSpec) -> None:
        assert len(spec.aliases["en"]) >= 3
        assert len(spec.aliases["zh"]) >= 3

    def test_the_web_application_has_its_icon(self, spec: NodeSpec) -> None:
        glyphs = "".join(path.read_text() for path in WEB_UI.glob("glyph*.ts"))
        if not glyphs:
            pytest.skip("the web application is not here")
        assert re.search(rf'^  "?{re.escape(spec.icon)}"?: Icon', glyphs, re.MULTILINE)

    def test_the_description_survives_json(self, spec: NodeSpec) -> None:
        text = spec.model_dump_json()
        assert NodeSpec.model_validate_json(text) == spec
        assert json.loads(text)["type"] == spec.type

    def test_the_example_works(self, node: type[NodeType], spec: NodeSpec) -> None:
        assert spec.examples
        module = importlib.import_module(node.__module__)
        finder = doctest.DocTestFinder(recurse=False)
        tests = finder.find(node, node.__name__, module, globs=dict(vars(module)))
        results = [doctest.DocTestRunner().run(test) for test in tests]
        assert sum(result.attempted for result in results) > 0
        assert sum(result.failed for result in results) == 0

    def test_an_unknown_setting_is_refused(self, node: type[NodeType]) -> None:
        with pytest.raises(ValueError, match="no_such_setting"):
            node.model_validate({"no_such_setting": 1})

    def test_traits_agree(self, spec: NodeSpec) -> None:
        if spec.traits.effects:
            assert not spec.traits.pure
        if spec.category == "source" and spec.type != "data.generate":  # it reads nothing
            assert not spec.traits.pure
