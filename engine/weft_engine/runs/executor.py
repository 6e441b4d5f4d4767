"""Runs requests inside the supervisor; compiles a flow once, however often it is run."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
from pydantic import ValidationError

from weft_engine.compiler.compiled import Compiled, compile_flow
from weft_engine.errors import FlowError
from weft_engine.flow.model import Flow
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.runs.debug import Command
from weft_engine.runs.events import RunEvent
from weft_engine.runs.files import LocalFiles
from weft_engine.runs.journal.base import JournalStore, StepRow
from weft_engine.runs.journal.codec import Codec
from weft_engine.runs.journal.values import ValueStore
from weft_engine.runs.outputs import OutputStore
from weft_engine.runs.queue import Job
from weft_engine.runs.retelling import Told, told_again
from weft_engine.runs.run import RunRequest, RunResult
from weft_engine.runs.runner import run_flow

_MOST_COMPILED: Final = 64


class Resting(Protocol):
    """Is told that a run stands still, or goes on."""

    def __call__(self, job: Job, *, rests: bool) -> None: ...


class _Cancelling:
    """All that can be said to a run that is one job on the kernel."""

    def __init__(self, cancel: threading.Event) -> None:
        self._cancel = cancel

    def tell(self, command: Command) -> None:
        raise FlowError(
            "The run cannot do that.", code="run.not_active", params={"kind": command.kind}
        )

    def cancel(self) -> None:
        self._cancel.set()


class Executor:
    """Runs one request after the other, from several threads."""

    def __init__(
        self,
        data: Path,
        emit: Callable[[list[RunEvent]], None],
        store: JournalStore | None = None,
        owner: str = "",
    ) -> None:
        self._data = data
        self._store = OutputStore(data)
        self._emit = emit
        self._catalogue: Catalogue | None = None
        self._known: OrderedDict[bytes, tuple[Flow, Compiled | None]] = OrderedDict()
        self._lock = threading.Lock()

    def warm_up(self) -> Catalogue:
        """Load the node types."""
        with self._lock:
            if self._catalogue is None:
                self._catalogue = Catalogue.installed()
            return self._catalogue

    def run(self, job: Job, resting: Resting) -> RunResult | None:
        """Run a request; everything there is to say of it is said by events.

        Returns:
            What became of it; None when another engine runs it.
        """
        request = job.request
        cancel = threading.Event()
        with job.lock:
            job.started = True
            job.control = _Cancelling(cancel)
            if job.cancelled:
                cancel.set()
        catalogue = self.warm_up()
        flow, compiled = self._flow(request, catalogue)
        return run_flow(
            flow,
            catalogue,
            run_id=request.run_id,
            files=LocalFiles(Path(request.files_root), confined=request.confined),
            emit=lambda event: self._tell(job, event),
            store=self._store,
            inputs=request.inputs,
            cancel=cancel,
            from_node=request.from_node,
            to_node=request.to_node,
            reuse=request.reuse,
            env=request.env,
            allow_hosts=request.allow_hosts,
            trigger=request.trigger,
            compiled=compiled,
            read_outputs=False,
            last_seq=job.last_seq,
        )

    def told_again(self, steps: Sequence[StepRow]) -> Iterator[Told]:
        """What became of the activations of a run that has ended."""
        values = ValueStore(self._data, Codec.of(self.warm_up()))
        return told_again(steps, values, self._store)

    def _tell(self, job: Job, event: RunEvent) -> None:
        job.last_seq = event.seq
        self._emit([event])

    def _flow(self, request: RunRequest, catalogue: Catalogue) -> tuple[Flow, Compiled | None]:
        """The flow, and what is known of it; a part of a flow is compiled for its run alone."""
        key = hashlib.sha256(msgspec.json.encode(request.flow)).digest()
        with self._lock:
            found = self._known.get(key)
            if found is not None:
                self._known.move_to_end(key)
        part = request.from_node is not None or request.to_node is not None
        if found is None:
            flow = _read(request.flow)
            found = flow, _compiled(flow, catalogue)
            with self._lock:
                self._known[key] = found
                while len(self._known) > _MOST_COMPILED:
                    self._known.popitem(last=False)
        return found[0], None if part else found[1]


def _compiled(flow: Flow, catalogue: Catalogue) -> Compiled | None:
    """None when the flow has problems: the run will tell them."""
    try:
        return compile_flow(flow, catalogue)
    except FlowError:
        return None


def _read(plain: dict[str, Any]) -> Flow:
    try:
        return Flow.model_validate(plain)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise FlowError(
            f"The flow cannot be read: {where}: {first['msg']}",
            code="flow.file.bad_value",
            hint="Correct the flow; `weft check` names every mistake.",
            params={"path": where},
        ) from error
