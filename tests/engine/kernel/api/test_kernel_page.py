"""Every example of docs/kernel.md runs and prints what stands below it."""

import re
from pathlib import Path

import pytest

from weft_engine.kernel import ConnectedStreams, DataStream, KeyedStream, WindowedStream
from weft_engine.kernel.config import KEYS

PAGE = (Path(__file__).parents[4] / "docs" / "kernel.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)


def test_every_example_says_what_it_prints() -> None:
    assert len(EXAMPLES) == PAGE.count("```python") > 4


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_example(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    code, expected = EXAMPLES[number]
    exec(compile(code, f"docs/kernel.md#{number}", "exec"), {"__name__": "example"})
    assert capsys.readouterr().out == expected


def test_every_key_is_on_the_page() -> None:
    assert [key for key, is_ in KEYS.items() if f"| `{key}` | {is_.doc} |" not in PAGE] == []


OTHER_NAMES = {"keyby", "flatmap", "comap", "coflatmap", "co_map", "co_flat_map", "co_process"}
OF_THE_BUILDER = {"at", "graph", "key", "ref", "ship", "stream", "then", "timed", "vertex"}


@pytest.mark.parametrize("cls", [DataStream, KeyedStream, WindowedStream, ConnectedStreams])
def test_every_method_is_on_the_page(cls: type) -> None:
    methods = {name for name in dir(cls) if not name.startswith("_")}
    told = set(re.findall(r"`(\w+)[`(]", PAGE))
    assert methods - OTHER_NAMES - OF_THE_BUILDER - told == set()
