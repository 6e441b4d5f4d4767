"""Comparing manifests with published schemas.

Two kinds of file are read, as Kubernetes itself hands them out: a CustomResourceDefinition
(`kubectl get crd rayclusters.ray.io -o yaml`) and the OpenAPI document of a whole cluster
(`kubectl get --raw /openapi/v2`), which holds the core kinds and all that is installed besides.
Kubernetes drops keys that a schema does not name, silently; here they are errors.
"""

import importlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from weft_engine.deploy.codes import DeployError, deploy_error
from weft_engine.deploy.pods import Manifest

Kind = tuple[str, str]
"""`apiVersion` and `kind`."""
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_HINT: Final = (
    "Give the output of `kubectl get --raw /openapi/v2`, or of "
    "`kubectl get crd rayclusters.ray.io -o yaml`."
)
_MOST: Final = 20


class Schemas:
    """The schemas of some kinds."""

    def __init__(self, found: Mapping[Kind, Mapping[str, Any]]) -> None:
        self._found = dict(found)

    @property
    def kinds(self) -> frozenset[Kind]:
        """Which kinds can be compared."""
        return frozenset(self._found)

    def check(self, manifests: Iterable[Manifest]) -> list[DeployError]:
        """What does not fit; manifests of kinds without a schema are passed over."""
        if not self._found:
            return []
        validator = importlib.import_module("jsonschema").Draft202012Validator
        problems: list[DeployError] = []
        for manifest in manifests:
            schema = self._found.get((manifest["apiVersion"], manifest["kind"]))
            if schema is not None:
                problems += [
                    _mismatch(manifest, e) for e in validator(schema).iter_errors(manifest)
                ]
        return problems[:_MOST]


def read_schemas(paths: Iterable[Path]) -> Schemas:
    """Read schema files.

    Raises:
        DeployError: `deploy.unreadable` or `deploy.bad_schema`.
    """
    found: dict[Kind, Mapping[str, Any]] = {}
    for path in paths:
        here = dict(_of_file(path))
        if not here:
            raise deploy_error(f"{str(path)!r} holds no schema", code="bad_schema", hint=_HINT)
        found |= here
    return Schemas(found)


def _of_file(path: Path) -> Iterator[tuple[Kind, Mapping[str, Any]]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise deploy_error(f"{str(path)!r} cannot be read: {said}", code="unreadable") from None
    try:
        json_text = text.lstrip().startswith("{")
        documents = [json.loads(text)] if json_text else list(yaml.load_all(text, _Loader))
    except (ValueError, yaml.YAMLError):
        raise deploy_error(
            f"{str(path)!r} is neither JSON nor YAML", code="bad_schema", hint=_HINT
        ) from None
    for document in documents:
        yield from _of_document(document)


def _of_document(document: Any) -> Iterator[tuple[Kind, Mapping[str, Any]]]:
    if not isinstance(document, dict):
        return
    if isinstance(document.get("definitions"), dict):
        yield from _of_openapi(document["definitions"])
    elif document.get("kind") == "CustomResourceDefinition":
        yield from _of_crd(document)
    elif isinstance(document.get("items"), list):
        for item in document["items"]:
            yield from _of_document(item)


def _of_crd(document: Mapping[str, Any]) -> Iterator[tuple[Kind, Mapping[str, Any]]]:
    spec = document.get("spec", {})
    for version in spec.get("versions", ()):
        schema = version.get("schema", {}).get("openAPIV3Schema")
        if schema is not None:
            kind = (f"{spec['group']}/{version['name']}", spec["names"]["kind"])
            yield kind, closed(schema)


def _of_openapi(definitions: Mapping[str, Any]) -> Iterator[tuple[Kind, Mapping[str, Any]]]:
    every = {name: closed(schema) for name, schema in definitions.items()}
    for name, schema in definitions.items():
        for kind in schema.get("x-kubernetes-group-version-kind", ()):
            api = "/".join(part for part in (kind["group"], kind["version"]) if part)
            yield (
                (api, kind["kind"]),
                {"$ref": f"#/definitions/{_pointer(name)}", "definitions": every},
            )


def _pointer(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def closed(schema: Any) -> Any:
    """A schema of Kubernetes as a JSON Schema that refuses keys it does not name."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string") or schema.get("format") == "int-or-string":
        return {"type": ["integer", "string"]}
    result = {key: value for key, value in schema.items() if key not in ("description", "format")}
    for key in ("items", "additionalProperties", "allOf", "anyOf", "oneOf", "not"):
        if key in result:
            result[key] = closed(result[key])
    if "properties" in result:
        result["properties"] = {name: closed(one) for name, one in result["properties"].items()}
        if not result.get("x-kubernetes-preserve-unknown-fields"):
            result.setdefault("additionalProperties", False)
    return result


def _mismatch(manifest: Manifest, error: Any) -> DeployError:
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    path = ".".join(str(step) for step in error.absolute_path) or "."
    return deploy_error(
        f"{kind} {name!r} does not fit its schema at {path}: {str(error.message)[:300]}",
        code="schema_mismatch",
        hint="The cluster may have an older KubeRay than 1.6; else this is a mistake of Weft.",
        path=tuple(error.absolute_path),
        kind=kind,
        name=name,
    )
