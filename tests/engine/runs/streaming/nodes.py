"""Node types that show where they work; workers import them by name."""

import os
import threading
from functools import lru_cache
from typing import Literal

from tests.engine.compiler.flows import info
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.node_type import NodeType
from weft_engine.nodes.types import Row


class WhereRow(NodeType):
    """A row with the process that it came to."""

    type: Literal["x.where_row"] = "x.where_row"
    info = info(deterministic=False)

    def process(self, row: Row) -> Row:
        return {**row, "pid": os.getpid()}


GATE = threading.Event()
"""Holds `Held` up until it is set."""


class Held(NodeType):
    """Gives a row when it may."""

    type: Literal["x.held"] = "x.held"
    info = info()

    def process(self, row: Row) -> Row:
        GATE.wait(60)
        return row


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """These and those of the library."""
    return Catalogue([*Catalogue.installed(), WhereRow, Held])
