"""Decides as how many subtasks every operator runs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from weft_engine.kernel.planner.logical import Logical, Node
from weft_engine.kernel.program_errors import ProgramError
from weft_engine.kernel.settings import Settings

ALWAYS_ONE: Final = frozenset(
    {
        "collect",
        "concat",
        "first_of",
        "fold",
        "iterate",
        "limit",
        "linear",
        "operator",
        "reduce_all",
        "sink_factory",
        "sort",
        "to_list",
        "zip",
    }
)
"""Kinds whose meaning is about the stream as a whole."""

ONE_UNLESS_KEYED: Final = frozenset({"aggregate", "distinct", "join", "process", "reduce"})
"""Kinds that need all records of a key, or else all records, in one place."""


AS_BEFORE: Final = frozenset({"timestamps"})
"""Kinds that run as often as what they read: records dealt out to several subtasks in front of
them would have lost their order before anybody looks at their times."""


def resolve_parallelism(logical: Logical) -> Logical:
    """Give every operator a number of subtasks.

    Raises:
        ProgramError: when one is asked to run as more subtasks than it can.
    """
    settings = logical.settings
    _check_settings(settings)
    resolved = []
    notes = []
    numbers: dict[int, int] = {}
    for id_, node in logical.nodes.items():
        numbers[id_] = number = _parallelism(node, settings, numbers)
        if number != settings.parallelism and node.vertex.parallelism is None:
            notes.append(f"{node.label} runs as {number}: {_why(node)}")
        vertex = replace(node.vertex, parallelism=number)
        resolved.append((id_, replace(node, vertex=vertex)))
    return logical.with_nodes(resolved, *notes)


def is_keyed(node: Node) -> bool:
    """Whether all its inputs are distributed by key."""
    return bool(node.inputs) and all(each.ship.kind == "hash" for each in node.inputs)


def _parallelism(node: Node, settings: Settings, numbers: Mapping[int, int]) -> int:
    vertex, wanted = node.vertex, node.vertex.parallelism
    if wanted is not None and wanted < 1:
        raise ProgramError(
            f"{node.label} is to run as {wanted} subtasks.",
            hint="Give it a parallelism of at least 1.",
        )
    if _is_single(node):
        if wanted is not None and wanted > 1:
            raise ProgramError(
                f"{node.label} ({vertex.kind}) is to run as {wanted} subtasks, but can only run "
                "as one: it looks at the stream as a whole.",
                hint="Leave out its parallelism, or put key_by before it where that makes sense.",
            )
        return 1
    number = wanted if wanted is not None else _default(node, settings, numbers)
    keyed = any(each.ship.kind == "hash" for each in node.inputs)
    if keyed and number > settings.key_groups:
        raise ProgramError(
            f"{node.label} is to run as {number} subtasks, but keys are divided into "
            f"{settings.key_groups} groups only, and a group is never divided.",
            hint="Lower the parallelism, or raise key.groups before the job first runs.",
        )
    return number


def _is_single(node: Node) -> bool:
    kind = node.vertex.kind
    return kind in ALWAYS_ONE or (kind in ONE_UNLESS_KEYED and not is_keyed(node))


def _default(node: Node, settings: Settings, numbers: Mapping[int, int]) -> int:
    if node.inputs:
        before = {numbers[each.ref.operator] for each in node.inputs}
        stays = all(each.ship.kind in ("auto", "forward") for each in node.inputs)
        if node.vertex.kind in AS_BEFORE and stays and len(before) == 1:
            return before.pop()
        return settings.parallelism
    splits = getattr(node.vertex.params.get("source"), "splits", None)
    if settings.parallelism == 1 or splits is None:
        return 1
    return max(1, min(settings.parallelism, len(splits())))


def _why(node: Node) -> str:
    if _is_single(node):
        return "it looks at the stream as a whole"
    if node.vertex.kind in AS_BEFORE:
        return "as often as what it reads, so that records keep their order"
    return "a source has no more subtasks than parts it can be read in"


def _check_settings(settings: Settings) -> None:
    if settings.parallelism < 1:
        raise ProgramError(
            f"The parallelism is {settings.parallelism}.", hint="It must be at least 1."
        )
    groups = settings.key_groups
    if groups < 1 or groups & (groups - 1):
        raise ProgramError(
            f"Keys are to be divided into {groups} groups.",
            hint="The number of key groups must be a power of two.",
        )
