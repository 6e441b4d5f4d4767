"""What the parts of a stretch tell, made into what the whole of it would have told."""

import threading
from typing import Any

from weft_engine.runs.executors.base import Sink
from weft_engine.runs.outputs import MOST_RECORDS, OutputStore
from weft_engine.runs.run import NodeResult, NodeState

_LAST = frozenset({"node_completed", "node_skipped", "node_failed", "node_cancelled"})


class Together:
    """Hears all parts, and speaks for them."""

    def __init__(self, nodes: tuple[str, ...], sink: Sink, store: OutputStore) -> None:
        self.sink = sink
        self._nodes = nodes
        self._store = store
        self._lock = threading.Lock()
        self._started: set[str] = set()
        self._results: dict[tuple[str, int], NodeResult] = {}
        self._last: dict[tuple[str, int], tuple[str, dict[str, Any]]] = {}
        self._types: dict[tuple[str, str], str] = {}

    def say(self, part: int, kind: str, node: str, data: dict[str, Any]) -> None:
        """A part tells an event of a node."""
        with self._lock:
            if kind in _LAST:
                self._last[node, part] = kind, data
                return
            if kind == "node_output":
                self._types[node, data["port"]] = data["type"]
                return
            again = kind == "node_started" and node in self._started
            self._started.add(node)
        if kind == "node_progress":
            data = {**data, "counts": self._counts(node)}
        if not again:
            self.sink.say(kind, node, data)

    def result(self, part: int, node: str, result: NodeResult) -> None:
        """A part shows what becomes of a node."""
        with self._lock:
            self._results[node, part] = result
        self.sink.result(node, self._merged(node))

    def failed(self, part: int) -> None:
        """That part failed, or was stopped: what it said last is what counts."""
        for node in self._nodes:
            last = self._last.get((node, part))
            result = self._results.get((node, part))
            if result is not None:
                merged = self._merged(node)
                merged.state, merged.reason = result.state, result.reason
                merged.failure = result.failure
                self._tell_outputs(node, merged, upto=part)
                self.sink.result(node, merged)
            if last is not None:
                self.sink.say(last[0], node, last[1])

    def completed(self, duration_ms: float) -> None:
        """All parts have got to their ends."""
        for node in self._nodes:
            lasts = [last for (name, _), last in sorted(self._last.items()) if name == node]
            whole = [data for kind, data in lasts if kind == "node_completed"]
            merged = self._merged(node)
            if not whole:
                self.sink.result(node, merged)
                if lasts:
                    self.sink.say(lasts[0][0], node, lasts[0][1])
                continue
            merged.duration_ms = round(duration_ms, 3)
            self._tell_outputs(node, merged)
            self.sink.result(node, merged)
            failures = [data["failures"] for data in whole if "failures" in data]
            extra: dict[str, Any] = {}
            if failures:
                count = sum(each["count"] for each in failures)
                extra["failures"] = {"count": count, "first": failures[0]["first"]}
            told = {
                **whole[0],
                "duration_ms": merged.duration_ms,
                "counts": {"in": merged.count_in, "out": merged.count_out},
            }
            self.sink.say("node_completed", node, {**told, **extra})

    def _tell_outputs(self, node: str, merged: NodeResult, upto: int | None = None) -> None:
        """Tell what was kept; only of parts up to that one, when not all have got to their ends."""
        parts = self._of(node)[: None if upto is None else upto + 1]
        for port in dict.fromkeys(port for part in parts for port in part.outputs):
            refs = [part.outputs[port] for part in parts if port in part.outputs]
            writer = self._store.records()
            for ref in refs:
                kept = self._store.read(ref, 0, MOST_RECORDS)
                writer.take(kept.get("records", [kept.get("value")]))
            writer.count = sum(ref["count"] for ref in refs)
            plain = merged.outputs[port] = writer.finish(partial=upto is not None).as_dict()
            kind = self._types.get((node, port), "")
            data = {"port": port, "type": kind, "count": writer.count, "ref": plain}
            self.sink.say("node_output", node, data)

    def _of(self, node: str) -> list[NodeResult]:
        with self._lock:
            return [found for (name, _), found in sorted(self._results.items()) if name == node]

    def _counts(self, node: str) -> dict[str, Any]:
        merged = self._merged(node)
        return {"in": merged.count_in, "out": merged.count_out}

    def _merged(self, node: str) -> NodeResult:
        parts = self._of(node)
        if not parts:
            return NodeResult()
        ports = dict.fromkeys(port for part in parts for port in part.count_out)
        failed = next((part.failure for part in parts if part.failure is not None), None)
        return NodeResult(
            state=_state([part.state for part in parts]),
            reason=parts[0].reason,
            started_at=min((p.started_at for p in parts if p.started_at), default=None),
            ended_at=max((p.ended_at for p in parts if p.ended_at), default=None),
            duration_ms=max((p.duration_ms for p in parts if p.duration_ms), default=None),
            count_in=sum(part.count_in for part in parts),
            count_out={port: sum(p.count_out.get(port, 0) for p in parts) for port in ports},
            attempts=max(part.attempts for part in parts),
            failure=failed,
            inputs=parts[0].inputs,
        )


def _state(states: list[NodeState]) -> NodeState:
    for state in (NodeState.FAILED, NodeState.RUNNING, NodeState.QUEUED, NodeState.COMPLETED):
        if state in states:
            return state
    return states[0]


class PartSink:
    """The `Sink` of one part."""

    def __init__(self, together: Together, part: int) -> None:
        self._together = together
        self._part = part

    def say(self, kind: str, node: str, data: dict[str, Any]) -> None:
        """Tell an event of a node."""
        self._together.say(self._part, kind, node, data)

    def log(self, node: str, level: str, message: str) -> None:
        """Write a line into the log of the run."""
        self._together.sink.log(node, level, message)

    def progress(self, node: str, done: float, total: float | None) -> None:
        """Say how far a node is; a part of it says nothing of the whole."""

    def result(self, node: str, result: NodeResult) -> None:
        """Show what becomes of a node."""
        self._together.result(self._part, node, result)

    def state(self, node: str) -> NodeState | None:
        """Where another node of the scope is."""
        return self._together.sink.state(node)
