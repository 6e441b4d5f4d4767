"""Making a document from its updates."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from pycrdt import Doc, Map, merge_updates

from weft_server.rooms.guard import ROOTS

Document = Doc[Map[Any]]
FATAL = (KeyboardInterrupt, SystemExit, GeneratorExit)

logger = logging.getLogger("weft.rooms")


def empty_document() -> Document:
    """A document with its root maps and nothing in them."""
    return Doc({name: Map() for name in sorted(ROOTS)})


def assemble(updates: Iterable[bytes]) -> Document:
    """The document that updates make, in their order.

    An update on which pycrdt panics is left out: one bad row must not close a flow for good.
    """
    kept = [update for update in updates if update]
    doc = empty_document()
    try:
        with doc.transaction(origin="load"):
            for update in kept:
                doc.apply_update(update)
    except FATAL:
        raise
    except BaseException:  # noqa: BLE001 - a panic of pycrdt is no Exception
        return _assemble_one_by_one(kept)
    return doc


def merged(updates: Sequence[bytes]) -> Sequence[bytes]:
    """Several updates as one, or as they are if pycrdt cannot merge them."""
    if len(updates) == 1:
        return updates
    try:
        return [merge_updates(*updates)]
    except FATAL:
        raise
    except BaseException as error:  # noqa: BLE001 - a panic of pycrdt is no Exception
        logger.error("%d updates cannot be merged: %s", len(updates), error)
        return updates


def _assemble_one_by_one(updates: list[bytes]) -> Document:
    doc, good = empty_document(), list[bytes]()
    for update in updates:
        try:
            doc.apply_update(update)
        except FATAL:
            raise
        except BaseException as error:  # noqa: BLE001 - a panic of pycrdt is no Exception
            logger.error("an update of %d bytes is left out: %s", len(update), error)
            # A panic leaves half a change behind.
            doc = empty_document()
            for one in good:
                doc.apply_update(one)
        else:
            good.append(update)
    return doc
