"""Objects of classes that node packages define, by module and name.

Only a class that is loaded already, stands in a module of a node package under its own name, and
is a dataclass, a pydantic model, a named tuple or an enum is ever looked up, and its objects are
filled field by field: neither `__init__` nor a validator runs.
"""

import dataclasses
import sys
from collections.abc import Iterable
from enum import Enum
from typing import Any, Final

from pydantic import BaseModel

from weft_engine.runs.journal.codec_types import UnfitError

_MISSING: Final = object()


class Classes:
    """The classes whose objects may be kept.

    Args:
        modules: Names of modules, and of packages with a dot at the end. Modules beside one of
            those in the same package count too.
    """

    def __init__(self, modules: Iterable[str]) -> None:
        self._modules: set[str] = set()
        packages: set[str] = set()
        for name in modules:
            package = name.rpartition(".")[0]
            self._modules.add(package if name.endswith(".") else name)
            if package:
                self._modules.add(package)
                packages.add(f"{package}.")
        self._packages = tuple(packages)

    def take_apart(self, value: Any) -> list[Any]:
        """`[module, name, kind, content]` of an object.

        Raises:
            UnfitError: Its class is not one of those.
        """
        kind = type(value)
        content = _content(value)
        found = self._find(kind.__module__, kind.__qualname__) if content else None
        if content is None or found is not kind:
            raise UnfitError(kind)
        return [kind.__module__, kind.__qualname__, *content]

    def put_together(self, plain: Any) -> Any:
        """The object again.

        Raises:
            ValueError: There is no such class now, or it has other fields.
        """
        module, name, form, content = plain
        kind = self._find(module, name)
        maker = _MAKERS.get(form)
        if kind is None or maker is None:
            raise ValueError(f"there is no class {module}:{name} of a node package")
        return maker(kind, content)

    def _find(self, module: str, name: str) -> type | None:
        if module not in self._modules and not module.startswith(self._packages):
            return None
        found: Any = sys.modules.get(module)
        for part in name.split("."):
            # vars and not getattr: looking something up must not run code either.
            found = vars(found).get(part) if hasattr(found, "__dict__") else None
        own = isinstance(found, type) and found.__module__ == module
        return found if own and found.__qualname__ == name else None


def _content(value: Any) -> list[Any] | None:
    if isinstance(value, Enum):
        return ["enum", value.name] if value.name in type(value).__members__ else None
    if isinstance(value, BaseModel):
        private = value.__pydantic_private__
        return [
            "model",
            [
                # Not what cached properties have left there.
                {k: v for k, v in value.__dict__.items() if k in type(value).model_fields},
                value.__pydantic_extra__,
                sorted(value.__pydantic_fields_set__),
                private and dict(private),
            ],
        ]
    if dataclasses.is_dataclass(value):
        return _fields(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return ["tuple", list(value)]
    return None


def _fields(value: Any) -> list[Any] | None:
    names = [field.name for field in dataclasses.fields(value)]
    found = {
        name: item for name in names if (item := getattr(value, name, _MISSING)) is not _MISSING
    }
    # What else somebody has put on it, or what its base holds, would be lost.
    beside = set(getattr(value, "__dict__", ())) - set(names)
    plain = not isinstance(value, str | bytes | int | float | list | dict | tuple | set)
    return ["data", found] if plain and not beside else None


def _make_enum(kind: type, name: Any) -> Any:
    if not issubclass(kind, Enum):
        raise ValueError(f"{kind.__qualname__} is no enum")
    return kind.__members__[name]


def _make_model(kind: type, content: Any) -> Any:
    if not issubclass(kind, BaseModel):
        raise ValueError(f"{kind.__qualname__} is no model")
    fields, extra, given, private = content
    known = set(kind.model_fields)
    if not set(fields) <= known or not set(given) <= known | set(extra or ()):
        raise ValueError(f"{kind.__qualname__} has other fields now")
    made = object.__new__(kind)
    BaseModel.__setstate__(
        made,
        {
            "__dict__": fields,
            "__pydantic_extra__": extra,
            "__pydantic_fields_set__": set(given),
            "__pydantic_private__": private,
        },
    )
    return made


def _make_data(kind: type, content: Any) -> Any:
    if not dataclasses.is_dataclass(kind):
        raise ValueError(f"{kind.__qualname__} is no dataclass")
    names = {field.name for field in dataclasses.fields(kind)}
    if not set(content) <= names:
        raise ValueError(f"{kind.__qualname__} has other fields now")
    made = object.__new__(kind)
    for name, item in content.items():
        object.__setattr__(made, name, item)
    return made


def _make_tuple(kind: type, content: Any) -> Any:
    names = getattr(kind, "_fields", None)
    if not issubclass(kind, tuple) or names is None or len(names) != len(content):
        raise ValueError(f"{kind.__qualname__} has other fields now")
    return tuple.__new__(kind, content)


_MAKERS: Final = {
    "enum": _make_enum,
    "model": _make_model,
    "data": _make_data,
    "tuple": _make_tuple,
}
