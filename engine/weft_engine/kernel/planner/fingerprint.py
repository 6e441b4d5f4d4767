"""Functions and values of a program as plain data, the same in every process.

A function is named by its module and name, and by a hash of what it does: bytecode, constants,
names, defaults, and what it closes over. Objects are their class and their plain attributes. What
is anything else, is only named by its type: an address in memory must never find its way here.
"""

import functools
import hashlib
import inspect
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import CodeType
from typing import Any, Final

from weft_engine.kernel.inline import Inline
from weft_engine.kernel.redact import is_secret

_DEEPEST: Final = 6
_MOST: Final = 20
_LONGEST: Final = 200


def digest(data: Any, size: int = 6) -> str:
    """A short hash of plain data."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).hexdigest()


def plain(value: Any, depth: int = 0) -> Any:
    """A value as JSON; functions as `module:name#hash`, long things by a hash."""
    if value is None or isinstance(value, bool | int | float | str | bytes | bytearray):
        return _scalar(value)
    if depth >= _DEEPEST:
        return f"<{_name(type(value))}>"
    if isinstance(value, Mapping):
        return _mapping(value, depth + 1)
    if isinstance(value, list | tuple | range):
        return _sequence(value, depth + 1)
    if isinstance(value, set | frozenset):
        return {"set": sorted((plain(item, depth + 1) for item in value), key=digest)}
    return _code_or_object(value, depth)


def _scalar(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else repr(value)
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else f"{value[:40]}…#{digest(value)}"
    if isinstance(value, bytes | bytearray):
        return f"bytes[{len(value)}]#{hashlib.blake2b(value, digest_size=6).hexdigest()}"
    return value


def _code_or_object(value: Any, depth: int) -> Any:
    if isinstance(value, Inline):
        names = _mapping(value.names, depth + 1)
        return {"inline": value.code, "args": list(value.args), "names": names}
    if inspect.isclass(value):
        return f"{_name(value)}#{digest(_methods(value, depth + 1))}"
    if callable(value) and (inspect.isroutine(value) or isinstance(value, functools.partial)):
        return _function(value, depth + 1)
    return _object(value, depth + 1)


def _function(fn: Any, depth: int) -> Any:
    if isinstance(fn, functools.partial):
        parts = {"partial": plain(fn.func, depth), "args": _sequence(fn.args, depth)}
        return {**parts, "keywords": _mapping(fn.keywords, depth)} if fn.keywords else parts
    bound = getattr(fn, "__self__", None)
    code = getattr(fn, "__code__", None)
    if code is None:  # written in C
        owner = "" if bound is None or inspect.ismodule(bound) else f" of {_name(type(bound))}"
        return f"{getattr(fn, '__module__', None) or 'builtins'}:{fn.__qualname__}{owner}"
    data = [
        _code(code, depth),
        plain(fn.__defaults__, depth),
        plain(fn.__kwdefaults__, depth),
        [_cell(cell, depth) for cell in fn.__closure__ or ()],
    ]
    named = f"{fn.__module__}:{fn.__qualname__}#{digest(data)}"
    if bound is None or inspect.isclass(bound):
        return named
    return {"method": named, "of": plain(bound, depth)}


def _code(code: CodeType, depth: int) -> list[Any]:
    """What a piece of bytecode does, whatever file and line it stands in."""
    constants = [_constant(item, depth + 1) for item in code.co_consts]
    names = [list(code.co_names), code.co_argcount, code.co_kwonlyargcount, code.co_flags]
    return [hashlib.blake2b(code.co_code, digest_size=8).hexdigest(), constants, names]


def _constant(value: Any, depth: int) -> Any:
    if isinstance(value, CodeType):
        return _code(value, depth) if depth < 4 * _DEEPEST else value.co_name
    return [type(value).__name__, plain(value, min(depth, _DEEPEST - 1))]


def _cell(cell: Any, depth: int) -> Any:
    try:
        return plain(cell.cell_contents, depth)
    except ValueError:  # not filled yet
        return "<empty>"


def _object(value: Any, depth: int) -> Any:
    cls = type(value)
    if is_dataclass(value):
        state = {each.name: getattr(value, each.name, None) for each in fields(value)}
    else:
        state = dict(getattr(value, "__dict__", {}))
    named = f"{_name(cls)}#{digest(_methods(cls, depth))}"
    return {"object": named, **_mapping(state, depth)} if state else named


def _methods(cls: type, depth: int) -> Any:
    if cls.__module__ == "builtins":
        return []
    found = {
        name: _code(item.__code__, depth)
        for name, item in vars(cls).items()
        if inspect.isfunction(item)
    }
    return [found[name] for name in sorted(found)]


def _mapping(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    pairs = sorted(((str(key), item) for key, item in value.items()), key=lambda pair: pair[0])
    return {
        key: "•••" if is_secret(key) and isinstance(item, str) and item else plain(item, depth)
        for key, item in pairs
    }


def _sequence(value: Any, depth: int) -> Any:
    if isinstance(value, range):
        return {"range": [value.start, value.stop, value.step]}
    if len(value) <= _MOST:
        return [plain(item, depth) for item in value]
    head = [plain(item, depth) for item in value[:1000]]
    return {"items": len(value), "hash": digest(head)}


def _name(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"
