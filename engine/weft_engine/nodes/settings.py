"""The settings of a node against its type: what is wrong, and what would be right."""

import difflib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from weft_engine.errors import WeftError, preview
from weft_engine.flow.wording import sentence
from weft_engine.nodes.node_type import NodeClass, NodeType
from weft_engine.nodes.setting_titles import chinese_title_of, title_of

IssueKind = Literal["bad", "unknown", "missing", "expression"]


class SettingIssue(BaseModel):
    """One thing that is wrong with the settings of a node."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    kind: IssueKind
    path: tuple[str | int, ...]
    """Where in the settings; empty when several settings do not go together."""
    message: str
    hint: str = ""
    nearest: tuple[Any, ...] = ()
    """The nearest valid value, or for an unknown setting the nearest name; at most one."""
    params: dict[str, Any] = {}


def validate(
    node: NodeClass, settings: Mapping[str, Any]
) -> tuple[NodeType | None, list[SettingIssue]]:
    """Build a node of that type, or say everything that is wrong with its settings."""
    given = {key: value for key, value in settings.items() if key != "type"}
    try:
        built = node.model_validate(given)
    except ValidationError as error:
        issues = list(_issues(node, given, error))
    except WeftError as error:
        issues = [
            SettingIssue(kind="bad", path=(), message=error.message, hint=error.hint,
                         params=error.params)
        ]  # fmt: skip
    except Exception as error:  # noqa: BLE001 - validators of plugins may raise anything
        issues = [SettingIssue(kind="bad", path=(), message=f"{type(error).__name__}: {error}")]
    else:
        issues = []
        if "type" not in settings:
            return built, []
    if "type" in settings:
        issues.append(_unknown(node, given, ("type",)))
    return None, issues


def _issues(
    node: NodeClass, settings: Mapping[str, Any], error: ValidationError
) -> Iterator[SettingIssue]:
    seen: set[tuple[str | int, ...]] = set()
    for detail in error.errors(include_url=False, include_context=True):
        path = _path_in(settings, detail["loc"], missing=detail["type"] == "missing")
        if path in seen or _miscounted(detail):  # each member of a union complains once
            continue
        seen.add(path)
        yield _issue(node, settings, detail, path)


def _miscounted(detail: ErrorDetails) -> bool:
    """Whether a list is called too short because its entries, which are there, are wrong."""
    given, least = detail["input"], detail.get("ctx", {}).get("min_length")
    return detail["type"] == "too_short" and isinstance(given, list) and len(given) >= (least or 0)


def _path_in(settings: Any, loc: Sequence[str | int], *, missing: bool) -> tuple[str | int, ...]:
    """Keep the steps that lead somewhere in the settings: pydantic adds names of union members."""
    path: list[str | int] = []
    here = settings
    for at, step in enumerate(loc):
        last = at == len(loc) - 1
        if isinstance(here, Mapping) and (step in here or (missing and last)):
            here = here.get(step)
        elif isinstance(here, list) and isinstance(step, int) and step < len(here):
            here = here[step]
        else:
            continue
        path.append(step)
    return tuple(path)


def _issue(
    node: NodeClass, settings: Mapping[str, Any], detail: ErrorDetails, path: tuple[str | int, ...]
) -> SettingIssue:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown(node, settings, path)
    if kind == "missing":
        return SettingIssue(
            kind="missing",
            path=path,
            message=f"{title_of(node, path)} is required",
            hint="Fill it in.",
            params=_name(node, path),
        )
    if kind == "expression":
        return SettingIssue(
            kind="expression",
            path=path,
            message=str(context["message"]),
            hint=str(context["hint"]),
            params={
                **{key: preview(value) for key, value in context.items() if key != "hint"},
                **_name(node, path),
            },
        )
    nearest = _nearest(detail)
    message = sentence(detail)
    return SettingIssue(
        kind="bad",
        path=path,
        message=_about(title_of(node, path), message),
        hint=f"Did you mean {nearest[0]!r}?" if nearest else "",
        nearest=nearest,
        params={
            **_name(node, path),
            "value": preview(detail["input"]),
            "rule": kind,
            **_plain(context),
        },
    )


def _about(title: str, message: str) -> str:
    """`Size should be at least 1`; what is a sentence of its own stands behind a colon."""
    if not title:
        return message
    return (
        f"{title} {message}" if message.startswith(("should ", "has ")) else f"{title}: {message}"
    )


def _name(node: NodeClass, path: tuple[str | int, ...]) -> dict[str, Any]:
    """What the setting is called; nothing when it is about several."""
    if not path:
        return {}
    titles = {"title": title_of(node, path), "title_zh": chinese_title_of(node, path)}
    return {"setting": show(path), **{key: text for key, text in titles.items() if text}}


def _unknown(
    node: NodeClass, settings: Mapping[str, Any], path: tuple[str | int, ...]
) -> SettingIssue:
    name = str(path[-1])
    known = [field for field in node.model_fields if field != "type"] if len(path) == 1 else []
    free = [field for field in known if field not in settings]
    close = difflib.get_close_matches(name, free, n=1, cutoff=0.6)
    hint = f"Did you mean {close[0]!r}?" if close else ""
    if not hint:
        hint = f"It has {', '.join(known)}." if known else "Remove it."
    return SettingIssue(
        kind="unknown",
        path=path,
        message=f"there is no setting {name!r}"
        if len(path) == 1
        else f"{show(path)} means nothing",
        hint=hint,
        nearest=tuple(close),
        params={"setting": show(path), "nearest": close[0] if close else None},
    )


def show(path: Sequence[str | int]) -> str:
    """`("by", 0, "field")` → `by[0].field`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


_LIMITS: Final = ("ge", "le", "gt", "lt")


def _nearest(detail: ErrorDetails) -> tuple[Any, ...]:
    """The valid value that is closest to the one given, when there is one."""
    value, context = detail["input"], detail.get("ctx", {})
    if detail["type"] in ("literal_error", "enum"):
        return _nearest_choice(value, str(context.get("expected", "")))
    limit = next((key for key in _LIMITS if key in context), None)
    if limit is not None and isinstance(value, int | float) and not isinstance(value, bool):
        return _nearest_number(limit, context[limit], whole=isinstance(value, int))
    if detail["type"] == "string_too_long" and isinstance(value, str):
        return (value[: int(context["max_length"])],)
    return _converted(detail["type"], value)


def _nearest_choice(value: Any, expected: str) -> tuple[Any, ...]:
    choices = _choices(expected)
    if isinstance(value, str):
        lowered = {choice.lower(): choice for choice in choices}
        close = difflib.get_close_matches(value.lower().strip(), lowered, n=1, cutoff=0.5)
        if close:
            return (lowered[close[0]],)
    return ()


def _choices(expected: str) -> list[str]:
    """Pydantic writes `'a', 'b' or 'c'`."""
    return [part for at, part in enumerate(expected.split("'")) if at % 2 == 1]


def _nearest_number(rule: str, limit: Any, *, whole: bool) -> tuple[Any, ...]:
    if not isinstance(limit, int | float):
        return ()
    if rule in ("ge", "le"):
        return (limit,)
    if whole and float(limit).is_integer():
        return (int(limit) + 1 if rule == "gt" else int(limit) - 1,)
    return ()


def _converted(rule: str, value: Any) -> tuple[Any, ...]:
    if rule == "string_type" and isinstance(value, int | float) and not isinstance(value, bool):
        return (str(value),)
    if rule.startswith("int_") and isinstance(value, float) and math.isfinite(value):
        return (round(value),)
    if rule == "list_type" and isinstance(value, str):
        return ([value],)
    return ()


def _plain(context: Mapping[str, Any]) -> dict[str, Any]:
    return {key: preview(value) for key, value in context.items() if key != "error"}
