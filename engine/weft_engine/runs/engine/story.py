"""Tells the story of the nodes that the run's own thread works on, and keeps their results."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

from weft_engine.compiler.taps import VIEW
from weft_engine.nodes.port_type import PortType
from weft_engine.runs.encode import encode
from weft_engine.runs.engine.records import Records
from weft_engine.runs.engine.telling import Voice
from weft_engine.runs.outputs import INLINE_BYTES, OutputRef, OutputStore
from weft_engine.runs.pace import Pace
from weft_engine.runs.planned import Planned
from weft_engine.runs.run import NodeResult, NodeState
from weft_engine.runs.tracker import LogBook

Sources = dict[str, list[dict[str, str]]]
"""What the inputs of a node are wired to, as events tell it."""

MOST_TOLD: Final = 1000
"""How many activations of a node inside loops are told one by one."""
_PLAIN: Final = frozenset({str, bool, type(None)})
_SAFE: Final = 2**53
_ENDS: Final = {state: f"node_{state.value}" for state in NodeState}


@dataclass(slots=True)
class _Going:
    """How far something is, and how often that is told."""

    path: str
    scope: str
    data: dict[str, Any] | None = None
    """What was said last; None when it is told."""
    pace: Pace = field(default_factory=Pace)


class Story:
    """What is told of nodes, and what became of each of them."""

    def __init__(self, voice: Voice, store: OutputStore) -> None:
        self.voice = voice
        self.store = store
        self.results: dict[str, NodeResult] = {}
        """By path; of a node in a loop, what became of it last."""
        self._book = LogBook()
        self._book_lock = threading.Lock()
        self._told: dict[str, int] = {}
        self._going: dict[str, _Going] = {}
        """By activation, how far it is."""
        self._going_lock = threading.Lock()
        self._ended: dict[str, list[int]] = {}

    # One activation

    def quiet(self, path: str, scope: str) -> bool:
        """Count an activation; whether there were too many to tell this one."""
        if not scope:
            return False
        count = self._told[path] = self._told.get(path, 0) + 1
        return count > MOST_TOLD

    def began(self, unit: Planned, scope: str, *, quiet: bool = False, **data: Any) -> NodeResult:
        """An activation begins."""
        return self.began_at(unit.path, unit.sources, scope, quiet=quiet, **data)

    def began_at(
        self, path: str, sources: Sources, scope: str, *, quiet: bool = False, **data: Any
    ) -> NodeResult:
        """As `began`, of one node."""
        result = NodeResult(state=NodeState.RUNNING, inputs=sources)
        self.results[path] = result
        if not quiet:
            if scope:
                data["scope"] = scope
            self.voice.say("node_started", path, data)
        result.started_at = self.voice.now
        return result

    def gave_at(
        self,
        path: str,
        scope: str,
        result: NodeResult,
        port: str,
        kind: PortType,
        value: Any,
        *,
        quiet: bool = False,
    ) -> None:
        """A port gave something."""
        if quiet:
            result.count_out[port] = value.count if isinstance(value, Records) else 1
            return
        self.showed_at(path, scope, result, port, kind, self.reference(value))

    def showed_at(
        self,
        path: str,
        scope: str,
        result: NodeResult,
        port: str,
        kind: PortType,
        ref: dict[str, Any],
    ) -> None:
        """As `gave_at`, of what is kept already for looking at."""
        count = ref["count"]
        result.outputs[port] = ref
        if port != VIEW or kind.stream:
            result.count_out[port] = count
        data: dict[str, Any] = {"port": port, "type": str(kind), "count": count, "ref": ref}
        if scope:
            data["scope"] = scope
        self.voice.say("node_output", path, data)

    def reference(self, value: Any) -> dict[str, Any]:
        """Keep a value, or a stream's first records, for looking at."""
        kind = type(value)
        if kind in _PLAIN or (kind is int and -_SAFE < value < _SAFE):
            size = len(encode(value))
            if size <= INLINE_BYTES:
                return {"kind": "value", "count": 1, "kept": 1, "size": size, "inline": value}
        if isinstance(value, Records):
            return self._stream(value).as_dict()
        return self.store.value(value).as_dict()

    def _stream(self, records: Records) -> OutputRef:
        writer = self.store.records()
        batch: list[Any] = []
        for record in records.live():
            batch.append(record)
            if len(batch) == 1024:
                writer.take(batch)
                batch = []
        writer.take(batch)
        return writer.finish()

    def ended_at(
        self,
        path: str,
        scope: str,
        result: NodeResult,
        state: NodeState,
        seconds: float,
        *,
        quiet: bool = False,
        **data: Any,
    ) -> None:
        """An activation has ended: completed, failed or cancelled."""
        if self._going:
            self._last(f"{path}@{scope}")
        result.state = state
        result.ended_at = self.voice.now
        result.duration_ms = round(seconds * 1000, 3)
        if quiet and state is not NodeState.FAILED:
            self._totals(path)
            return
        told: dict[str, Any] = {
            "duration_ms": result.duration_ms,
            "counts": {"in": result.count_in, "out": result.count_out},
            "inputs": result.inputs,
        }
        if scope:
            told["scope"] = scope
        told.update(data)
        self.voice.say(_ENDS[state], path, told)

    def completed(
        self,
        unit: Planned,
        scope: str,
        result: NodeResult,
        outputs: Mapping[str, Any],
        seconds: float,
    ) -> None:
        """A node has ended well: `gave_at` for all its ports and `ended_at`, in one go."""
        said: list[tuple[str, dict[str, Any]]] = []
        shown, counts, names = result.outputs, result.count_out, unit.names
        for port, value in outputs.items():
            ref = shown[port] = self.reference(value)
            count = counts[port] = ref["count"]
            data = {"port": port, "type": names.get(port, "Any"), "count": count, "ref": ref}
            if scope:
                data["scope"] = scope
            said.append(("node_output", data))
        if self._going:
            self._last(f"{unit.path}@{scope}")
        result.state = NodeState.COMPLETED
        result.duration_ms = duration = round(seconds * 1000, 3)
        told: dict[str, Any] = {
            "duration_ms": duration,
            "counts": {"in": result.count_in, "out": counts},
            "inputs": result.inputs,
        }
        if scope:
            told["scope"] = scope
        said.append(("node_completed", told))
        self.voice.say_all(unit.path, said)
        result.ended_at = self.voice.now

    def skipped(
        self,
        path: str,
        scope: str,
        reason: str,
        sources: Sources | None = None,
        *,
        quiet: bool = False,
        **data: Any,
    ) -> NodeResult:
        """A node does not take part."""
        result = NodeResult(state=NodeState.SKIPPED, reason=reason, inputs=sources or {})
        result.failure = data.get("failure")
        self.results[path] = result
        if not quiet:
            data["reason"] = reason
            if scope:
                data["scope"] = scope
            self.voice.say("node_skipped", path, data)
        return result

    def say(self, kind: str, path: str, scope: str, data: dict[str, Any]) -> None:
        """Tell something else of a node."""
        if scope:
            data["scope"] = scope
        self.voice.say(kind, path, data)

    # Now and then

    def log(self, path: str, scope: str, level: str, message: str) -> None:
        """Write a line into the log of the run; from any thread."""
        with self._book_lock:
            line = self._book.line(path, level, message)
        if line is not None:
            data: dict[str, Any] = {"level": line[0], "message": line[1]}
            if scope:
                data["scope"] = scope
            self.voice.say("log", path, data)

    def progress(
        self, path: str, scope: str, done: float, total: float | None, **more: Any
    ) -> None:
        """Say how far a node is, not too often, but always the last; from any thread."""
        result = self.results.get(path)
        counts = {"in": result.count_in, "out": result.count_out} if result is not None else {}
        data = {"counts": counts, "done": done, "total": total, **more}
        self._goes(f"{path}@{scope}", path, scope, data, anyway=done == total)

    def _totals(self, path: str) -> None:
        """Of a node in a loop that is not told any more, how often it has ended."""
        self._goes(path, path, "", {"activations": self._told.get(path, 0)})

    def _goes(
        self, place: str, path: str, scope: str, data: dict[str, Any], *, anyway: bool = False
    ) -> None:
        going = self._going.get(place)
        if going is None:
            going = self._going[place] = _Going(path, scope)
        with self._going_lock:
            going.data = data
            if going.pace.due(monotonic(), anyway=anyway):
                self._tell(going)

    def _tell(self, going: "_Going") -> None:
        data, going.data = going.data, None
        if data is not None:
            self.say("node_progress", going.path, going.scope, data)

    def _last(self, place: str) -> None:
        """Something has ended: what it said last is told, however soon after the one before."""
        with self._going_lock:
            going = self._going.pop(place, None)
            if going is not None and going.pace.behind:
                self._tell(going)

    def tell_late(self) -> None:
        """Tell what was not told when it was said, where its time has come; from any thread."""
        for place, going in list(self._going.items()):
            with self._going_lock:
                there = self._going.get(place) is going and going.pace.behind
                if there and going.pace.due(monotonic()):
                    self._tell(going)

    def tell_last(self) -> None:
        """Tell all that was not told: nothing more is to come."""
        for place in list(self._going):
            self._last(place)


def counted(result: NodeResult, port: str, value: Any) -> None:
    """Count what a port gave."""
    result.count_out[port] = value.count if isinstance(value, Records) else 1


def failures(count: int, first: Mapping[str, Any]) -> dict[str, Any]:
    """What is told of failures that a node lived with."""
    return {"failures": {"count": count, "first": first}}
