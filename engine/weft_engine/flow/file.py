"""The flow file, `format: weft/1`, in YAML or JSON: reading it."""

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from weft_engine.errors import FlowFileError, ResourceError
from weft_engine.flow.dump import dump
from weft_engine.flow.json_text import lines_of, read_json
from weft_engine.flow.model import (
    FORMAT,
    Checkpoint,
    Edge,
    Flow,
    FlowInput,
    Node,
    Note,
    Position,
    Retry,
    Size,
)
from weft_engine.flow.text_errors import Path, file_error
from weft_engine.flow.values import DEEPEST
from weft_engine.flow.wording import sentence
from weft_engine.flow.yaml_text import read_yaml

__all__ = ["LARGEST", "dump", "from_data", "load", "read_file"]

LARGEST: Final = 1_000_000
"""Bytes of a flow file."""
_MOST_PROBLEMS: Final = 20
_SYNONYMS: Final = {
    "kind": "type", "config": "settings", "params": "settings", "parameters": "settings",
    "options": "settings", "data": "settings", "label": "name", "title": "name",
    "desc": "description",
    "from": "source", "to": "target", "steps": "nodes", "connections": "edges", "links": "edges",
    "sourceHandle": "source_port", "targetHandle": "target_port", "timeout": "timeout_s",
    "retries": "retry", "onError": "on_error", "enabled": "disabled", "version": "format",
}  # fmt: skip

_OF_FLOW: Final[dict[str, type[BaseModel]]] = {"restart": Retry, "checkpoint": Checkpoint}
_OF_ENTRY: Final[dict[str, type[BaseModel]]] = {
    "nodes": Node, "edges": Edge, "inputs": FlowInput, "notes": Note,
}  # fmt: skip
_INSIDE: Final[dict[str, type[BaseModel]]] = {"position": Position, "retry": Retry, "size": Size}

Lines = Callable[[], Mapping[Path, int]]


def load(text: str, *, source: str = "<flow>") -> Flow:
    """Read a flow from JSON or YAML; FlowFileError says what is wrong, where, and what to do."""
    try:
        return _load(text)
    except FlowFileError as error:
        error.params["source"] = source
        raise


def read_file(path: str | FilePath) -> Flow:
    """Read a flow file."""
    place = FilePath(path)
    try:
        if place.is_file() and place.stat().st_size > LARGEST * 4:
            raise _too_big(place.stat().st_size)
        data = place.read_bytes()
    except FileNotFoundError:
        raise ResourceError(
            f"there is no file {str(path)!r}",
            code="file.not_found",
            hint=_near_file(place),
            params={"path": str(path)},
        ) from None
    except PermissionError:
        raise ResourceError(
            f"{str(path)!r} may not be read", code="file.permission", params={"path": str(path)}
        ) from None
    except OSError as error:
        raise FlowFileError(
            f"{str(path)!r} cannot be read: {error.strerror or error}",
            code="flow.file.unreadable",
            hint="Name a flow file, such as flow.yaml." if place.is_dir() else "",
            params={"path": str(path)},
        ) from None
    return load(_decode(data), source=str(path))


def from_data(data: Any) -> Flow:
    """Read a flow from a JSON value, with the same errors as from a file."""
    return _validated(data, dict)


def _load(text: str) -> Flow:
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > LARGEST:
        raise _too_big(size)
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise _empty()
    if _looks_like_json(text):
        return _validated(read_json(text), lambda: lines_of(text))
    value, lines = read_yaml(text)
    if value is None:
        raise _empty()
    return _validated(value, lambda: lines)


def _looks_like_json(text: str) -> bool:
    start = text.lstrip()
    return start[:1] == "[" or (start[:1] == "{" and start[1:].lstrip()[:1] in ('"', "}"))


def _decode(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise file_error(
            "the file is not UTF-8 text",
            code="encoding",
            hint="Save it as UTF-8.",
            line=data.count(b"\n", 0, error.start) + 1,
        ) from None


def _too_big(size: int) -> FlowFileError:
    return file_error(
        f"the flow has {size:,} bytes; {LARGEST:,} are allowed",
        code="too_big",
        hint="Keep data in files that the flow reads.",
        size=size,
        largest=LARGEST,
    )


def _empty() -> FlowFileError:
    return file_error(
        "the flow file is empty",
        code="empty",
        hint=f"A flow starts with `format: {FORMAT}` and `name: …`.",
    )


def _near_file(place: FilePath) -> str:
    try:
        names = [other.name for other in place.parent.iterdir()]
    except OSError:
        return f"There is no folder {str(place.parent)!r} either."
    close = difflib.get_close_matches(place.name, names, n=1)
    return f"Did you mean {str(place.parent / close[0])!r}?" if close else ""


def _validated(value: Any, lines: Lines) -> Flow:
    if not isinstance(value, dict):
        raise file_error(
            "this is not a flow file",
            code="not_a_flow",
            hint=f"A flow file starts with `format: {FORMAT}`, and has a name and nodes.",
        )
    _check_format(value, lines)
    _check_depth(value, lines)
    try:
        return Flow.model_validate(value)
    except ValidationError as error:
        known = lines()
        problems = [_problem(value, detail, known) for detail in _details(error)]
    problems.sort(key=lambda problem: (problem.params["line"] or 0, problem.message))
    first = problems[0]
    if len(problems) > 1:
        first.params["others"] = [problem.as_dict() for problem in problems[1:_MOST_PROBLEMS]]
    raise first


def _details(error: ValidationError) -> Iterator[ErrorDetails]:
    seen: set[tuple[str | int, ...]] = set()
    for detail in error.errors(include_url=False, include_context=True):
        if detail["loc"] not in seen:
            seen.add(detail["loc"])
            yield detail


def _check_format(value: dict[str, Any], lines: Lines) -> None:
    if "format" not in value:
        raise file_error(
            "the key 'format' is missing", code="missing_key",
            hint=f"Add `format: {FORMAT}` at the top.", path=("format",),
        )  # fmt: skip
    found = value["format"]
    if found != FORMAT:
        newer = isinstance(found, str) and found.startswith("weft/")
        raise file_error(
            f"the format {found!r} is not known",
            code="format",
            hint="It was made by a newer Weft; update this one." if newer else f"Write `{FORMAT}`.",
            line=lines().get(("format",)),
            path=("format",),
            format=str(found)[:100],
        )


def _check_depth(value: Any, lines: Lines) -> None:
    waiting: list[tuple[Path, Any]] = [((), value)]
    while waiting:
        path, here = waiting.pop()
        if isinstance(here, dict | list):
            if len(path) >= DEEPEST:
                raise file_error(
                    f"values are nested more than {DEEPEST} levels deep", code="too_deep",
                    hint="Write deep data as JSON text in one setting.", line=_line(lines(), path),
                )  # fmt: skip
            steps = here.items() if isinstance(here, dict) else enumerate(here)
            waiting.extend(((*path, step), item) for step, item in steps)


def _line(lines: Mapping[Path, int], path: Path) -> int | None:
    """The line of a place, or of the nearest one around it."""
    for end in range(len(path), 0, -1):
        if path[:end] in lines:
            return lines[path[:end]]
    return None


def _problem(value: Any, detail: ErrorDetails, lines: Mapping[Path, int]) -> FlowFileError:
    loc, kind = detail["loc"], detail["type"]
    of_key = bool(loc) and loc[-1] == "[key]"
    path = _existing(value, loc[:-1] if of_key else loc)
    line = _line(lines, path)
    where = _where(path[:-1])
    if kind == "extra_forbidden":
        return _unknown_key(path, line, where)
    if kind == "missing":
        return file_error(
            f"{_where(path)}the key {str(loc[-1])!r} is missing", code="missing_key",
            hint=f"Add it: {loc[-1]}: …", line=line, path=(*path, loc[-1]),
        )  # fmt: skip
    if kind == "string_pattern_mismatch":
        return _bad_id(detail, path, line, where)
    return file_error(
        f"{_where(path)}{sentence(detail)}", code="bad_value", hint=_fix(path, kind, detail),
        line=line, path=path, rule=kind,
    )  # fmt: skip


def _existing(value: Any, loc: Sequence[str | int]) -> Path:
    """The steps that lead somewhere in the file: pydantic adds names of union members."""
    path: list[str | int] = []
    for step in loc:
        in_list = isinstance(value, list) and isinstance(step, int) and step < len(value)
        if in_list or (isinstance(value, Mapping) and step in value):
            value = value[step]
            path.append(step)
    return tuple(path)


def _where(path: Path) -> str:
    """`("nodes", "read", "retry")` → `node 'read', retry: `."""
    if len(path) >= 2 and path[0] in ("nodes", "edges", "inputs", "notes", "variables"):
        word = str(path[0]).removesuffix("s")
        name = f"{word} {path[1] + 1}" if isinstance(path[1], int) else f"{word} {path[1]!r}"
        rest = ".".join(map(str, path[2:]))
        return f"{name}, {rest}: " if rest else f"{name}: "
    return f"{'.'.join(map(str, path))}: " if path else ""


def _model_at(path: Path) -> type[BaseModel]:
    found: type[BaseModel] | None = None
    if len(path) == 1:
        found = _OF_FLOW.get(str(path[0]))
    elif len(path) == 2:
        found = _OF_ENTRY.get(str(path[0]))
    elif path:
        found = _INSIDE.get(str(path[-1]))
    return found or Flow


def _unknown_key(path: Path, line: int | None, where: str) -> FlowFileError:
    key = str(path[-1])
    known = list(_model_at(path[:-1]).model_fields)
    synonym = _SYNONYMS.get(key)
    close = [synonym] if synonym in known else difflib.get_close_matches(key, known, n=1)
    hint = f"Did you mean {close[0]!r}?" if close else f"Keys are {', '.join(known)}."
    return file_error(
        f"{where}there is no key {key!r}", code="unknown_key", hint=hint, line=line, path=path,
        key=key, nearest=close[0] if close else None,
    )  # fmt: skip


def _bad_id(detail: ErrorDetails, path: Path, line: int | None, where: str) -> FlowFileError:
    value = str(detail["input"])[:80]
    if path and path[-1] == "type":
        return file_error(
            f"{where}{value!r} is not the name of a node type", code="bad_id",
            hint="A type is one word, such as data.filter.", line=line, path=path, value=value,
        )  # fmt: skip
    return file_error(
        f"{where}{value!r} cannot be an id",
        code="bad_id",
        hint="Ids have letters a–z, digits, - and _, start with a letter or _, and have at most 64"
        " characters. What people read goes into `name`.",
        line=line,
        path=path,
        value=value,
    )


def _fix(path: Path, kind: str, detail: ErrorDetails) -> str:
    if path == ("nodes",) and isinstance(detail["input"], list):
        return "Nodes stand under their ids: `nodes: {read: {type: …}}`."
    if path == ("edges",) and isinstance(detail["input"], dict):
        return "Edges are a list: `- {source: …, source_port: …, target: …, target_port: …}`."
    if kind == "model_type" and isinstance(detail["input"], str) and path[:1] == ("edges",):
        return "Write {source: …, source_port: …, target: …, target_port: …}."
    if kind == "literal_error" and isinstance(detail["input"], str):
        choices = str(detail.get("ctx", {}).get("expected", "")).split("'")[1::2]
        close = difflib.get_close_matches(detail["input"].lower(), choices, n=1, cutoff=0.5)
        return f"Did you mean {close[0]!r}?" if close else ""
    if kind == "string_type":
        return "Put it in quotes."
    return ""
