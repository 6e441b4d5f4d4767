"""Which output may be wired to which input, and what happens on the way.

One function for the check, the canvas, the planner and the recommender. The same rules are
written in TypeScript; tests/vectors/fits.json holds the two together.
"""

from functools import lru_cache
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from weft_engine.nodes.port_type import ANY, JSON, PortType, list_of, optional

How = Literal["same", "subtype", "lift", "collect", "explode", "single", ""]

_PARENT: Final = {
    "Html": "Text",
    "Document": "Row",
    "Message": "Row",
    "Chunk": "Document",
    "Text": "Json",
    "Number": "Json",
    "Bool": "Json",
    "Row": "Json",
}
"""Each type and the one just above it. `Any` stands above and below all."""


class Fit(BaseModel):
    """Whether an output may be wired to an input.

    `how` says what happens on the way: nothing (`same`, `subtype`), the node works on each record
    (`lift`), a stream becomes a list (`collect`), a list becomes a stream (`explode`), a value
    becomes a stream of one (`single`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ok: bool
    how: How = ""
    reason: str = ""


@lru_cache(maxsize=4096)
def fits(output: PortType, target: PortType) -> Fit:
    """Decide whether `output` may be wired to the input `target`."""
    if output.stream and target.stream:
        return _plain(output.inner, target.inner) or _refuse(output, target)
    if output.stream:
        return _from_stream(output.inner, target) or _refuse(output, target)
    if target.stream:
        return _to_stream(output, target.inner) or _refuse(output, target)
    return _plain(output, target) or _refuse(output, target)


def is_subtype(a: PortType, b: PortType) -> bool:
    """Whether every value of `a` is a value of `b`; a variable stands for anything."""
    if a == b or "Any" in (a.name, b.name) or a.variable or b.variable:
        return True
    if a.optional:
        return (b.optional or b.name == "Json") and is_subtype(a.inner, b)
    if b.optional:
        return is_subtype(a, b.inner)
    if a.list:
        return is_subtype(a.inner, b.inner) if b.list else b == JSON and is_subtype(a.inner, JSON)
    return a.item is None and b.item is None and b.name in _above(a.name)


def common(a: PortType, b: PortType) -> PortType:
    """The narrowest type that takes values of both."""
    if a == b or is_subtype(b, a):
        return a
    if is_subtype(a, b):
        return b
    if a.optional or b.optional:
        return optional(common(_bare(a), _bare(b)))
    if a.list and b.list:
        return list_of(common(a.inner, b.inner))
    shared = [name for name in _above(a.name) if name in _above(b.name)]
    return PortType(shared[0]) if shared else ANY


def _bare(kind: PortType) -> PortType:
    return kind.inner if kind.optional else kind


def _above(name: str) -> list[str]:
    found = []
    while name in _PARENT:
        name = _PARENT[name]
        found.append(name)
    return found


def _plain(a: PortType, b: PortType) -> Fit | None:
    if not is_subtype(a, b):
        return None
    return Fit(ok=True, how="same" if a == b or b.variable or a.variable else "subtype")


def _from_stream(item: PortType, target: PortType) -> Fit | None:
    wanted = _bare(target)
    if wanted.list and not (_bare(item).list and is_subtype(item, target)):
        return Fit(ok=True, how="collect") if is_subtype(item, wanted.inner) else None
    return Fit(ok=True, how="lift") if is_subtype(item, target) else None


def _to_stream(value: PortType, item: PortType) -> Fit | None:
    if value.list and is_subtype(value.inner, item):
        return Fit(ok=True, how="explode")
    return Fit(ok=True, how="single") if is_subtype(value, item) else None


def _refuse(output: PortType, target: PortType) -> Fit:
    item, wanted = _bare_item(output), _bare_item(target)
    if output.list and not target.list and is_subtype(output.inner, _bare(target)):
        why = f"{output} is many at once, and {target} is one"
    elif target.list and not output.stream and is_subtype(_bare(output), _bare(target).inner):
        why = f"{output} is one, and {target} is many"
    elif item.optional and is_subtype(item.inner, wanted):
        why = f"{output} may be empty, and {target} may not"
    elif is_subtype(wanted, item):
        why = f"not every {item} is {wanted}"
    else:
        why = f"{output} is not {target}"
    return Fit(ok=False, reason=why)


def _bare_item(kind: PortType) -> PortType:
    return kind.inner if kind.stream else kind
