"""Counts and samples what nodes of a live run do, where they work, and tells it now and then."""

import json
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from weft_engine.compiler.taps import VIEW
from weft_engine.errors import ExpressionError
from weft_engine.kernel.redact import redacted
from weft_engine.library.environment import names
from weft_engine.nodes.expressions import compile_expression
from weft_engine.runs.encode import encode
from weft_engine.runs.streaming.saying import say
from weft_engine.runs.tracker import describe

SAMPLED: Final = 20
"""How many of the last records of a port are shown."""
EVERY_S: Final = 0.25
_LONGEST_RECORD: Final = 4_000
_MOST_FAILURES: Final = 3

log = logging.getLogger(__name__)


class NodeWatch:
    """A `Watch` of one node; picklable until it is opened."""

    def __init__(self, run_id: str, node: str, points: Path) -> None:
        self.run_id = run_id
        self.node = node
        self.points_file = points
        self.place = ""
        self.attempt = 0
        self.points: dict[str, list[Point]] = {}
        self._taken = self._failed = self._busy_ns = 0
        self._gave: dict[str, int] = {}
        self._last: dict[str, list[Any]] = {}
        self._failure: dict[str, Any] | None = None
        self._told: Any = None
        self._before: Mapping[str, Any] = {}

    def __getstate__(self) -> tuple[str, str, Path]:
        return self.run_id, self.node, self.points_file

    def __setstate__(self, state: tuple[str, str, Path]) -> None:
        self.__init__(*state)  # type: ignore[misc]

    def fresh(self) -> "NodeWatch":
        """One like it, for a subtask of its own."""
        return NodeWatch(*self.__getstate__())

    def open(self, place: str, attempt: int, restored: Sequence[Any]) -> None:
        """Begin, with counts of before."""
        self.place, self.attempt = place, attempt
        self._taken = sum(piece["in"] for piece in restored)
        self._failed = sum(piece["failed"] for piece in restored)
        self._gave = {}
        for piece in restored:
            for port, count in piece["out"].items():
                self._gave[port] = self._gave.get(port, 0) + count
        self._before = self.counts()
        hub.add(self)

    def took(self, count: int, busy_ns: int = 0) -> None:
        """It was given so many records."""
        self._taken += count
        self._busy_ns += busy_ns

    def gave(self, port: str, records: Sequence[Any]) -> None:
        """Records left by a port."""
        self._gave[port] = self._gave.get(port, 0) + len(records)
        last = self._last.get(port, [])
        self._last[port] = [*last, *records[-SAMPLED:]][-SAMPLED:]
        for point in self.points.get(port, ()):
            point.look(self, port, records)

    def lived_with(self, error: BaseException, record: Any, attempt: int) -> None:
        """A record failed, and the stream goes on."""
        self._failed += 1
        if self._failed <= _MOST_FAILURES or self._failure is None:
            self._failure = describe(error, self.node, attempt, record)

    def broke(self, error: BaseException, record: Any, attempt: int) -> None:
        """It failed, and the stream with it."""
        failure = describe(error, self.node, attempt, record)
        self._say({"kind": "broke", "failure": plain(failure)})

    def counts(self) -> Mapping[str, Any]:
        """What `open` takes after a restart."""
        return {"in": self._taken, "failed": self._failed, "out": dict(self._gave)}

    def close(self) -> None:
        """No more."""
        hub.remove(self)
        self.tell()

    def tell(self) -> None:
        """Say how things stand, if anything has changed."""
        counts = self.counts()
        if counts == self._told or not self.place:
            return
        self._told = counts
        ports, self._last = self._last, {}
        message: dict[str, Any] = {
            "kind": "counts",
            "place": self.place,
            "attempt": self.attempt,
            "counts": counts,
            "before": self._before,  # what it began with: nothing of that has passed now
            "busy_ns": self._busy_ns,
            "samples": {port: [shown(record) for record in last] for port, last in ports.items()},
        }
        if self._failure is not None:
            message["failure"] = plain(self._failure)
        self._say(message)

    def stops(self, port: str, point: "Point", record: Any) -> None:
        """The stream is to stand still here."""
        self._say({"kind": "stop", "port": port, "point": point.id, "hit": point.count,
                   "record": shown(record)})  # fmt: skip

    def samples(self, port: str, point: "Point", records: list[Any]) -> None:
        """Somebody wants to see these."""
        shown_ = [shown(record) for record in records]
        self._say({"kind": "sample", "port": port, "point": point.id, "records": shown_})

    def _say(self, message: dict[str, Any]) -> None:
        say(self.run_id, {"node": self.node, **message})


class Point:
    """A breakpoint of a live run, at a port."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.id: str = data["id"]
        self._sample: int | None = data.get("sample")
        self._hits: int = data.get("hits", 1)
        self._once: bool = data.get("once", False)
        condition = (data.get("condition") or "").strip()
        self._void = False
        """Its condition means nothing here, so it never holds."""
        self._condition = None
        try:
            self._condition = compile_expression(condition) if condition else None
        except ExpressionError:
            self._void = True
        self.count = 0
        self._done = False

    def look(self, watch: NodeWatch, port: str, records: Sequence[Any]) -> None:
        """See whether one of the records is meant."""
        if self._done or self._void:
            return
        picked: list[Any] = []
        for record in records:
            if not self._holds(record):
                continue
            self.count += 1
            if self._sample is not None:
                if self.count % self._sample == 0:
                    picked.append(record)
            elif self.count >= self._hits and not self._done:
                self._done = True  # until it is set again, or the run goes on
                watch.stops(port, self, record)
        if picked:
            watch.samples(port, self, picked[-SAMPLED:])

    def go_on(self) -> None:
        """The stream goes on from where it stood."""
        self._done = self._once and self._done

    def _holds(self, record: Any) -> bool:
        if self._condition is None:
            return True
        try:
            return bool(self._condition(record, names({}, {}, {})))
        except Exception:  # noqa: BLE001 - a condition that cannot be worked out does not hold
            return False


class Hub:
    """Lets the watches of this process tell what they saw, and look up what to look for."""

    def __init__(self) -> None:
        self._watches: set[NodeWatch] = set()
        self._lock = threading.Lock()
        self._running = False
        self._read: dict[Path, tuple[int, Mapping[str, Any]]] = {}

    def add(self, watch: NodeWatch) -> None:
        """A watch is open."""
        with self._lock:
            self._watches.add(watch)
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="weft-live-hub", daemon=True).start()
        self._aim(watch, force=True)

    def remove(self, watch: NodeWatch) -> None:
        """It is closed."""
        with self._lock:
            self._watches.discard(watch)

    def _run(self) -> None:
        while True:
            time.sleep(EVERY_S)
            with self._lock:
                watches = list(self._watches)
                if not watches:
                    self._running = False
                    self._read.clear()
                    return
            for watch in watches:
                try:
                    self._aim(watch)
                    watch.tell()
                except Exception:  # every stream of this process is told of by this thread
                    log.exception("what the node %s does cannot be told", watch.node)

    def _aim(self, watch: NodeWatch, *, force: bool = False) -> None:
        """Let a watch look for what its run's file of points says."""
        try:
            stamp = watch.points_file.stat().st_mtime_ns
        except OSError:
            return
        known = self._read.get(watch.points_file)
        if known is None or known[0] != stamp:
            try:
                known = stamp, json.loads(watch.points_file.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                return
            self._read[watch.points_file] = known
        wanted = known[1].get("nodes", {}).get(watch.node, {})
        round_ = known[1].get("round", 0)
        aimed = (stamp, round_)
        if force or getattr(watch, "aimed", None) != aimed:
            watch.points = _points(watch.points, wanted)
            watch.aimed = aimed  # type: ignore[attr-defined]


def _points(
    known: Mapping[str, list[Point]], wanted: Mapping[str, list[Mapping[str, Any]]]
) -> dict[str, list[Point]]:
    before = {point.id: point for points in known.values() for point in points}
    found: dict[str, list[Point]] = {}
    for port, points in wanted.items():
        for data in points:
            point = before.get(data["id"]) or Point(data)
            point.go_on()
            found.setdefault(port, []).append(point)
    return found


hub: Final = Hub()


def shown(record: Any) -> Any:
    """A record as people may see it: short, plain and without secrets."""
    data = encode(redacted(record))
    if len(data) > _LONGEST_RECORD:
        return f"{data[:_LONGEST_RECORD].decode('utf-8', 'ignore')}…"
    return json.loads(data)


def plain(value: Any) -> Any:
    """Plain data of anything."""
    return json.loads(encode(value))


__all__ = ["EVERY_S", "SAMPLED", "VIEW", "NodeWatch", "hub"]
