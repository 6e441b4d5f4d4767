"""Taking the text out of what a node was given."""

from collections.abc import Mapping
from typing import Any

from weft_engine.errors import NodeError
from weft_engine.library.columns import kind_of, value
from weft_engine.nodes.types import Chunk


def text_of(item: Any, column: str = "text") -> str:
    """Return a text, or the text of a document or row.

    >>> text_of("plain"), text_of({"text": "of a document"})
    ('plain', 'of a document')

    Raises:
        NodeError: `data.not_text` or `data.unknown_column`.
    """
    found = value(item, column) if isinstance(item, Mapping) else item
    if isinstance(found, str):
        return found
    raise NodeError(
        f"A text is needed, not {kind_of(found)}.",
        code="data.not_text",
        hint="Name the column that holds the text, or make one with Template.",
        params={"column": column, "found": kind_of(found)},
    )


def source_of(item: Any) -> Chunk:
    """Return what a part of a document says about where it is from.

    >>> source_of({"text": "…", "id": "tents.md", "metadata": {"title": "Tents"}})
    {'text': '', 'document': 'tents.md', 'metadata': {'title': 'Tents'}}
    """
    origin: Chunk = {"text": ""}
    if not isinstance(item, Mapping):
        return origin
    document = item.get("document") or item.get("id")
    if isinstance(document, str):
        origin["document"] = document
    source, metadata = item.get("source"), item.get("metadata")
    if isinstance(source, str):
        origin["source"] = source
    if isinstance(metadata, Mapping):
        origin["metadata"] = dict(metadata)
    return origin
