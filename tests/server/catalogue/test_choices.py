"""What the editor calls the choices of settings."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from weft_engine.nodes.catalogue import Catalogue

TEXTS = Path(__file__).parents[3] / "web" / "src" / "i18n"
WORD = re.compile(r"[a-z]+(?:[_ -][a-z]+)*")
"""What else is shown as it is: codes with digits, signs."""


def choices(schema: Any) -> Iterator[str]:
    """Every value of every enumeration of a schema."""
    if isinstance(schema, list):
        for each in schema:
            yield from choices(each)
    if isinstance(schema, dict):
        yield from (each for each in schema.get("enum", ()) if isinstance(each, str))
        for each in schema.values():
            yield from choices(each)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_choice_has_a_name(language: str) -> None:
    text = (TEXTS / language / "form.ts").read_text("utf-8")
    named = set(re.findall(r'^  "option\.([^"]+)":', text, re.MULTILINE))
    found = {each for spec in Catalogue.installed().specs() for each in choices(spec.settings)}
    assert len(found) > 50
    assert sorted(each for each in found - named if WORD.fullmatch(each)) == []
