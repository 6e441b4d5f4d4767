"""Why a node was skipped, as `weft run` says it."""

import re
from pathlib import Path

import pytest

from tests.server.cli.weft import ROOT, weft_here
from weft_server.cli.progress import _WHY_SKIPPED

FLOW = """\
format: weft/1
name: Two ways
inputs:
  n: {type: Json, default: 80}
nodes:
  n: {type: flow.input, settings: {name: n}}
  much: {type: control.if, settings: {condition: item > 50}}
  refuse: {type: text.template, name: Refuse, settings: {template: "no {{ item }}"}}
  told: {type: show.text, name: Told}
edges:
  - {source: n, source_port: value, target: much, target_port: item}
  - {source: much, source_port: "false", target: refuse, target_port: item}
  - {source: refuse, source_port: text, target: told, target_port: text}
"""


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_words_are_those_of_the_editor(lang: str) -> None:
    texts = (ROOT / f"web/src/i18n/{lang}/runs.ts").read_text()
    assert dict(re.findall(r'"skip\.(\w+)": "(.+)"', texts)) == _WHY_SKIPPED[lang]


@pytest.mark.parametrize(
    ("lang", "lines"),
    [
        ("en", ["– Refuse  skipped  the other branch was taken",
                "– Told    skipped  what it waits for was skipped"]),
        ("zh", ["– Refuse  已跳过  走了另一条分支", "– Told    已跳过  其依赖的节点被跳过"]),
    ],
)  # fmt: skip
def test_a_way_that_was_not_taken_is_told_in_words(
    tmp_path: Path, lang: str, lines: list[str]
) -> None:
    (tmp_path / "two.yaml").write_text(FLOW)
    outcome = weft_here("run", "two.yaml", "--lang", lang, cwd=tmp_path)
    assert outcome.code == 0, outcome.err
    told = [" ".join(line.split()) for line in outcome.err.splitlines()]
    assert [line for line in told if line.startswith("–")] == [
        " ".join(line.split()) for line in lines
    ]
