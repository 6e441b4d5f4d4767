"""The functions of the expression language, in one table with help in English and Chinese."""

from weft_engine.nodes.functions import conditions, dates, lists, numbers, texts
from weft_engine.nodes.functions.table import (
    ALIASES,
    FUNCTIONS,
    MAX_INT,
    MAX_ITEMS,
    MAX_TEXT,
    Function,
)

MODULES = (texts, numbers, dates, lists, conditions)

__all__ = ["ALIASES", "FUNCTIONS", "MAX_INT", "MAX_ITEMS", "MAX_TEXT", "MODULES", "Function"]
