"""What had to be hidden of a document, as problems that a check reports."""

from typing import Final

from weft_engine.compiler.problems import Problem
from weft_server.errors import register
from weft_server.rooms.reading import DocumentProblem

_TEXTS: Final[dict[str, tuple[str, str, str]]] = {
    "document.bad_value": (
        "A value of the document cannot be used and gives way to its default.",
        "{place}: the value of {path} cannot be used; its default holds.",
        "Set it again.",
    ),
    "document.malformed_node": (
        "A node of the document cannot be read and is hidden.",
        "The node {node} cannot be read and is hidden.",
        "Undo the change that made it, or add the node again.",
    ),
    "document.malformed_edge": (
        "An edge of the document cannot be read and is hidden.",
        "The edge {edge} cannot be read and is hidden.",
        "Draw it again.",
    ),
    "document.malformed_note": (
        "A note of the document cannot be read and is hidden.",
        "The note {path} cannot be read and is hidden.",
        "Write it again.",
    ),
    "document.duplicate_edge": (
        "An edge stands in the document twice and is shown once.",
        "The edge {edge} is there twice and is shown once.",
        "Nothing needs to be done.",
    ),
    "document.dangling_edge": (
        "An edge leads to or from a node that was deleted, and is hidden.",
        "The edge {edge} leads to or from a node that was deleted, and is hidden.",
        "Undo the deletion to see it again.",
    ),
    "document.port_taken": (
        "Two people connected the same input; one of the edges is hidden.",
        "The edge {edge} leads into an input that has an edge already, and is hidden.",
        "Remove the other edge to see this one.",
    ),
    "document.cycle": (
        "Edges that several people drew form a circle; one of them is hidden.",
        "The edge {edge} closes a circle and is hidden.",
        "Remove another edge of the circle to see this one.",
    ),
    "document.orphan_parent": (
        "A node lies in a frame that was deleted, or in itself; it is shown outside.",
        "The node {node} lies in a frame that is not there; it is shown outside.",
        "Move it into another frame.",
    ),
}
register({code: about for code, (about, *_) in _TEXTS.items()})


def as_problem(found: DocumentProblem) -> Problem:
    """The same, for people."""
    _, message, hint = _TEXTS[found.code]
    place = f"Node {found.node}" if found.node else "The flow"
    parts = {"node": found.node, "edge": found.edge, "path": found.path}
    params = {name: value for name, value in parts.items() if value is not None}
    return Problem(
        code=found.code,
        severity="warning",
        message=message.format(place=place, **parts),
        hint=hint,
        node=found.node,
        edge=found.edge,
        path=None if found.path is None else tuple(found.path.split(".")),
        params=params,
    )
