"""`weft nodes [TYPE]`: what a flow can be made of."""

import argparse
import json
from collections.abc import Iterator, Mapping
from typing import Any

from weft_engine.errors import FlowError, WeftError
from weft_engine.nodes.catalogue import Catalogue
from weft_server.cli.console import describe, err, grid, language, out, out_json

_WORDS = {
    "en": {"type": "type", "title": "title", "category": "category", "in": "in", "out": "out",
           "inputs": "Inputs", "outputs": "Outputs", "settings": "Settings",
           "required": "required", "default": "default", "one_of": "one of", "list": "list of"},
    "zh": {"type": "类型", "title": "名称", "category": "类别", "in": "输入", "out": "输出",
           "inputs": "输入", "outputs": "输出", "settings": "设置",
           "required": "必填", "default": "默认", "one_of": "可选", "list": "列表："},
}  # fmt: skip


def add_parser(subparsers: Any) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("nodes", help="list the node types, or show one")
    parser.add_argument("type", nargs="?", metavar="TYPE", help="a node type, such as data.filter")
    parser.add_argument("--json", action="store_true", help="print the node specs as JSON")
    parser.add_argument("--lang", choices=["en", "zh"], help="language of titles and descriptions")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the catalogue, or one node type; 2 when there is no such type."""
    catalogue = Catalogue.installed()
    try:
        specs = [_spec(catalogue, args.type)] if args.type else _all(catalogue)
    except WeftError as error:
        err(describe("nodes", error.as_dict()))
        return 2
    lang = language(args.lang)
    if args.json:
        out_json(specs)
    elif args.type:
        for line in _details(specs[0], lang):
            out(line)
    else:
        for line in _table(specs, lang):
            out(line)
    return 0


def _all(catalogue: Catalogue) -> list[dict[str, Any]]:
    return [spec.model_dump(mode="json") for spec in catalogue.specs()]


def _spec(catalogue: Catalogue, name: str) -> dict[str, Any]:
    for spec in catalogue.specs():
        if spec.type == name:
            return spec.model_dump(mode="json")
    nearest = catalogue.nearest(name)
    hint = f"did you mean {nearest}?" if nearest else "`weft nodes` lists them all"
    raise FlowError(f"there is no node type {name!r}", code="check.unknown_type", hint=hint)


def _text(spec: Mapping[str, Any], key: str, lang: str) -> str:
    translated = (spec.get("i18n") or {}).get(lang) or {}
    english = {"title": "name", "summary": "description"}[key]
    return str(translated.get(key) or spec.get(english) or "")


def _table(specs: list[dict[str, Any]], lang: str) -> list[str]:
    words = _WORDS[lang]
    rows = [
        [
            spec["type"],
            _text(spec, "title", lang),
            spec["category"],
            _ports(spec["inputs"]),
            _ports(spec["outputs"]),
        ]
        for spec in sorted(specs, key=lambda spec: str(spec["type"]))
    ]
    return grid([words[key] for key in ("type", "title", "category", "in", "out")], rows)


def _ports(ports: list[dict[str, Any]]) -> str:
    return ", ".join(f"{port['name']}: {port['type']}" for port in ports)


def _details(spec: dict[str, Any], lang: str) -> Iterator[str]:
    words = _WORDS[lang]
    yield f"{spec['type']} · {_text(spec, 'title', lang)}"
    yield _text(spec, "summary", lang)
    for side in ("inputs", "outputs"):
        if spec[side]:
            yield ""
            yield words[side]
            yield from (_port_line(port, words, side == "inputs") for port in spec[side])
    schema = spec["settings"]
    if schema.get("properties"):
        yield ""
        yield words["settings"]
        texts = ((spec.get("i18n") or {}).get(lang) or {}).get("settings") or {}
        yield from _settings(schema, schema.get("$defs") or {}, texts, words)


def _settings(
    schema: Mapping[str, Any],
    defs: Mapping[str, Any],
    texts: Mapping[str, Any],
    words: Mapping[str, str],
    path: str = "",
) -> Iterator[str]:
    """One setting a line, then what it means; the fields of a nested object below it."""
    required = set(schema.get("required") or [])
    indent = "  " + "    " * path.count(".")
    for name, field in schema["properties"].items():
        notes = [_kind(field, words)]
        if name in required:
            notes.append(words["required"])
        elif field.get("default") not in (None, "", []):
            notes.append(f"{words['default']} {json.dumps(field['default'], ensure_ascii=False)}")
        yield f"{indent}{name}: {', '.join(note for note in notes if note)}"
        text = " · ".join(part for part in _label(field, texts.get(path + name)) if part)
        if text:
            yield f"{indent}    {' '.join(text.split())}"
        nested = defs.get(_reference(field), {})
        if nested.get("properties"):
            yield from _settings(nested, defs, texts, words, f"{path}{name}.")


def _reference(schema: Mapping[str, Any]) -> str:
    """The name of the definition that a setting, or an item of it, refers to."""
    places = [schema, schema.get("items") or {}, schema.get("additionalProperties") or {}]
    found = next((p["$ref"] for p in places if isinstance(p, dict) and "$ref" in p), "")
    return str(found).rpartition("/")[2]


def _port_line(port: dict[str, Any], words: Mapping[str, str], is_input: bool) -> str:
    mark = f"  ({words['required']})" if is_input and port.get("required") else ""
    return f"  {port['name']}: {port['type']}{mark}"


def _label(schema: Mapping[str, Any], translated: Any) -> tuple[str, str]:
    if isinstance(translated, str):
        return translated, ""
    if isinstance(translated, Mapping):
        return str(translated.get("title", "")), str(translated.get("description", ""))
    if isinstance(translated, (list, tuple)) and translated:
        return str(translated[0]), str(translated[1]) if len(translated) > 1 else ""
    return "", str(schema.get("description") or schema.get("title") or "")


def _kind(schema: Mapping[str, Any], words: Mapping[str, str]) -> str:
    if "enum" in schema:
        return f"{words['one_of']} {', '.join(str(choice) for choice in schema['enum'])}"
    if "const" in schema:
        return json.dumps(schema["const"])
    if "anyOf" in schema:
        kinds = [_kind(choice, words) for choice in schema["anyOf"]]
        return " | ".join(kind for kind in kinds if kind != "null")
    if schema.get("type") == "array":
        return f"{words['list']} {_kind(schema.get('items') or {}, words)}".strip()
    return str(schema.get("x-widget") or schema.get("type") or _reference(schema))
