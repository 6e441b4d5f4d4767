"""One live run takes the place of another: state goes over by the ids of nodes."""

import shutil
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Protocol

from weft_engine.compiler.streaming_lowered import NO_STATE
from weft_engine.compiler.streaming_operators import UNDER
from weft_engine.errors import FlowError
from weft_engine.kernel.checkpoint import savepoint
from weft_engine.kernel.checkpoint.api import Checkpoint, OperatorState
from weft_engine.kernel.checkpoint.files import Files
from weft_engine.kernel.coordinator import Job, recovery
from weft_engine.kernel.physical import PhysicalPlan
from weft_engine.kernel.runtime.driver import OperatorEnded
from weft_engine.runs.streaming import codes  # noqa: F401 - registers the codes
from weft_engine.runs.streaming.places import Places

SAVEPOINT_S: Final = 120.0
"""How long a savepoint may take."""
_SHOWN: Final = 20


class Replaceable(Protocol):
    """A live run at work."""

    def savepoint(self, path: Path) -> None:
        """Write down its state, and go on."""
        ...

    def give_way(self, path: Path, to: str) -> None:
        """Write down its state, and end: another takes its place."""
        ...


class LiveRuns:
    """The live runs of this process, by their ids."""

    def __init__(self) -> None:
        self._runs: dict[str, Replaceable] = {}
        self._lock = threading.Lock()

    def add(self, run_id: str, run: Replaceable) -> None:
        """A run is at work."""
        with self._lock:
            self._runs[run_id] = run

    def remove(self, run_id: str) -> None:
        """It is no more."""
        with self._lock:
            self._runs.pop(run_id, None)

    def get(self, run_id: str) -> Replaceable | None:
        """A run at work."""
        with self._lock:
            return self._runs.get(run_id)


def halt(job: Job, places: Places) -> None:
    """Have a job write the savepoint that its run rests with, and end.

    Raises:
        ResourceError: the savepoint cannot be written, or the job is over.
        TimeoutError: it is not there in time.
    """
    shutil.rmtree(places.halted, ignore_errors=True)
    job.savepoint(places.halted, stop=True, timeout=SAVEPOINT_S)


def take_over(
    runs: LiveRuns,
    former: Places,
    places: Places,
    plan: PhysicalPlan,
    *,
    allow_dropped: bool,
) -> Path | None:
    """Get the state of a former run, which ends where it is still at work.

    Args:
        runs: The live runs of this process.
        former: Where the former run keeps its state.
        places: Where the new one does.
        plan: What the new run runs.
        allow_dropped: Whether state of nodes that are no longer there may be let go of.

    Returns:
        The savepoint to begin with; None where the former run has left nothing.

    Raises:
        FlowError: the plan does not suit the state; the former run goes on as it was.
        ResourceError: the savepoint cannot be written.
        TimeoutError: it is not there in time.
    """
    if places.begin.exists():
        return places.begin
    places.run.mkdir(mode=0o700, parents=True, exist_ok=True)
    running = runs.get(former.run_id)
    if running is None:
        return _from_last(former, places, plan, allow_dropped=allow_dropped)
    look = places.run / "look"
    shutil.rmtree(look, ignore_errors=True)
    try:
        running.savepoint(look)
        require_kept(savepoint.read(look)[1], plan, allow_dropped=allow_dropped)
    finally:
        shutil.rmtree(look, ignore_errors=True)
    running.give_way(places.begin, places.run_id)
    return places.begin


def _from_last(
    former: Places, places: Places, plan: PhysicalPlan, *, allow_dropped: bool
) -> Path | None:
    if not former.checkpoints.exists():
        return None
    storage = Files(str(former.checkpoints), plan.job)
    found = recovery.newest(storage, noted=lambda id_, why: None)
    if found is None:
        return None
    require_kept(found, plan, allow_dropped=allow_dropped)
    return Path(savepoint.write(found, storage, places.begin))


def require_kept(checkpoint: Checkpoint, plan: PhysicalPlan, *, allow_dropped: bool) -> None:
    """See whether a plan can go on from the state of another.

    Raises:
        FlowError: `stream.state_dropped`, or what the kernel says: `checkpoint.kind_changed`, ….
    """
    recovery.check(checkpoint, plan, allow_dropped=True)
    known = {spec.uid for stage in plan.stages for spec in stage.operators}
    lost = sorted(
        {
            _node(uid)
            for uid, state in checkpoint.operators.items()
            if uid not in known and not uid.startswith(recovery.RESULTS) and _matters(uid, state)
        }
    )
    if lost and not allow_dropped:
        raise FlowError(
            f"The running flow has kept state of {', '.join(lost[:_SHOWN])}, which the changed "
            "flow does not have.",
            code="stream.state_dropped",
            hint="Bring the nodes back under the same ids, or allow their state to be dropped.",
            params={"nodes": lost[:_SHOWN]},
        )


def _node(uid: str) -> str:
    return uid.split("/")[1] if uid.startswith(NO_STATE) else uid.partition("/")[0]


def _matters(uid: str, state: OperatorState) -> bool:
    pieces = list(_pieces(state))
    if uid.startswith(NO_STATE):  # counts may go; calls under way may not
        return any(isinstance(piece, tuple) and piece[:1] == (UNDER,) for piece in pieces)
    return bool(pieces) or any(state.keyed) or bool(state.committables)


def _pieces(state: OperatorState) -> Iterable[Any]:
    for mine in state.pieces:
        yield from (piece for piece in mine if not isinstance(piece, OperatorEnded))
