"""How keyed state is laid out in the parts of a checkpoint.

A part is a magic number, the length of its head, the head, and chunks behind it. The head says
where the chunks of every key group and state are, so that a subtask unpickles only its own. Both
backends write the same, so that state can move from one to the other.
"""

import pickle
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from weft_engine.errors import ResourceError
from weft_engine.kernel import codes  # noqa: F401 - registers the codes
from weft_engine.kernel.checkpoint.api import CheckpointStorage, Part
from weft_engine.kernel.state.api import StateSpec

_MAGIC: Final = b"WEFTKS01"
_LENGTH: Final = struct.Struct("<Q")
PART_BYTES: Final = 32 * 2**20
"""About how large a part gets before another one is begun."""


@dataclass(frozen=True, slots=True)
class Entries:
    """Some entries of one state, all of one key group."""

    keys: list[Any]
    values: list[Any]
    times: list[int] | None
    """When each was last written, where the state has a time to live."""
    dead: list[Any]
    """Keys that are gone since the part before."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Entries as they are written."""

    spec: StateSpec
    group: int
    data: bytes


def pack(
    spec: StateSpec,
    group: int,
    keys: list[Any],
    values: list[Any],
    times: Sequence[int] | None = None,
    dead: Sequence[Any] = (),
) -> Chunk:
    """Make a chunk of keys and their values.

    Raises:
        ResourceError: `state.unpicklable`.
    """
    content = (keys, values, None if times is None else list(times), list(dead))
    return Chunk(spec, group, dumps(spec, content))


def dumps(spec: StateSpec, content: Any) -> bytes:
    """Pickle something of a state.

    Raises:
        ResourceError: `state.unpicklable`.
    """
    try:
        return pickle.dumps(content, protocol=5)
    except Exception as exc:
        raise ResourceError(
            f"a value in the state {spec.name!r} cannot be pickled: {exc}",
            code="state.unpicklable",
            hint="Keep plain values in state; make clients, locks and functions in open().",
            params={"state": spec.name},
        ) from exc


def write_parts(
    storage: CheckpointStorage, name: str, chunks: Iterable[Chunk], key_groups: int
) -> tuple[Part, ...]:
    """Write chunks into as many parts as it takes; none when there are no chunks."""
    written: list[Part] = []
    held: list[Chunk] = []
    size = 0
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk.data)
        if size >= PART_BYTES:
            written.append(storage.write(f"{name}-{len(written)}", _join(held, key_groups)))
            held, size = [], 0
    if held:
        written.append(storage.write(f"{name}-{len(written)}", _join(held, key_groups)))
    return tuple(written)


def _join(chunks: Sequence[Chunk], key_groups: int) -> bytes:
    specs: dict[StateSpec, int] = {}
    index = [
        (specs.setdefault(chunk.spec, len(specs)), chunk.group, len(chunk.data)) for chunk in chunks
    ]
    states = [
        {"name": s.name, "kind": s.kind, "ttl_ms": s.ttl_ms, "namespaced": s.namespaced}
        for s in specs
    ]
    head = pickle.dumps({"key_groups": key_groups, "states": states, "chunks": index}, protocol=5)
    return b"".join((_MAGIC, _LENGTH.pack(len(head)), head, *(chunk.data for chunk in chunks)))


def read_part(
    storage: CheckpointStorage, part: Part, groups: range, key_groups: int
) -> Iterator[tuple[StateSpec, Entries]]:
    """The entries of a part that belong to some key groups.

    Raises:
        ResourceError: `checkpoint.corrupt`, `checkpoint.format`, or `checkpoint.key_groups` when
            the keys were divided differently.
    """
    data = memoryview(storage.read(part))
    start = len(_MAGIC) + _LENGTH.size
    if bytes(data[: len(_MAGIC)]) != _MAGIC:
        raise ResourceError(
            f"{part.name} is not keyed state that this version can read",
            code="checkpoint.format",
            hint="Start from a checkpoint that this version of Weft has written.",
        )
    (length,) = _LENGTH.unpack(data[len(_MAGIC) : start])
    head = pickle.loads(data[start : start + length])  # noqa: S301 - the digest was checked
    if head["key_groups"] != key_groups:
        raise ResourceError(
            f"the checkpoint divides keys into {head['key_groups']} groups, the job into"
            f" {key_groups}",
            code="checkpoint.key_groups",
            hint=f"Set key_groups to {head['key_groups']}: it is fixed for as long as state lives.",
        )
    specs = [StateSpec(**fields) for fields in head["states"]]
    position = start + length
    for number, group, size in head["chunks"]:
        if group in groups:
            content = pickle.loads(data[position : position + size])  # noqa: S301
            yield specs[number], Entries(*content)
        position += size
