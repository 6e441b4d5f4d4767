"""The nodes that work once, before a live stream begins; what they gave is kept with the run."""

import os
import pickle
from typing import Any

from weft_engine.compiler.compiled import Compiled
from weft_engine.compiler.lower import lower
from weft_engine.compiler.selection import Selection
from weft_engine.compiler.streaming_parts import Parts
from weft_engine.compiler.streaming_steps import Key
from weft_engine.errors import ResourceError
from weft_engine.kernel.backends.local import LocalJob
from weft_engine.kernel.plan import make_plan
from weft_engine.nodes.types import SKIP
from weft_engine.runs.context import RunScope
from weft_engine.runs.engine.sink import NodeSink
from weft_engine.runs.outputs import OutputStore
from weft_engine.runs.streaming import codes  # noqa: F401 - registers the codes
from weft_engine.runs.streaming.places import Places
from weft_engine.runs.tracker import Tracker


def values_before(
    compiled: Compiled,
    parts: Parts,
    places: Places,
    scope: RunScope,
    sink: NodeSink,
    store: OutputStore,
) -> dict[Key, Any]:
    """What the nodes before the stream gave; they work unless that is known already.

    Nodes with effects may work again when the engine is killed before all of them are done.

    Returns:
        Values by node and port, lists where a port carries a stream; without ports not taken.

    Raises:
        NodeBuildError: a node could not be set up.
        OperatorError: a node failed.
        JobCancelledError: the run was stopped meanwhile.
        ResourceError: `stream.damaged`.
    """
    if not parts.before:
        return {}
    if places.before.exists():
        return _known(places)
    tracker = Tracker(sink, store)
    found: dict[Key, _Collector] = {}

    def collect(node: str, port: str) -> "_Collector":
        wired = compiled.wiring.output(node, port)
        made = found[node, port] = _Collector(stream=wired is not None and wired.type.stream)
        return made

    lowered = lower(
        compiled,
        Selection(parts.before),
        context=scope.of,
        tap=tracker.tap,
        given={},
        collect=collect,
    )
    tracker.begin(lowered)
    tracker.tell_skipped()
    job = LocalJob(make_plan(lowered.graph), cancel=scope.cancel, observer=tracker)
    tracker.watch(job.counters)
    try:
        job.run()
    except BaseException:
        tracker.stop()
        raise
    values = {key: each.value for key, each in found.items() if each.value is not SKIP}
    _keep(places, values)
    return values


def _keep(places: Places, values: dict[Key, Any]) -> None:
    places.run.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = places.before.with_suffix(".new")
    with beside.open("wb") as file:
        pickle.dump(values, file, 5)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(places.before)


def _known(places: Places) -> dict[Key, Any]:
    try:
        with places.before.open("rb") as file:
            known: dict[Key, Any] = pickle.load(file)  # noqa: S301 - the run wrote it itself
    except Exception as error:
        raise ResourceError(
            f"What the nodes before the stream gave cannot be read: {error}",
            code="stream.damaged",
            hint="Start the flow anew.",
        ) from error
    return known


class _Collector:
    """Takes what leaves one port."""

    def __init__(self, *, stream: bool) -> None:
        self._stream = stream
        self._records: list[Any] = []
        self._absent = False

    def take(self, batch: list[Any], /) -> None:
        self._records += [record for record in batch if record is not SKIP]

    def ended(self, *, absent: bool) -> None:
        self._absent = absent

    @property
    def value(self) -> Any:
        if self._absent and not self._records:
            return SKIP
        if self._stream:
            return self._records
        return self._records[-1] if self._records else SKIP
