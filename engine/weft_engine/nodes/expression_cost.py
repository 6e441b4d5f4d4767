"""Which expressions could do much, so that their work is counted while they run."""

import ast
from collections.abc import Sequence
from typing import Final

from weft_engine.nodes.functions import ALIASES

SEARCHES: Final = frozenset({"matches", "extract", "extract_all", "replace_pattern"})
"""Functions whose time depends on a pattern."""
_GROWING: Final = SEARCHES | {
    "join", "list", "pad_left", "pad_right", "parse_json", "range", "repeat", "replace",
}  # fmt: skip
_MOST_CALLS: Final = 8


def is_metered(tree: ast.expr) -> bool:
    """Whether an expression could do much, so that its work must be counted."""
    calls = growing = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.ListComp | ast.GeneratorExp) or _holds_values(node):
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            calls += 1
            growing += ALIASES.get(node.func.id, node.func.id) in _GROWING
    return growing > 1 or calls > _MOST_CALLS


def _holds_values(node: ast.AST) -> bool:
    """Whether it is a list or record of anything but constants."""
    if isinstance(node, ast.List | ast.Tuple):
        return is_varied(node.elts)
    return isinstance(node, ast.Dict) and is_varied(node.values)


def is_varied(parts: Sequence[ast.expr]) -> bool:
    """Whether there is anything but constants among the parts."""
    return not all(isinstance(part, ast.Constant) for part in parts)
