"""What the settings of a node are called in sentences."""

from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from weft_engine.nodes.node_type import NodeClass, humanise

Path = Sequence[str | int]


def title_of(node: NodeClass, path: Path) -> str:
    """The title of a setting; of one inside others, with those around it.

    >>> from weft_engine.library.data_rows import Sort
    >>> title_of(Sort, ("by", 1, "descending"))
    'Sort by 2, Descending'
    """
    return ", ".join(_titles(node, path))


def chinese_title_of(node: NodeClass, path: Path) -> str:
    """The same in Chinese; empty when one of the names is not known."""
    zh = node.info.zh.settings
    said: list[str] = []
    for key in _steps(path):
        if isinstance(key, int):
            said[-1:] = [f"{said[-1]} {key + 1}"] if said else []
            continue
        text = zh.get(key, "")
        said.append(text if isinstance(text, str) else text[0])
    return "，".join(said) if all(said) else ""


def _steps(path: Path) -> Iterator[str | int]:
    """`("by", 1, "field")` → `by`, 1, `by.field`: the keys of the Chinese texts."""
    names: list[str] = []
    for step in path:
        if isinstance(step, int):
            yield step
        else:
            names.append(step)
            yield ".".join(names)


def _titles(node: type[BaseModel], path: Path) -> list[str]:
    said: list[str] = []
    here: type[BaseModel] | None = node
    for step in path:
        if isinstance(step, int):
            said[-1:] = [f"{said[-1]} {step + 1}"] if said else []
            continue
        field = _field(here, step) if here is not None else None
        said.append(field.title if field is not None and field.title else humanise(step))
        here = _model_in(field.annotation) if field is not None else None
    return said


def _field(model: type[BaseModel], name: str) -> FieldInfo | None:
    known = model.model_fields
    return known.get(name) or next((f for f in known.values() if f.alias == name), None)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that a setting holds, or holds many of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
