"""Reading a cluster configuration, with errors that tell the place and a way out."""

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from weft_engine.deploy.codes import DeployError, deploy_error
from weft_engine.deploy.config import FORMAT, ClusterConfig
from weft_engine.errors import FlowFileError
from weft_engine.flow.text_errors import Path
from weft_engine.flow.wording import sentence
from weft_engine.flow.yaml_text import read_yaml

LARGEST: Final = 200_000
_MOST_PROBLEMS: Final = 20
_SYNONYMS: Final = {
    "minReplicas": "min", "maxReplicas": "max", "min_replicas": "min", "max_replicas": "max",
    "nodeSelector": "node_selector", "rayVersion": "ray_version", "workerGroups": "workers",
    "worker_groups": "workers", "gpus": "gpu", "cpus": "cpu", "ram": "memory", "mem": "memory",
    "storageClass": "storage_class", "storageClassName": "storage_class", "secretName": "secret",
    "token": "token_secret",
    "idleTimeoutSeconds": "idle_timeout_s", "imagePullPolicy": "image_pull_policy",
    "imagePullSecrets": "image_pull_secrets", "accessMode": "access", "version": "ray_version",
    "tolerationSeconds": "seconds", "postgres": "database", "trusted_hosts": "hosts",
}  # fmt: skip
_SHAPES: Final = (
    ("[A-Za-z_][A-Za-z0-9_]*$", "A variable has letters, digits and _, and starts with no digit."),
    ("/:@", "An image looks like registry.example.com/team/weft:1.0."),
    ("^(/", "Write an absolute path, such as /checkpoints."),
    (r"^\d", "Write a whole version, such as 2.60.0."),
    ("[A-Z", "Use letters, digits, '-', '_' and '.'; begin and end with a letter or digit."),
    ("", "Use small letters, digits and '-'; begin with a letter, end with a letter or digit."),
)


def read_config(path: str | FilePath) -> ClusterConfig:
    """Read a configuration file, YAML or JSON.

    Raises:
        DeployError: with the line, the path of keys, and a hint; further ones in `params.others`.
    """
    place = FilePath(path)
    try:
        data = place.read_bytes()
    except FileNotFoundError:
        raise deploy_error(
            f"there is no file {str(path)!r}", code="not_found",
            hint="`weft deploy cluster --example` prints a configuration to begin with.",
        ) from None  # fmt: skip
    except OSError as error:
        raise deploy_error(
            f"{str(path)!r} cannot be read: {error.strerror or error}", code="unreadable"
        ) from None
    if len(data) > LARGEST:
        raise deploy_error(f"{str(path)!r} has {len(data):,} bytes; {LARGEST:,} are allowed",
                           code="unreadable")  # fmt: skip
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise deploy_error(
            "the file is not UTF-8 text", code="malformed", hint="Save it as UTF-8."
        ) from None
    return load_config(text)


def load_config(text: str) -> ClusterConfig:
    """Read a configuration from text; JSON is YAML too."""
    try:
        value, lines = read_yaml(text)
    except FlowFileError as error:
        raise DeployError(
            error.message, code="deploy.malformed", hint=error.hint, params=error.params
        ) from None
    if not isinstance(value, dict):
        raise deploy_error(
            "a cluster configuration is a mapping with keys such as format, name and image",
            code="bad_value", hint=f"Start with `format: {FORMAT}`.",
        )  # fmt: skip
    try:
        return ClusterConfig.model_validate(value)
    except ValidationError as error:
        problems = [_problem(value, detail, lines) for detail in _details(error)]
    problems.sort(key=lambda problem: (problem.params["line"] or 0, problem.message))
    first = problems[0]
    if len(problems) > 1:
        first.params["others"] = [problem.as_dict() for problem in problems[1:_MOST_PROBLEMS]]
    raise first


def _details(error: ValidationError) -> Iterator[ErrorDetails]:
    seen: set[tuple[str | int, ...]] = set()
    for detail in error.errors(include_url=False):
        if detail["loc"] not in seen:
            seen.add(detail["loc"])
            yield detail


def _problem(value: Any, detail: ErrorDetails, lines: Mapping[Path, int]) -> DeployError:
    kind, loc = detail["type"], detail["loc"]
    path = _existing(value, loc)
    line = next((lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines), None)
    inside, here = _dotted(path[:-1]), _dotted(path)
    context: Mapping[str, Any] = detail.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(path, line, inside)
    if kind == "missing":
        key = str(loc[-1])
        hint = f"Add `format: {FORMAT}` at the top." if key == "format" else f"Add it: {key}: …"
        return deploy_error(f"{here}the key {key!r} is missing", code="missing_key", hint=hint,
                            path=(*path, key), line=line)  # fmt: skip
    if kind == "quantity":
        return deploy_error(f"{here}{context['message']}", code="bad_quantity",
                            hint=str(context["hint"]), path=path, line=line)  # fmt: skip
    said = sentence(detail)
    if kind == "string_pattern_mismatch":
        said = f"{str(detail['input'])[:80]!r} has characters that are not allowed"
    return deploy_error(f"{here or 'the configuration '}{said}", code="bad_value",
                        hint=_hint(kind, path, detail), path=path, line=line)  # fmt: skip


def _hint(kind: str, path: Path, detail: ErrorDetails) -> str:
    context: Mapping[str, Any] = detail.get("ctx", {})
    if path[-2:] == ("server", "replicas"):
        return "A live document has one authority: one server, with more workers beside it."
    if kind == "string_pattern_mismatch":
        pattern = str(context["pattern"])
        return next(text for part, text in _SHAPES if part in pattern)
    if kind == "literal_error" and isinstance(detail["input"], str):
        choices = str(context.get("expected", "")).split("'")[1::2]
        lower = {choice.lower(): choice for choice in choices}
        close = difflib.get_close_matches(detail["input"].lower(), lower, n=1, cutoff=0.5)
        return f"Did you mean {lower[close[0]]!r}?" if close else ""
    if kind == "string_type":
        return "Put it in quotes."
    return ""


def _existing(value: Any, loc: tuple[str | int, ...]) -> Path:
    """The steps that lead somewhere in the file."""
    path: list[str | int] = []
    for step in loc:
        in_list = isinstance(value, list) and isinstance(step, int) and step < len(value)
        if not in_list and not (isinstance(value, Mapping) and step in value):
            break
        value = value[step]
        path.append(step)
    return tuple(path)


def _dotted(path: Path) -> str:
    """`("workers", 0, "cpu")` → `workers[1].cpu: `, counted from one as people do."""
    text = ""
    for step in path:
        text += f"[{step + 1}]" if isinstance(step, int) else f".{step}"
    return f"{text.removeprefix('.')}: " if text else ""


def _unknown_key(path: Path, line: int | None, inside: str) -> DeployError:
    key, known = str(path[-1]), list(_model_at(path[:-1]).model_fields)
    synonym = _SYNONYMS.get(key)
    close = [synonym] if synonym in known else difflib.get_close_matches(key, known, n=1)
    hint = f"Did you mean {close[0]!r}?" if close else f"Keys are {', '.join(known)}."
    return deploy_error(
        f"{inside}there is no key {key!r}", code="unknown_key", hint=hint, path=path, line=line,
        key=key, nearest=close[0] if close else None,
    )  # fmt: skip


def _model_at(path: Path) -> type[BaseModel]:
    """The model that stands at a place of the configuration."""
    model: type[BaseModel] = ClusterConfig
    for step in path:
        if isinstance(step, str) and step in model.model_fields:
            model = _model_in(model.model_fields[step].annotation) or model
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
