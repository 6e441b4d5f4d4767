"""What `weft_engine.kernel` exports, and what importing it costs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import weft_engine.kernel as kernel
from weft_engine.kernel import EXPORTS

NAMES = sorted(name for names in EXPORTS.values() for name in names.split())


@pytest.mark.parametrize("name", NAMES)
def test_every_name_can_be_imported(name: str) -> None:
    assert getattr(kernel, name).__name__ == name
    assert name in dir(kernel)


def test_type_checkers_see_the_same_names() -> None:
    text = Path(kernel.__file__).read_text(encoding="utf-8")
    seen = re.findall(
        r"^    from weft_engine\.kernel\.(\S+) import (\w+) as \2$", text, re.MULTILINE
    )
    told = [(module, name) for module, names in EXPORTS.items() for name in names.split()]
    assert sorted(seen) == sorted(told)


def test_an_unknown_name() -> None:
    with pytest.raises(AttributeError, match="KafkaStream"):
        _ = kernel.KafkaStream


def test_importing_a_part_stays_light() -> None:
    code = (
        "import sys, weft_engine.kernel.graph, weft_engine.kernel.functions; "
        "print([m for m in ('asyncio', 'ray', 'cloudpickle', 'sqlite3', "
        "'weft_engine.kernel.environment') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.strip() == "[]", run.stderr


def test_all_names_at_once() -> None:
    names: dict[str, object] = {}
    exec("from weft_engine.kernel import *", names)
    assert {*NAMES} <= {*names}
