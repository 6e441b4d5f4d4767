"""Follows a run: the state of every node, and the events that tell of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final, Protocol

from weft_engine.compiler.lower import Lowered, LoweredNode
from weft_engine.compiler.taps import VIEW
from weft_engine.errors import Failure
from weft_engine.kernel.backends.base import Counters, Observer
from weft_engine.kernel.graph import Vertex
from weft_engine.kernel.redact import redacted
from weft_engine.nodes.port_type import PortType
from weft_engine.runs.events import now_text
from weft_engine.runs.outputs import OutputRef, OutputStore
from weft_engine.runs.pace import Pace
from weft_engine.runs.port_tap import PortTap
from weft_engine.runs.run import NodeResult, NodeState

MOST_LINES: Final = 1000
"""How many lines of log a node may write."""
MOST_RUN_LINES: Final = 10_000
"""How many lines of log a run may have."""

LIVED_WITH: Final = {
    "skip": "left out",
    "continue": "null instead",
    "route": "sent on as an error",
}
_HINT: Final = (
    "Look at the sample and at what the node was given. Where such records are to be expected, "
    "let the node leave them out or send them on; where trying again may help, let it retry."
)


class Sink(Protocol):
    """Takes what the nodes of one stretch say; `NodeSink` of the run's engine."""

    def say(self, kind: str, node: str, data: dict[str, Any]) -> None: ...
    def log(self, node: str, level: str, message: str) -> None: ...
    def result(self, node: str, result: NodeResult) -> None: ...
    def state(self, node: str) -> NodeState | None: ...


class LogBook:
    """Keeps the log of a run from growing without end."""

    def __init__(self) -> None:
        self._lines = 0
        self._of: dict[str, int] = {}

    def line(self, node: str, level: str, message: str) -> tuple[str, str] | None:
        """The line as it is to be told; None when there are too many."""
        self._lines += 1
        if self._lines > MOST_RUN_LINES:
            return None
        count = self._of[node] = self._of.get(node, 0) + 1
        if count > MOST_LINES:
            return None
        if count == MOST_LINES:
            return "warning", "This node writes too much; the rest is not kept."
        return level, message


@dataclass(slots=True)
class Track:
    """One node under way."""

    name: str
    lowered: LoweredNode
    result: NodeResult
    alive: int = 0
    """Operators that have not ended."""
    present: bool = False
    """Whether any of its operators took part."""
    began: float = 0.0
    told: tuple[Any, ...] = ()
    """The counts that were told last."""
    taps: dict[str, PortTap] = field(default_factory=dict)
    done: float | None = None
    total: float | None = None
    failure: dict[str, Any] | None = None
    """What it lived with."""
    lived_with: int = 0

    def gave(self) -> bool:
        """Whether anything left one of its outputs."""
        return any(tap.count for port, tap in self.taps.items() if port != VIEW)


class Tracker(Observer):
    """Hears the kernel and says what it means for the flow."""

    def __init__(self, sink: Sink, store: OutputStore) -> None:
        self._sink = sink
        self._store = store
        self._tracks: dict[str, Track] = {}
        self._counters: Mapping[int, Counters] = {}
        self._pace = Pace()
        self._pending_taps: dict[str, dict[str, PortTap]] = {}
        self.results: dict[str, NodeResult] = {}
        """What became of every node."""

    # Before the run

    def tap(self, node: str, port: str, kind: PortType) -> PortTap:
        """What looks at a port of a node."""
        tap = PortTap(node, port, kind, self._store, self._output)
        self._pending_taps.setdefault(node, {})[port] = tap
        return tap

    def begin(self, lowered: Lowered) -> None:
        """Learn how the nodes lie in the graph."""
        for name, info in lowered.nodes.items():
            result = NodeResult(inputs=_sources(info))
            self._result(name, result)
            taps = self._pending_taps.pop(name, {})
            if info.shown is not None and VIEW in taps:
                taps[VIEW].show(info.shown)
            self._tracks[name] = Track(name, info, result, taps=taps)
        for vertex in lowered.graph.vertices:
            if vertex.owner:
                self._tracks[vertex.owner].alive += 1
        for name, reason in lowered.skipped.items():
            self._result(name, NodeResult(state=NodeState.SKIPPED, reason=reason))

    def tell_skipped(self) -> None:
        """Say which nodes will not run."""
        for name, result in self.results.items():
            if result.state is NodeState.SKIPPED:
                self._say("node_skipped", name, reason=result.reason)

    def _result(self, name: str, result: NodeResult) -> None:
        self.results[name] = result
        self._sink.result(name, result)

    def _say(self, kind: str, node: str, **data: Any) -> None:
        self._sink.say(kind, node, data)

    def watch(self, counters: Mapping[int, Counters]) -> None:
        """Read the counts from here."""
        self._counters = counters

    # What the kernel says

    def started(self, vertex: Vertex) -> None:
        track = self._tracks.get(vertex.owner)
        if track is not None and track.result.state is NodeState.QUEUED:
            self._start(track)

    def ended(self, vertex: Vertex, counters: Counters, *, absent: bool) -> None:
        track = self._tracks.get(vertex.owner)
        if track is None:
            return
        track.alive -= 1
        track.present = track.present or not absent
        if track.alive == 0:
            self._end(track)

    def failed(
        self, vertex: Vertex, exc: Exception, record: Any, attempt: int, again_in: float | None
    ) -> None:
        track = self._tracks.get(vertex.owner)
        if track is None:
            return
        track.result.attempts = max(track.result.attempts, attempt + (again_in is not None))
        failure = describe(exc, track.name, attempt, record)
        if again_in is not None:
            self.log(track.name, "warning", again(attempt, failure["message"], again_in))
            return
        track.lived_with += 1
        track.failure = track.failure or failure
        self.log(
            track.name,
            "warning",
            f"{failure['message']} ({LIVED_WITH.get(vertex.policy.on_error, 'passed over')})",
        )

    def tick(self) -> None:
        now = monotonic()
        if not self._pace.due(now):
            return
        for track in self._tracks.values():
            if track.result.state is NodeState.RUNNING:
                self._tell_progress(track)

    # What nodes say

    def log(self, node: str, level: str, message: str) -> None:
        """Write a line into the log of the run."""
        self._sink.log(node, level, message)

    def progress(self, node: str, done: float, total: float | None) -> None:
        """Note how far a node is."""
        track = self._tracks.get(node)
        if track is not None:
            track.done, track.total = done, total

    # The end

    def fail(self, node: str, failure: dict[str, Any]) -> None:
        """A node failed, and the run with it."""
        track = self._tracks.get(node)
        if track is None:
            return
        if track.result.state is NodeState.QUEUED:
            self._start(track)
        self._close_taps(track)
        track.result.state = NodeState.FAILED
        track.result.failure = failure
        track.result.attempts = max(track.result.attempts, int(failure.get("attempt") or 1))
        self._finish(track, "node_failed", failure=failure)

    def stop(self) -> list[str]:
        """The run is over; what has not ended never will.

        Returns:
            The nodes that never ran.
        """
        never: list[str] = []
        for track in self._tracks.values():
            if track.result.state is NodeState.RUNNING:
                self._close_taps(track)
                track.result.state = NodeState.CANCELLED
                self._finish(track, "node_cancelled")
            elif track.result.state is NodeState.QUEUED:
                self._close_taps(track)
                track.result.state, track.result.reason = NodeState.IDLE, "never_ran"
                never.append(track.name)
        return never

    def _start(self, track: Track) -> None:
        track.began = monotonic()
        track.result.state = NodeState.RUNNING
        track.result.started_at = now_text()
        self._say("node_started", track.name)

    def _end(self, track: Track) -> None:
        if track.result.state in (NodeState.FAILED, NodeState.CANCELLED):
            return
        if not track.present or (track.lowered.once and track.lived_with and not track.gave()):
            self._skip(track)
            return
        if track.result.state is NodeState.QUEUED:
            self._start(track)
        track.result.state = NodeState.COMPLETED
        extra: dict[str, Any] = {"pinned": True} if track.lowered.pinned else {}
        if track.lived_with:
            extra["failures"] = {"count": track.lived_with, "first": track.failure}
        self._finish(track, "node_completed", **extra)

    def _skip(self, track: Track) -> None:
        track.result.state = NodeState.SKIPPED
        reason = self._why_skipped(track)
        track.result.reason = reason
        extra: dict[str, Any] = {}
        if track.failure is not None:
            track.result.failure = track.failure
            extra["failure"] = track.failure
        self._say("node_skipped", track.name, reason=reason, **extra)

    def _why_skipped(self, track: Track) -> str:
        if track.failure is not None:
            return "error_skipped"
        for sources in track.result.inputs.values():
            for source in sources:
                before = self.results.get(source["source"])
                state = before.state if before else self._sink.state(source["source"])
                if state is not None and state is not NodeState.SKIPPED:
                    return "not_taken"
        return "input_skipped"

    def _finish(self, track: Track, kind: str, **data: Any) -> None:
        # How many records there were stands in its end; how far it said to be does not.
        self._tell_progress(track, quiet=track.done is None)
        result = track.result
        result.ended_at = now_text()
        result.duration_ms = round((monotonic() - track.began) * 1000, 3)
        self._say(
            kind,
            track.name,
            duration_ms=result.duration_ms,
            counts=_counts(result),
            inputs=result.inputs,
            **data,
        )

    def _tell_progress(self, track: Track, *, quiet: bool = False) -> None:
        result = track.result
        result.count_in = self._count_in(track)
        result.count_out = {port: tap.count for port, tap in track.taps.items()}
        told = (result.count_in, *result.count_out.values(), track.done, track.total)
        if quiet or told == track.told:
            return
        track.told = told
        extra: dict[str, Any] = {}
        if track.done is not None:
            extra = {"done": track.done, "total": track.total}
        self._say("node_progress", track.name, counts=_counts(result), **extra)

    def _count_in(self, track: Track) -> int:
        entries = sum(
            self._counters[vertex].records_in
            for vertex in track.lowered.entries
            if vertex in self._counters
        )
        if track.lowered.spared is not None:
            entries += track.lowered.spared.counted
        calls = track.lowered.calls
        return entries if calls is None or not calls.inputs else max(entries, calls.stats.taken)

    def _close_taps(self, track: Track) -> None:
        for tap in track.taps.values():
            tap.break_off()

    def _output(self, tap: PortTap, ref: OutputRef) -> None:
        result = self.results[tap.node]
        result.outputs[tap.port] = plain = ref.as_dict()
        self._say(
            "node_output",
            tap.node,
            port=tap.port,
            type=str(tap.kind),
            count=ref.count,
            ref=plain,
        )


def describe(exc: BaseException, node: str | None, attempt: int, record: Any) -> dict[str, Any]:
    """A failure as data, with a sample that has no secrets."""
    failure = Failure.of(exc, node=node, attempt=attempt, sample=redacted(record))
    return {**failure.model_dump(mode="json"), "hint": failure.hint or _HINT}


def again(attempt: int, message: str, delay_s: float) -> str:
    """The line of the log that tells of another attempt."""
    return f"Attempt {attempt} failed: {message} Trying again in {delay_s:g} s."


def _counts(result: NodeResult) -> dict[str, Any]:
    return {"in": result.count_in, "out": result.count_out}


def _sources(info: LoweredNode) -> dict[str, list[dict[str, str]]]:
    return {
        port: [{"source": edge.source, "source_port": edge.source_port} for edge in edges]
        for port, edges in info.inputs.items()
    }
