"""The manifest: what a checkpoint consists of, as JSON with a digest of itself.

What subtasks and sinks put into a checkpoint may be anything that can be pickled. What is plain
JSON stands in the manifest, readable for people; the rest goes into one part that it names.
Pickles run code when they are read: whoever may write to the store may do what the job may.
"""

import importlib
import json
import math
import pickle
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

from weft_engine.errors import ResourceError
from weft_engine.kernel.checkpoint.api import Checkpoint, OperatorState, Part

FORMAT: Final = 1
_DEEPEST: Final = 20


def digest_of(data: bytes | memoryview) -> str:
    """The digest of a part."""
    return blake2b(data, digest_size=16).hexdigest()


def corrupt(what: str, reason: str) -> ResourceError:
    """The error for something that is damaged."""
    return ResourceError(
        f"{what} is damaged: {reason}",
        code="checkpoint.corrupt",
        hint="An earlier checkpoint is used if there is one. Check the disk.",
        params={"what": what, "reason": reason},
    )


def is_plain(value: Any, depth: int = 0) -> bool:
    """Whether JSON gives the value back exactly as it was."""
    kind = type(value)
    if value is None or kind is bool or kind is int:
        return True
    if kind is float:
        return math.isfinite(value)
    if kind is str:
        return bool(value.isascii()) or _encodes(value)
    if depth >= _DEEPEST:
        return False
    if kind is list:
        return all(is_plain(item, depth + 1) for item in value)
    return kind is dict and all(
        type(key) is str and is_plain(key) and is_plain(item, depth + 1)
        for key, item in value.items()
    )


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def dumps(value: Any) -> bytes:
    """Pickle, with functions of the program by value where cloudpickle is installed."""
    try:
        pickler = importlib.import_module("cloudpickle")
    except ImportError:
        pickler = pickle
    data: bytes = pickler.dumps(value, protocol=5)
    return data


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest as it was read; what it pickles is not looked at before `checkpoint`."""

    body: Mapping[str, Any]

    @classmethod
    def of(cls, checkpoint: Checkpoint, write: Callable[[str, bytes], Part]) -> "Manifest":
        """Make one; what is not plain is written as a part."""
        pickled: dict[str, dict[str, Any]] = {}
        operators = {
            uid: _operator(state, pickled.setdefault(uid, {}))
            for uid, state in checkpoint.operators.items()
        }
        held = {uid: fields for uid, fields in pickled.items() if fields}
        name = f"chk-{checkpoint.id}/manifest"
        return cls(
            {
                "id": checkpoint.id,
                "kind": checkpoint.kind,
                "job": checkpoint.job,
                "plan": checkpoint.plan,
                "key_groups": checkpoint.key_groups,
                "time_ms": checkpoint.time_ms,
                "operators": operators,
                "pickled": _plain(write(name, dumps(held))) if held else None,
            }
        )

    @classmethod
    def parse(cls, what: str, data: bytes) -> "Manifest":
        """Read one.

        Raises:
            ResourceError: `checkpoint.corrupt` or `checkpoint.format`.
        """
        try:
            text = json.loads(data)
        except ValueError as error:
            raise corrupt(what, "it is not JSON") from error
        if not isinstance(text, dict) or not isinstance(text.get("format"), int):
            raise corrupt(what, "it has no format number")
        if text["format"] != FORMAT:
            raise ResourceError(
                f"{what} has format {text['format']}; this version knows format {FORMAT}",
                code="checkpoint.format",
                hint="Use the version of Weft that wrote it, or start the job without it.",
                params={"what": what, "format": text["format"], "known": FORMAT},
            )
        body = text.get("checkpoint")
        if not isinstance(body, dict) or text.get("digest") != digest_of(_canonical(body)):
            raise corrupt(what, "its digest is another")
        return cls(body)

    def encode(self) -> bytes:
        """Its bytes."""
        digest = digest_of(_canonical(self.body))
        return _canonical({"format": FORMAT, "digest": digest, "checkpoint": self.body})

    def parts(self) -> Iterator[Part]:
        """Every part it names."""
        if self.body["pickled"] is not None:
            yield Part(*self.body["pickled"])
        for state in self.body["operators"].values():
            for chain in state["keyed"]:
                for part in chain:
                    yield Part(*part)

    def checkpoint(self, read: Callable[[Part], bytes]) -> Checkpoint:
        """The checkpoint itself."""
        body = self.body
        held = {}
        if body["pickled"] is not None:
            part = Part(*body["pickled"])
            data = read(part)
            try:
                held = pickle.loads(data)  # noqa: S301 - see the module's text
            except Exception as error:
                reason = f"it cannot be unpickled: {type(error).__name__}: {error}"
                raise corrupt(part.name, reason) from error
        return Checkpoint(
            body["id"],
            body["kind"],
            body["job"],
            body["plan"],
            body["key_groups"],
            {uid: _restored(state, held.get(uid, {})) for uid, state in body["operators"].items()},
            body["time_ms"],
        )


def _canonical(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def _plain(part: Part) -> list[Any]:
    return [part.name, part.size, part.digest]


def _operator(state: OperatorState, held: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "parallelism": state.parallelism,
        "kind": state.kind,
        "finished": list(state.finished),
        "keyed": [[_plain(part) for part in chain] for chain in state.keyed],
    }
    for name, value in (
        ("pieces", [list(pieces) for pieces in state.pieces]),
        ("committables", list(state.committables)),
    ):
        if is_plain(value):
            plain[name] = value
        else:
            held[name] = value
    return plain


def _restored(state: Mapping[str, Any], held: Mapping[str, Any]) -> OperatorState:
    def field(name: str) -> Any:
        return state[name] if name in state else held[name]

    return OperatorState(
        parallelism=state["parallelism"],
        pieces=tuple(tuple(pieces) for pieces in field("pieces")),
        keyed=tuple(tuple(Part(*part) for part in chain) for chain in state["keyed"]),
        committables=tuple(field("committables")),
        finished=tuple(state["finished"]),
        kind=state["kind"],
    )
