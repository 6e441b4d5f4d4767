"""The flow file, `format: weft/1`, in YAML or JSON: writing it."""

import json
import re
from typing import Any, Final, Literal

import yaml

from weft_engine.flow.model import Flow
from weft_engine.flow.topology import order
from weft_engine.flow.yaml_text import FLOAT, INTEGER

_ALWAYS: Final = ("format", "name", "mode")
_SHORT: Final = 72
_ODD_BREAKS: Final = re.compile("[\x85\u2028\u2029\ufeff]")


def dump(flow: Flow, *, kind: Literal["yaml", "json"] = "yaml") -> str:
    """Write a flow as a file: equal flows give equal text, nodes stand in the order they run."""
    data = to_data(flow)
    if kind == "json":
        return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return yaml.dump(
        _styled(data),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=1_000_000,
    )


def to_data(flow: Flow) -> dict[str, Any]:
    """The flow as JSON, without what is as by default."""
    written = flow.model_dump(mode="json", exclude_defaults=True)
    written.update({key: getattr(flow, key) for key in _ALWAYS})
    data = {key: written[key] for key in Flow.model_fields if key in written}
    if "nodes" in data:
        data["nodes"] = {node: _tidy(data["nodes"][node]) for node in order(flow)}
    for key in ("inputs", "variables", "notes"):
        if key in data:
            data[key] = {name: data[key][name] for name in sorted(data[key])}
    return data


def _tidy(value: Any) -> Any:
    """Whole numbers without a point."""
    if isinstance(value, dict):
        return {key: _tidy(item) for key, item in value.items()}
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return value


class _Inline(dict[str, Any]):
    """A mapping on one line."""


class _InlineList(list[Any]):
    """A list on one line."""


class _Dumper(yaml.SafeDumper):
    """Quotes whatever YAML 1.1 or 1.2 would not read as text."""

    def ignore_aliases(self, data: Any) -> bool:
        """A value that stands twice is written twice."""
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent lists below their key."""
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None
    if _ODD_BREAKS.search(text):
        style = '"'
    elif "\n" in text and text.strip() and text[0] not in " \n" and " \n" not in text:
        style = "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(
    _Inline,
    lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), True),
)
_Dumper.add_representer(
    _InlineList, lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, True)
)
for _tag, _pattern in (("int", INTEGER), ("float", FLOAT), ("int", re.compile("^0[ox]"))):
    _Dumper.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", _pattern, list("-+.0123456789"))


def _styled(data: dict[str, Any]) -> dict[str, Any]:
    styled = {key: _compact(value) for key, value in data.items()}
    if "edges" in styled:
        styled["edges"] = [_Inline(edge) for edge in styled["edges"]]
    return styled


def _compact(value: Any) -> Any:
    """Put what is short and flat on one line."""
    if isinstance(value, list):
        items = [_compact(item) for item in value]
        flat = all(_is_short(item) for item in items)
        return _InlineList(items) if flat and _width(items) <= _SHORT else items
    if isinstance(value, dict):
        held = {key: _compact(item) for key, item in value.items()}
        flat = all(_is_short(item) for item in held.values()) and "type" not in held
        return _Inline(held) if flat and _width([*held, *held.values()]) <= _SHORT else held
    return value


def _is_short(value: Any) -> bool:
    return not isinstance(value, dict | list) and "\n" not in str(value)


def _width(values: list[Any]) -> int:
    return sum(len(str(value)) + 2 for value in values)
