"""Node types that show where they work; workers import them by name."""

import os
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


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """These and those of the library."""
    return Catalogue([*Catalogue.installed(), WhereRow])
