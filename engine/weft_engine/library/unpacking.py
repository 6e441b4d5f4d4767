"""Finding the records inside nested JSON."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from weft_engine.errors import NodeError
from weft_engine.nodes.types import Row


def at_path(content: Any, path: str) -> Any:
    """Follow a dotted path into nested JSON; a number picks an item of a list.

    >>> at_path({"data": [{"id": 7}]}, "data.0.id")
    7

    Raises:
        NodeError: `data.unknown_column` when the path leads nowhere.
    """
    here = content
    for step in filter(None, path.split(".")):
        if isinstance(here, Mapping) and step in here:
            here = here[step]
        elif isinstance(here, list) and step.isdigit() and int(step) < len(here):
            here = here[int(step)]
        else:
            raise _nowhere(here, step, path)
    return here


def _nowhere(here: Any, step: str, path: str) -> NodeError:
    names = [str(name) for name in here] if isinstance(here, Mapping) else []
    near = get_close_matches(step, names, 1, 0.5)
    has = f"It has: {', '.join(names[:12])}." if names else "There is no object at that place."
    return NodeError(
        f"The path {path!r} leads nowhere: there is no {step!r}.",
        code="data.unknown_column",
        hint=f"Did you mean {near[0]!r}? {has}" if near else has,
        params={"column": step, "path": path, "nearest": near[0] if near else None},
    )


def records_of(content: Any) -> Iterator[Row]:
    """Yield rows: the items of a list, or the one object there is.

    >>> list(records_of([{"id": 1}, 2]))
    [{'id': 1}, {'value': 2}]
    """
    for item in content if isinstance(content, list) else [content]:
        yield dict(item) if isinstance(item, Mapping) else {"value": item}
