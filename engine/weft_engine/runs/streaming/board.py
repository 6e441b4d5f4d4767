"""What is told of the nodes of a live run: counts, rates, waiting, their last records."""

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, Final

from weft_engine.compiler.streaming_lowered import Live, LiveNode
from weft_engine.compiler.taps import VIEW
from weft_engine.kernel.metrics.job import JobMetrics, StageMetrics
from weft_engine.runs.engine.telling import Voice
from weft_engine.runs.events import now_text
from weft_engine.runs.run import NodeResult, NodeState
from weft_engine.runs.streaming.rates import Place, Rates
from weft_engine.runs.streaming.watch import EVERY_S, SAMPLED

PROGRESS_S: Final = 0.25
SHOWN_S: Final = 1.0
"""How often the last records of a port are told, at most."""
_BYTES: Final = 32_000


class Board:
    """Puts together what watches and the kernel say; used by the run's thread alone."""

    def __init__(self, voice: Voice, live: Live, *, clock: Callable[[], float] = monotonic) -> None:
        """`clock` gives seconds."""
        self._clock = clock
        self._voice = voice
        self._live = live
        self.results: dict[str, NodeResult] = {}
        self._counts: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._attempt = 0
        self._failures: dict[str, dict[str, Any]] = {}
        self._last: dict[tuple[str, str], dict[str, list[Any]]] = {}
        self._fresh: dict[tuple[str, str], float] = {}
        self._told: dict[str, Any] = {}
        self._rates = Rates()
        self._next = 0.0
        self._began = clock()

    def begin(self) -> None:
        """The nodes are at work."""
        for name, reason in self._live.skipped.items():
            result = NodeResult(state=NodeState.SKIPPED, reason=reason)
            self.results[name] = result
            self._voice.say("node_skipped", name, {"reason": reason})
        for name, node in self._live.nodes.items():
            result = NodeResult(state=NodeState.RUNNING, inputs=_sources(node))
            result.started_at = now_text()
            self.results[name] = result
            extra = {"delivery": node.delivery} if node.delivery else {}
            self._voice.say("node_started", name, extra)

    def again(self, attempt: int) -> None:
        """The job starts again: what its subtasks counted before is in its checkpoint."""
        self._attempt = max(attempt, self._attempt)
        self._counts.clear()
        self._last.clear()
        self._fresh.clear()

    def take(self, message: Mapping[str, Any]) -> None:
        """A watch has told how things stand."""
        node, place = str(message["node"]), str(message["place"])
        if message["attempt"] < self._attempt or node not in self._live.nodes:
            return
        self._rates.begin(max(self._clock() - EVERY_S, self._began))
        before = self._counts.get((node, place), message["before"])
        self._rates.count(node, before, message["counts"])
        self._counts[node, place] = message["counts"]
        if "failure" in message:
            self._failures[node] = dict(message["failure"])
        for port, records in message["samples"].items():
            ports = self._last.setdefault((node, port), {})
            before = ports.pop(place, [])
            ports[place] = [*before, *records][-SAMPLED:]
            self._fresh.setdefault((node, port), 0.0)

    def tell(self, metrics: JobMetrics | None, *, at_once: bool = False) -> None:
        """Tell what has changed, not too often."""
        now = self._clock()
        if now < self._next and not at_once:
            return
        self._next = now + PROGRESS_S
        self._rates.mark(now)
        work = _Work(metrics)
        for name, node in self._live.nodes.items():
            self._progress(name, node, work)
        for key in [key for key, last in self._fresh.items() if at_once or now >= last + SHOWN_S]:
            self._output(*key)
            del self._fresh[key]

    def end(self, state: NodeState, failed: Mapping[str, Any] | None = None) -> None:
        """The run is over; what becomes of its nodes."""
        for name, node in self._live.nodes.items():
            result = self.results[name]
            result.ended_at = now_text()
            result.duration_ms = round((self._clock() - self._began) * 1000, 3)
            broke = failed is not None and failed.get("node") == name
            result.state = NodeState.FAILED if broke else state
            counts = self._count(name, node)
            data: dict[str, Any] = {
                "duration_ms": result.duration_ms,
                "counts": counts,
                "inputs": result.inputs,
            }
            lived = sum(each["failed"] for key, each in self._counts.items() if key[0] == name)
            if broke:
                result.failure = dict(failed or {})
                data["failure"] = result.failure
            elif lived and name in self._failures:
                data["failures"] = {"count": lived, "first": self._failures[name]}
            self._voice.say(f"node_{result.state.value}", name, data)

    # One node

    def _progress(self, name: str, node: LiveNode, work: "_Work") -> None:
        counts = self._count(name, node)
        told: dict[str, Any] = {
            "counts": counts,
            # Told anew without anything that passes too: a rate falls by the clock.
            "rates": {
                "in": self._rates.of(self._taken_at(name, node)),
                "out": self._rates.of((name, port) for port in counts["out"]),
            },
            **work.of(node),
        }
        failed = sum(each["failed"] for key, each in self._counts.items() if key[0] == name)
        if failed:
            told["failed"] = failed
        if told == self._told.get(name):
            return
        self._told[name] = told
        result = self.results[name]
        result.count_in, result.count_out = counts["in"], dict(counts["out"])
        self._voice.say("node_progress", name, {**told, "live": True})

    def _count(self, name: str, node: LiveNode) -> dict[str, Any]:
        out: dict[str, int] = {port: 0 for port in node.outputs if port != VIEW}
        for key, each in self._counts.items():
            if key[0] == name:
                out |= {port: out.get(port, 0) + n for port, n in each["out"].items()
                        if port != VIEW}  # fmt: skip
        return {"in": sum(map(self._passed, self._taken_at(name, node))), "out": out}

    def _taken_at(self, name: str, node: LiveNode) -> list[Place]:
        """Where what a node takes is counted: by itself, or else as it leaves those before it."""
        if node.source or self._passed((name, None)):
            return [(name, None)]
        return [(edge.source, edge.source_port) for edges in node.inputs.values() for edge in edges]

    def _passed(self, place: Place) -> int:
        node, port = place
        mine = [each for key, each in self._counts.items() if key[0] == node]
        return sum(each["in"] if port is None else each["out"].get(port, 0) for each in mine)

    def _output(self, name: str, port: str) -> None:
        places = self._last.get((name, port), {})
        share = -(-SAMPLED // max(len(places), 1))  # something of every subtask
        records = [record for last in places.values() for record in last[-share:]][-SAMPLED:]
        size = sum(len(str(record)) for record in records)
        while len(records) > 1 and size > _BYTES:
            size -= len(str(records.pop(0)))
        count = self._passed((name, port))
        ref = {"kind": "records", "count": max(count, len(records)), "kept": len(records),
               "size": size, "inline": records, "partial": True}  # fmt: skip
        self.results[name].outputs[port] = ref
        kind = str(self._live.nodes[name].outputs.get(port, "Any"))
        data = {"port": port, "type": kind, "count": ref["count"], "ref": ref, "live": True}
        self._voice.say("node_output", name, data)


class _Work:
    """How busy the operators of a job are."""

    def __init__(self, metrics: JobMetrics | None) -> None:
        self._stages: dict[str, StageMetrics] = {}
        self._busy: dict[str, float] = {}
        if metrics is None:
            return
        for stage in metrics.stages:
            self._stages |= dict.fromkeys(stage.operators, stage)
        self._busy = {each.uid: each.busy for each in metrics.operators}

    def of(self, node: LiveNode) -> dict[str, Any]:
        """What is told of a node."""
        stages = {
            self._stages[uid].id: self._stages[uid] for uid in node.uids if uid in self._stages
        }
        if not stages:
            return {}
        marks = [each.watermark for each in stages.values() if each.watermark is not None]
        lags = [e.watermark_lag_ms for e in stages.values() if e.watermark_lag_ms is not None]
        found: dict[str, Any] = {
            "busy": round(min(sum(self._busy.get(uid, 0.0) for uid in node.uids), 1.0), 2),
            "blocked": round(max(each.blocked_out for each in stages.values()), 2),
            "queued": sum(each.queue_records for each in stages.values()),
        }
        if marks:
            found["watermark"] = min(marks)
            found["lag_ms"] = max(lags, default=0) // 1000 * 1000
        return found


def _sources(node: LiveNode) -> dict[str, list[dict[str, str]]]:
    return {
        port: [{"source": edge.source, "source_port": edge.source_port} for edge in edges]
        for port, edges in node.inputs.items()
    }
