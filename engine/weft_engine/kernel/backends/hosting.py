"""The part of a job that one worker hosts: its subtasks in threads, and their channels."""

import contextlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

from weft_engine.errors import KernelError, WeftError, said
from weft_engine.kernel.backends.assembly import make_operators
from weft_engine.kernel.backends.control import Deploy, Disconnected, Place, Told
from weft_engine.kernel.backends.packing import unpack
from weft_engine.kernel.backends.placement import Link, links
from weft_engine.kernel.physical import Edge, Stage
from weft_engine.kernel.runtime.channel import Channel
from weft_engine.kernel.runtime.failure_report import make_report
from weft_engine.kernel.runtime.gate import Gate
from weft_engine.kernel.runtime.host import Host, wall_clock
from weft_engine.kernel.runtime.messages import (
    Failed,
    Report,
    Restore,
    SubtaskId,
)
from weft_engine.kernel.runtime.operator import Stopped
from weft_engine.kernel.runtime.subtask import Subtask
from weft_engine.kernel.runtime.wiring import ChannelId, make_gate, make_routers
from weft_engine.kernel.transport.address import Address
from weft_engine.kernel.transport.exchange import Events, Exchange

_NOTHING = Restore()


class HostedJob:
    """One attempt of a job, as far as it runs in this process.

    `prepare`, then `start` once every worker has prepared, then `stop`.
    """

    def __init__(self, deploy: Deploy, worker: str, say: Callable[[Any], None]) -> None:
        """`say` sends a message to the coordinator, from any thread.

        Raises:
            FlowError: `kernel.worker_import`.
        """
        self.id = deploy.id
        self._deploy = deploy
        self._worker = worker
        self._say = say
        self._spec = unpack(deploy.spec)
        self._host = Host(self._spec, worker)
        self._stages: dict[int, Stage] = {stage.id: stage for stage in self._spec.plan.stages}
        self._gates: dict[Place, Gate] = {}
        self._links: dict[ChannelId, Link] = {}
        self._subtasks: list[Subtask] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._stopped = False
        self._socket: Path | None = None
        self._exchange = Exchange(
            worker,
            deploy.token,
            self._spec.settings,
            Events(self._disconnected, lambda error: self._fail(error, self._first())),
        )

    def prepare(self, bind: Address) -> Address | None:
        """Make the gates and listen for other workers; where, if any will come."""
        plan, placed = self._spec.plan, self._deploy.placed
        for place, worker in placed.items():
            if worker == self._worker:
                gate = make_gate(plan, *place, self._spec.settings)
                if gate is not None:
                    self._gates[place] = gate
        expected = False
        for link in links(plan):
            self._links[ChannelId(link.edge.id, link.source[1], link.target[1])] = link
            comes = placed[link.target] == self._worker
            if comes and placed[link.source] != self._worker:
                self._exchange.receive(link.number, self._gates[link.target], link.input)
                expected = True
        if not expected:
            return None
        if isinstance(bind, str):
            self._socket = Path(bind) / f"{self._worker}.{self.id}"
            return self._exchange.listen(str(self._socket))
        return self._exchange.listen(bind)

    def start(self, peers: Mapping[str, Address]) -> None:
        """Connect to the other workers and let the subtasks run."""
        mine = [place for place, worker in self._deploy.placed.items() if worker == self._worker]
        try:
            self._exchange.connect(self._wanted(peers))
            subtasks = [self._subtask(place) for place in mine]
        except Stopped:
            return
        except Exception as error:  # noqa: BLE001 - it ends the attempt, whatever it is
            self._fail(error, mine[0])
            return
        with self._lock:
            if self._stopped:
                return
            self._subtasks = subtasks
            self._threads = [
                threading.Thread(
                    target=subtask.run, name=f"weft-{subtask.stage.name}-{subtask.id.index}"
                )
                for subtask in subtasks
            ]
            for thread in self._threads:
                thread.daemon = True
                thread.start()

    def command(self, kind: str, value: Any) -> None:
        """Pass something on to the subtasks."""
        for subtask in self._subtasks:
            match kind:
                case "trigger":
                    subtask.trigger(value)
                case "committed":
                    subtask.committed(value)
                case "pause":
                    subtask.pause()
                case "resume":
                    subtask.resume()

    def stop(self, grace_s: float) -> bool:
        """End everything, waiting so long for it; whether nothing is left running."""
        with self._lock:
            self._stopped = True
            threads = self._threads
        for subtask in self._subtasks:
            subtask.cancel()
        self._exchange.cancel()
        deadline = monotonic() + grace_s
        for thread in threads:
            thread.join(max(0.0, deadline - monotonic()))
        self._exchange.close()
        self._host.close()
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.unlink()
        return not any(thread.is_alive() for thread in threads)

    def _wanted(self, peers: Mapping[str, Address]) -> dict[str, Address]:
        """The workers that this one sends to."""
        placed = self._deploy.placed
        names = {
            placed[link.target]
            for link in self._links.values()
            if placed[link.source] == self._worker
        }
        return {name: peers[name] for name in sorted(names - {self._worker})}

    def _subtask(self, place: Place) -> Subtask:
        stage, index = self._stages[place[0]], place[1]
        spec = self._spec
        return Subtask(
            spec,
            stage,
            index,
            self._deploy.attempt,
            make_operators(stage),
            self._gates.get(place),
            make_routers(spec.plan, stage.id, index, spec.settings, self._host, self._channel),
            self._deploy.restore.get(place, _NOTHING),
            self._report,
            wall_clock,
            self._host,
        )

    def _channel(self, edge: Edge, id_: ChannelId) -> Channel:
        link = self._links[id_]
        worker = self._deploy.placed[link.target]
        if worker == self._worker:
            return self._gates[link.target].channel(link.input)
        return self._exchange.channel(link.number, worker, unbounded=edge.feedback)

    def _report(self, report: Report) -> None:
        if isinstance(report, Failed):
            # The exception may not be picklable; the report has it where it is.
            report = replace(report, error=None)
        try:
            self._say(Told(self.id, report))
        except Exception as error:  # noqa: BLE001 - state may be anything
            subtask = getattr(report, "subtask", None)
            place = (subtask.stage, subtask.index) if subtask is not None else self._first()
            self._fail(_unsendable(report, error), place)

    def _fail(self, error: Exception, place: Place) -> None:
        stage = self._stages[place[0]]
        report = make_report(error, stage, place[1])
        self._say(Told(self.id, Failed(SubtaskId(*place, self._deploy.attempt), report)))

    def _first(self) -> Place:
        """A subtask to blame for what belongs to none in particular."""
        return min(place for place, worker in self._deploy.placed.items() if worker == self._worker)

    def _disconnected(self, peer: str, reason: str) -> None:
        self._say(Disconnected(self.id, peer, reason))


def _unsendable(report: Report, error: Exception) -> WeftError:
    return KernelError(
        f"What a subtask reports ({type(report).__name__}) cannot be sent: {said(error)}",
        code="kernel.unpicklable",
        hint="Let the state of operators and what sinks prepare be plain data.",
    )
