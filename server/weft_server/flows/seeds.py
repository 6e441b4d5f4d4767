"""Example flows with which the first workspace starts."""

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from sqlmodel import Session

from weft_engine.errors import WeftError
from weft_engine.flow.file import read_file
from weft_engine.flow.model import Flow
from weft_engine.nodes.catalogue import Catalogue
from weft_server.flows.documents import DocumentStore
from weft_server.flows.seed_language import in_words, read_texts
from weft_server.flows.service import create_flow

_PACKAGE = Path(__file__).parent.parent
_PLACES = (_PACKAGE.parent.parent / "examples", _PACKAGE / "examples")
EXAMPLE_ADDRESS = "http://127.0.0.1:8900"
"""Where the examples think that the server is."""
logger = logging.getLogger("weft.server")


def examples_folder() -> Path | None:
    """The folder of examples: of the checkout if this runs from one, else of the installation."""
    return next((place for place in _PLACES if (place / "index.yaml").is_file()), None)


def seed(
    session: Session,
    documents: DocumentStore,
    catalogue: Catalogue,
    *,
    folder: Path,
    workspace_id: str,
    user_id: str,
    language: str,
    address: str = EXAMPLE_ADDRESS,
) -> int:
    """Make the example flows in a workspace; how many there are now.

    The first of the list is made last, so that it stands on top of the list of flows. Flows that
    ask for the address of the server get `address` as its default.
    """
    made = 0
    for example in reversed(list(read_examples(folder, language))):
        flow = _addressed(example, address)
        create_flow(
            session, documents, catalogue, workspace_id=workspace_id, user_id=user_id, flow=flow
        )
        made += 1
    return made


def read_examples(folder: Path, language: str) -> Iterator[Flow]:
    """The examples that can be read, in a language; the others are logged and skipped.

    A call names another example by its file without the ending; here it is given the name which
    that has in the language.
    """
    entries, texts = _index(folder), read_texts(folder, language)
    names = {
        Path(str(entry.get("file"))).stem: _in_language(entry["name"], language)
        for entry in entries
        if isinstance(entry.get("name"), str | dict)
    }
    for entry in entries:
        try:
            path = folder / str(entry["file"])
            flow = in_words(read_file(path), texts.get(path.name) or {}, names)
            named = {
                field: _in_language(entry[field], language)
                for field in ("name", "description")
                if field in entry
            }
            yield flow.replace(**named)
        except (WeftError, OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            logger.warning("skipped the example %s: %s", entry, error)


def copy_example_data(folder: Path, files: Path) -> None:
    """Put the data of the examples where the flows of a workspace look for files."""
    source = folder / "data"
    if not source.is_dir():
        logger.warning("there is no data of examples at %s", source)
        return
    target = files / "examples" / "data"
    try:
        shutil.copytree(source, target, dirs_exist_ok=True, copy_function=shutil.copyfile)
    except OSError as error:
        logger.warning("could not copy the data of the examples: %s", error)


def _addressed(flow: Flow, address: str) -> Flow:
    inputs = {
        name: given.model_copy(update={"default": address})
        for name, given in flow.inputs.items()
        if given.default == EXAMPLE_ADDRESS
    }
    return flow.replace(inputs={**flow.inputs, **inputs}) if inputs else flow


def _index(folder: Path) -> list[dict[str, Any]]:
    try:
        entries = yaml.safe_load((folder / "index.yaml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        logger.warning("the list of examples cannot be read: %s", error)
        return []
    listed = entries if isinstance(entries, list) else []
    return [entry for entry in listed if isinstance(entry, dict)]


def _in_language(text: Any, language: str) -> str:
    if isinstance(text, dict):
        return str(text.get(language) or text.get("en") or "")
    return str(text)
