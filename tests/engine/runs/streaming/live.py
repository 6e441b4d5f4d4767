"""Flows in streaming mode, run in this process."""

import threading
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from weft_engine.compiler.building import compile_program
from weft_engine.flow.model import Flow
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.runs.debug import Command
from weft_engine.runs.engine.control import RunControl
from weft_engine.runs.events import RUN_ENDS, RunEvent
from weft_engine.runs.outputs import OutputStore
from weft_engine.runs.run import RunRequest, RunResult
from weft_engine.runs.streaming.handover import LiveRuns
from weft_engine.runs.streaming.live import LiveRun
from weft_engine.runs.streaming.places import Places

WAIT_S = 60.0
CATALOGUE = Catalogue.installed()


def flow_of(
    nodes: dict[str, Any], edges: list[str], *, mode: str = "streaming", **more: Any
) -> dict[str, Any]:
    """A flow; an edge is written as `a.out>b.in`."""
    drawn = []
    for edge in edges:
        one, _, other = edge.partition(">")
        drawn.append(
            {
                "source": one.partition(".")[0],
                "source_port": one.partition(".")[2],
                "target": other.partition(".")[0],
                "target_port": other.partition(".")[2],
            }
        )
    return {
        "format": "weft/1",
        "name": "Live",
        "mode": mode,
        "nodes": nodes,
        "edges": drawn,
        **more,
    }


class Live:
    """One run in a thread, with what it says."""

    def __init__(
        self,
        folder: Path,
        flow: dict[str, Any],
        *,
        run_id: str = "run_1",
        runs: LiveRuns | None = None,
        catalogue: Catalogue = CATALOGUE,
        **more: Any,
    ) -> None:
        self.folder = folder
        self.request = RunRequest(
            run_id=run_id, flow=flow, files_root=str(folder / "files"), stream="flow_1", **more
        )
        (folder / "files").mkdir(exist_ok=True)
        self.places = Places(folder / "data", "flow_1", run_id)
        self.control = RunControl()
        self.events: list[RunEvent] = []
        self._heard: SimpleQueue[RunEvent] = SimpleQueue()
        self.result: RunResult | None = None
        program = compile_program(Flow.model_validate(flow), catalogue)
        self._run = LiveRun(
            self.request,
            program,
            emit=lambda events: [self._heard.put(event) for event in events] and None,
            store=OutputStore(folder / "data"),
            data=folder / "data",
            runs=runs if runs is not None else LiveRuns(),
            control=self.control,
        )
        self._thread = threading.Thread(target=self._go, daemon=True)
        self._thread.start()

    def _go(self) -> None:
        self.result = self._run.go()

    def until(self, holds: Callable[[RunEvent], bool]) -> RunEvent:
        """Wait for an event."""
        while True:
            try:
                event = self._heard.get(timeout=WAIT_S)
            except Empty:
                raise AssertionError([(e.type, e.node, e.data) for e in self.events]) from None
            self.events.append(event)
            if holds(event):
                return event
            if event.type in RUN_ENDS:
                raise AssertionError(f"it ended: {event}")

    def until_type(self, kind: str) -> RunEvent:
        return self.until(lambda event: event.type == kind)

    def until_out(self, node: str, port: str, count: int) -> RunEvent:
        """Wait until a node has given so many records."""
        return self.until(
            lambda event: (
                event.node == node
                and event.type in ("node_progress", "node_completed")
                and event.data["counts"]["out"].get(port, 0) >= count
            )
        )

    def end(self) -> RunEvent:
        """Wait for the end."""
        event = self.until(lambda event: event.type in RUN_ENDS)
        self._thread.join(WAIT_S)
        return event

    def tell(self, kind: Any, **more: Any) -> None:
        self.control.send(Command(kind=kind, **more))

    def cancel(self) -> RunEvent:
        self.control.cancel()
        return self.end()

    def parts(self, folder: str) -> str:
        """What stands in the parts of a folder, in order."""
        found = sorted((self.folder / "files" / folder).glob("part-*"))
        return "".join(path.read_text() for path in found)
