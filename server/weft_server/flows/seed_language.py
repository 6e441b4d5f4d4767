"""Example flows in another language than that of their files."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from weft_engine.compiler.calling import CALL
from weft_engine.flow.dump import to_data
from weft_engine.flow.file import from_data
from weft_engine.flow.model import Flow

logger = logging.getLogger("weft.server")


def read_texts(folder: Path, language: str) -> dict[str, Any]:
    """The texts of the examples in a language, by file; none where there is no such file."""
    path = folder / "languages" / f"{language}.yaml"
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        logger.warning("the texts of the examples cannot be read: %s", error)
        return {}
    return found if isinstance(found, dict) else {}


def in_words(flow: Flow, texts: Mapping[str, Any], names: Mapping[str, str]) -> Flow:
    """A flow with the texts of a language.

    Args:
        flow: The flow as its file has it.
        texts: `nodes` (names), `notes`, `inputs` (descriptions) and `defaults` by id, and
            `settings` by node and setting.
        names: What flows are called in that language, by the name under which calls know them.

    Raises:
        FlowError: the texts do not make a flow.
        KeyError: they name something that the flow has not.
        TypeError: they are not of this form.
    """
    plain = to_data(flow)
    for node, name in texts.get("nodes", {}).items():
        plain["nodes"][node]["name"] = name
    for node, settings in texts.get("settings", {}).items():
        plain["nodes"][node].setdefault("settings", {}).update(settings)
    for note, text in texts.get("notes", {}).items():
        plain["notes"][note]["text"] = text
    for name, text in texts.get("inputs", {}).items():
        plain["inputs"][name]["description"] = text
    for name, value in texts.get("defaults", {}).items():
        plain["inputs"][name]["default"] = value
    for node in plain.get("nodes", {}).values():
        if node["type"] == CALL:
            called = node["settings"]["flow"]
            node["settings"]["flow"] = names.get(called, called)
    return from_data(plain)
