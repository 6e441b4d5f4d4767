"""The Yjs document of a flow: how one is born, read, and changed in place.

Schema 1. The root maps are `meta`, `nodes`, `edges`, `notes` and `comments`. A node is a map that
gets all its nested maps when it is made; afterwards keys are set one by one, never whole nodes,
so that edits of several people meet in the smallest possible place.
"""

import json
from typing import Any, Final

from pycrdt import Map

from weft_engine.flow.model import Flow
from weft_engine.flow.patch import Applied, OnConflict, Patch, apply
from weft_server.rooms.assembly import Document, empty_document
from weft_server.rooms.guard import ROOTS
from weft_server.rooms.reading import DocumentProblem, read
from weft_server.rooms.schema import Schema
from weft_server.rooms.writing import Writer

__all__ = [
    "Document",
    "DocumentProblem",
    "apply_patch",
    "empty_document",
    "new_document",
    "plain",
    "read",
    "write",
]

SCHEMA_VERSION: Final = 1


def plain(doc: Document) -> dict[str, Any]:
    """The document as plain JSON; what JSON cannot write is null."""
    # Five times as fast as converting each value to Python by itself.
    return {name: json.loads(str(doc[name])) for name in sorted(ROOTS)}


def write(doc: Document, flow: Flow, schema: Schema, *, epoch: int = 1) -> None:
    """Put a flow into a new document, with every container it will ever need."""
    with doc.transaction(origin="create"):
        meta = doc["meta"]
        meta["schema"], meta["epoch"] = SCHEMA_VERSION, epoch
        for name in ("inputs", "variables", "outputs"):
            meta[name] = Map()
        Writer(doc, {}, schema).change(read({})[0], flow)


def new_document(flow: Flow, schema: Schema, *, epoch: int = 1) -> bytes:
    """The update that makes an empty document read as this flow."""
    doc = empty_document()
    write(doc, flow, schema, epoch=epoch)
    return doc.get_update()


def apply_patch(
    doc: Document,
    patch: Patch,
    schema: Schema,
    *,
    origin: str,
    on_conflict: OnConflict = "reject",
) -> Applied:
    """Apply a patch to what the document reads as, and bring the document there in place.

    Raises:
        PatchError: the patch does not fit and conflicts are to be rejected; nothing is changed.
    """
    document = plain(doc)
    flow, _ = read(document, multiple=schema.multiple)
    applied = apply(flow, patch, on_conflict=on_conflict)
    with doc.transaction(origin=origin):
        Writer(doc, document, schema).change(flow, applied.flow)
    return applied
