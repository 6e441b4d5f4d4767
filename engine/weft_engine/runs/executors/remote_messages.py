"""What a run and the workers of its units say to each other.

Every note is one value of the journal's codec, a list that begins with a word: reading it makes
data and runs nothing. Streams travel in pieces of about a megabyte, before the note that needs
them.

To a worker: `program`, `run`, `part`, `unit`, `answer`, `cancel`, `leave`, `over`.
From it: `told`, `part`, `blob`, `ask`, `done`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

from weft_engine.compiler.program import Program, ProgramOptions, ScopePlan
from weft_engine.errors import ResourceError
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.types import SKIP
from weft_engine.runs import codes  # noqa: F401 - registers the codes
from weft_engine.runs.journal.codec import Codec
from weft_engine.runs.journal.pieces import Chunks
from weft_engine.runs.journal.records import Records, RecordsWriter
from weft_engine.runs.planned import Key

MOST_BYTES: Final = 2**30
"""The longest note; a single value that is larger has no way to another process."""

Send = Callable[[bytes], None]


def note(codec: Codec, *words: Any, where: str = "") -> bytes:
    """A note as bytes.

    Raises:
        JournalError: `journal.unstorable`: a value that cannot be written exactly.
        ResourceError: `run.value_too_big`.
    """
    body = codec.encode(list(words), where)
    if len(body) > MOST_BYTES:
        raise ResourceError(
            f"A value of {len(body):,} bytes is too big for another process.",
            code="run.value_too_big",
            hint="Give it as a stream of smaller records, or through a file.",
            params={"bytes": len(body), "most": MOST_BYTES, "where": where},
        )
    return body


class Placed(msgspec.Struct, frozen=True, array_like=True):
    """A value at a boundary: in its note, or sent in pieces before."""

    kind: Literal["skip", "value", "records"]
    value: Any = None
    count: int = 0
    gaps: bool = False


def place(codec: Codec, value: Any, where: str, part: Callable[[bytes], None]) -> list[Any]:
    """Send what of a value goes in pieces; the rest, for the note."""
    if value is SKIP:
        return ["skip", None, 0, False]
    if not isinstance(value, Records):
        return ["value", value, 0, False]
    chunks = Chunks(codec, part, where)
    for batch in value.batches():
        chunks.add(batch)
    chunks.flush()
    return ["records", None, value.count, value.gaps]


class Arriving:
    """Streams that arrive in pieces, until they are asked for."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._writers: dict[Key, RecordsWriter] = {}

    def part(self, node: str, port: str, piece: bytes) -> None:
        """Take the next piece of a stream."""
        writer = self._writers.setdefault((node, port), RecordsWriter())
        for batch in self._codec.decode_all(piece):
            writer.take(batch)

    def value(self, node: str, port: str, placed: list[Any]) -> Any:
        """The value, or stream, that was sent."""
        kind, value, _, gaps = placed
        if kind == "skip":
            return SKIP
        if kind == "value":
            return value
        records = self._writers.pop((node, port), None) or RecordsWriter()
        found = records.finish()
        found.gaps = gaps
        return found


# Programs


def program_as_data(program: Program, catalogue: Catalogue) -> dict[str, Any]:
    """What another process needs to make the same program."""
    options, only = program.options or ProgramOptions(), program.only
    return {
        "hash": program.hash,
        "flow": program.flow.model_dump(mode="json"),
        "flows": dict(options.flows),
        "isolate": sorted(options.isolate),
        "called": options.called,
        "optimise": options.optimise,
        "attended": options.attended,
        "only": None if only is None else sorted(only),
        "types": sorted([node.__module__, node.__qualname__] for node in catalogue),
    }


def plans(program: Program) -> Iterator[tuple[str, ScopePlan]]:
    """Every scope of a program, by a name that is the same in every process."""
    yield from _plans("", program.top)
    if program.on_error is not None:
        yield from _plans("!", program.on_error)


def _plans(name: str, plan: ScopePlan) -> Iterator[tuple[str, ScopePlan]]:
    yield name, plan
    for container in sorted(plan.inner):
        for section in sorted(plan.inner[container]):
            inner = plan.inner[container][section]
            yield from _plans(f"{name}/{container}@{section}", inner)


def plain(data: Mapping[str, Any]) -> dict[str, Any]:
    """What nodes say, without anything that is no data."""
    found: dict[str, Any] = msgspec.to_builtins(dict(data), enc_hook=str, str_keys=True)
    return found
