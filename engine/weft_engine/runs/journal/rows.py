"""The rows of the journal as bytes, and what the stores have in common."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec

from weft_engine.runs.debug import Breakpoint
from weft_engine.runs.identities import Identity
from weft_engine.runs.journal.base import (
    Lease,
    PackedRow,
    ReleaseRow,
    Row,
    RunEntry,
    SignalRow,
    StepRow,
    WakeRow,
)
from weft_engine.runs.journal.codec import Codec
from weft_engine.runs.journal.errors import damaged
from weft_engine.runs.run import RunRequest

_STEP: Final = StepRow.__struct_fields__
_WAKE: Final = WakeRow.__struct_fields__
_SIGNAL: Final = SignalRow.__struct_fields__
_PLAIN: Final = msgspec.msgpack.Encoder()
_SMALL: Final = frozenset({"inline", "size"})
_MOST_JOINED: Final = 256
_JOINED_BYTES: Final = 256 * 1024
_DIGEST: Final = re.compile(rb"\xd9@([0-9a-f]{64})")
"""A text of 64 characters in MessagePack: `StoredValue` and `OutputRef` name blobs so."""


def pack_step(row: StepRow, codec: Codec) -> PackedRow:
    """A row as bytes.

    Raises:
        JournalError: `journal.unstorable` for variables that cannot be kept.
    """
    return PackedRow(_packed(row, codec))


def pack_steps(rows: Sequence[StepRow], codec: Codec) -> list[PackedRow]:
    """Rows that are written together, many as one: a statement costs more than what it writes.

    Raises:
        JournalError: As `pack_step`.
    """
    if len(rows) <= 1:
        return [pack_step(row, codec) for row in rows]
    return _joined([_packed(row, codec) for row in rows])


def unpack_steps(data: bytes, codec: Codec) -> Iterator[StepRow]:
    """The rows that were packed; those of an older version lack the last fields."""
    values = codec.decode(data)
    if not isinstance(values, list):
        raise damaged("rows", "a row is none")
    several = values and isinstance(values[0], list)
    for row in values if several else (values,):
        yield StepRow(**dict(zip(_STEP, row, strict=False)))


def kept_steps(
    packed: Iterable[bytes], keep: Callable[[StepRow], bool], codec: Codec
) -> list[bytes]:
    """What is left of packed rows."""
    found: list[bytes] = []
    for data in packed:
        rows = list(unpack_steps(data, codec))
        kept = [row for row in rows if keep(row)]
        if len(kept) == len(rows):
            found.append(data)
        elif kept:
            found += [row.data for row in pack_steps(kept, codec)]
    return found


def _packed(row: StepRow, codec: Codec) -> bytes:
    fields = [getattr(row, name) for name in _STEP]
    if not (row.variables or row.failure or row.shown) and all(
        map(_is_small, row.outputs.values())
    ):
        with suppress(UnicodeEncodeError):
            return _PLAIN.encode(fields)  # the same bytes, ten times faster
    return codec.encode(fields, row.node)


def _is_small(stored: Any) -> bool:
    """Whether a value that stands in its row, of which nothing is said that is not plain."""
    return type(stored) is dict and stored.keys() <= _SMALL


def _joined(rows: list[bytes]) -> list[PackedRow]:
    found: list[PackedRow] = []
    part: list[bytes] = []
    size = 0
    for row in rows:
        if len(part) == _MOST_JOINED or (part and size + len(row) > _JOINED_BYTES):
            found.append(PackedRow(_array(part)))
            part, size = [], 0
        part.append(row)
        size += len(row)
    found.append(PackedRow(_array(part)))
    return found


def _array(packed: list[bytes]) -> bytes:
    """The MessagePack of an array, whose elements are there already."""
    return b"\xdc" + len(packed).to_bytes(2, "big") + b"".join(packed)


def pack_wake(row: WakeRow, codec: Codec) -> bytes:
    """As `pack_step`."""
    return codec.encode([getattr(row, name) for name in _WAKE], row.node)


def unpack_wake(data: bytes, codec: Codec) -> WakeRow:
    """As `unpack_step`."""
    return WakeRow(**_fields(_WAKE, data, codec))


def pack_signal(row: SignalRow, codec: Codec) -> bytes:
    """As `pack_step`."""
    return codec.encode([getattr(row, name) for name in _SIGNAL], row.name)


def unpack_signal(data: bytes, taken: Any, codec: Codec) -> SignalRow:
    """As `unpack_step`; whether it was taken stands beside it."""
    return SignalRow(**{**_fields(_SIGNAL, data, codec), "taken": bool(taken)})


def pack_request(request: RunRequest, codec: Codec) -> bytes:
    """What a run was asked for, as bytes."""
    plain = {name: getattr(request, name) for name in RunRequest.__struct_fields__}
    plain["breakpoints"] = msgspec.to_builtins(request.breakpoints)
    plain["identities"] = msgspec.to_builtins(request.identities)
    return codec.encode(plain, "the request of the run")


def unpack_request(data: bytes, codec: Codec) -> RunRequest:
    """What was packed; of an older version it lacks fields."""
    plain = codec.decode(data)
    try:
        known = {name: plain[name] for name in RunRequest.__struct_fields__ if name in plain}
        known["breakpoints"] = msgspec.convert(plain.get("breakpoints", []), list[Breakpoint])
        identities = plain.get("identities", {})
        known["identities"] = msgspec.convert(identities, dict[str, list[Identity]])
        return RunRequest(**known)
    except (TypeError, AttributeError, msgspec.ValidationError) as error:
        raise damaged("requests", str(error)) from error


ENTRY: Final = "id, plan_hash, status, tenant, priority, parent, forked_from, updated, request"
"""The columns of a run, in the order of `entry_of`."""


def columns_of(entry: RunEntry, codec: Codec) -> tuple[Any, ...]:
    """A run's columns, in the order of `ENTRY`."""
    return (
        entry.id,
        entry.plan_hash,
        entry.status,
        entry.tenant,
        entry.priority,
        entry.parent,
        entry.forked_from,
        entry.updated,
        pack_request(entry.request, codec),
    )


def entry_of(columns: Sequence[Any], codec: Codec) -> RunEntry:
    """The run that has these columns."""
    return RunEntry(
        id=columns[0],
        plan_hash=columns[1],
        status=columns[2],
        tenant=columns[3],
        priority=columns[4],
        parent=columns[5],
        forked_from=columns[6],
        updated=columns[7],
        request=unpack_request(columns[8], codec),
    )


def newest(rows: Iterable[StepRow]) -> list[StepRow]:
    """Of each attempt of an activation the row that was written last, in the order of writing.

    The end of an attempt takes the place of its start, and a group whose answer was lost may have
    been written twice.
    """
    found: dict[Any, StepRow] = {}
    for row in rows:
        identity = (row.kind, row.node, row.scope, row.key, row.attempt)
        found.pop(identity, None)
        found[identity] = row
    return list(found.values())


def digests_in(data: bytes) -> set[str]:
    """The blobs that a row names; perhaps more, never fewer."""
    return {digest.decode() for digest in _DIGEST.findall(data)}


class Group:
    """A batch of `JournalStore.write`, sorted by what is to be done."""

    def __init__(
        self,
        batch: Sequence[tuple[Lease, Row | None, tuple[str, str] | None]],
        codec: Codec,
    ) -> None:
        self.steps: list[tuple[tuple[str, int], bytes]] = []
        self.wakes: dict[tuple[tuple[str, int], str, str], tuple[WakeRow, bytes] | None] = {}
        """What is to be there in the end; None where nothing is."""
        self.releases: dict[tuple[str, int], str] = {}
        leases: dict[tuple[str, int], None] = {}
        for lease, row, over in batch:
            who = (lease.run_id, lease.token)
            leases[who] = None
            if over is not None:
                self.wakes[(who, *over)] = None
            if isinstance(row, StepRow):
                row = pack_step(row, codec)
            if isinstance(row, PackedRow):
                self.steps.append((who, row.data))
            elif isinstance(row, WakeRow):
                self.wakes[who, row.node, row.scope] = (row, pack_wake(row, codec))
            elif isinstance(row, ReleaseRow):
                self.releases[who] = row.status
        self.leases = list(leases)
        """Run and token."""

    def lost(self, held: Iterable[tuple[str, int]]) -> list[str]:
        """The runs whose lease is not among those that hold."""
        kept = set(held)
        return list(dict.fromkeys(run for run, token in self.leases if (run, token) not in kept))


def _fields(names: Sequence[str], data: bytes, codec: Codec) -> dict[str, Any]:
    values = codec.decode(data)
    if not isinstance(values, list):
        raise damaged("rows", "a row is none")
    return dict(zip(names, values, strict=False))
