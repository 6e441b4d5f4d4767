"""The units of one run, on workers in other processes; what is light or waits stays here."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from weft_engine.compiler.program import Program
from weft_engine.flow.model import Node
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.runs.context import RunScope
from weft_engine.runs.executors.base import Handle, Resources, Sink, UnitOutcome, UnitTask
from weft_engine.runs.executors.remote_crew import Crew
from weft_engine.runs.executors.remote_messages import note, plans, program_as_data
from weft_engine.runs.executors.remote_parts import Parts, divisible
from weft_engine.runs.executors.remote_room import Member
from weft_engine.runs.executors.remote_unit import Home, RemoteUnit, unknown_plan
from weft_engine.runs.executors.threads import ThreadsExecutor
from weft_engine.runs.files import LocalFiles
from weft_engine.runs.journal.codec import Codec
from weft_engine.runs.outputs import OutputStore
from weft_engine.runs.run import RunRequest

WAITING: Final = Resources(cpu=0.25)
"""What a call takes that waits more than it computes, unless its node says something else."""

_runs = itertools.count(1)
_units = itertools.count(1)


class RemoteExecutor:
    """Works on the units of one run."""

    def __init__(
        self,
        crew: Crew,
        request: RunRequest,
        program: Program,
        catalogue: Catalogue,
        *,
        store: OutputStore,
        batch_size: int,
        outputs: Path | None,
    ) -> None:
        """Make it; it is to `enter` its run before anything is submitted.

        Args:
            crew: The workers.
            request: What was asked for.
            program: What is run.
            catalogue: The node types that it is made of.
            store: Keeps what ports give.
            batch_size: How many records go through a stretch at a time, at most.
            outputs: The folder of `store`, where workers can reach it too.
        """
        self.name = crew.room.name
        self._crew = crew
        self._request = request
        self._program = program
        self._catalogue = catalogue
        self._store = store
        self._batch_size = batch_size
        self._outputs = outputs
        self._here: ThreadsExecutor | None = None
        self._scope: RunScope | None = None
        self._names = {id(plan): name for name, plan in plans(program)}
        self._run = next(_runs)
        self._remote: set[tuple[str, int]] = set()
        self._codec = Codec.of(catalogue)
        self._home = Home(
            crew=crew,
            codec=self._codec,
            run=self._run,
            greet=self._greet,
            blobs=store.blobs if outputs is None else None,
        )

    def enter(self, scope: RunScope) -> None:
        """Belong to a run."""
        self._scope = scope
        self._here = ThreadsExecutor(scope, self._store, batch_size=self._batch_size)

    def submit(self, task: UnitTask, sink: Sink, done: Callable[[UnitOutcome], None]) -> Handle:
        """Work on a unit beside the caller."""
        nodes = {name: task.plan.compiled.flow.nodes[name] for name in task.unit.nodes}
        if self._stays(task, nodes):
            return self._threads().submit(task, sink, done)
        name = self._names.get(id(task.plan))
        if name is None:
            raise unknown_plan(task.plan.path)
        task = replace(task, resources=self._needs(task, nodes))
        most = self._request.parallelism or self._program.flow.parallelism or 1
        by = divisible(task) if most > 1 else None
        if by is not None:
            send = partial(self._send, name, nodes)
            return Parts(task, by, most, send, sink, self._store, done)
        return self._send(name, nodes, task, sink, done)

    def _send(
        self,
        name: str,
        nodes: dict[str, Node],
        task: UnitTask,
        sink: Sink,
        done: Callable[[UnitOutcome], None],
    ) -> Handle:
        self._remote.add((task.scope, task.unit.id))
        infos = [type(task.plan.compiled.nodes[node]).info for node in nodes]
        unit = RemoteUnit(
            self._home,
            next(_units),
            name,
            task,
            sink,
            done,
            repeatable=not any(info.effects for info in infos)
            and all(node.retry is None or task.unit.kind == "stream" for node in nodes.values()),
        )
        self._crew.submit(unit)
        return unit

    def leave(self, scope: str, unit: int) -> None:
        """A unit of calls is over."""
        if (scope, unit) in self._remote:
            self._remote.discard((scope, unit))
            body = note(self._codec, "leave", self._run, scope, unit)
            self._crew.tell_all(f"run {self._run}", body)
        else:
            self._threads().leave(scope, unit)

    def close(self) -> None:
        """The run is over; its workers stay for others."""
        self._crew.tell_all(f"run {self._run}", note(self._codec, "over", self._run))
        if self._here is not None:
            self._here.close()

    def _stays(self, task: UnitTask, nodes: dict[str, Node]) -> bool:
        """Whether here is the best place.

        It is for calls that only wait, which hold nothing but memory; and for what reads and writes
        files, where workers have others.
        """
        if any(node.resources is not None for node in nodes.values()):
            return False
        if not self._crew.room.near and any(_has_files(task, name) for name in nodes):
            return True
        if task.unit.kind == "stream":
            return False
        return task.plan.compiled.works[task.unit.nodes[0]].asynchronous

    def _needs(self, task: UnitTask, nodes: dict[str, Node]) -> Resources:
        asked = [node.resources for node in nodes.values() if node.resources is not None]
        if not asked:
            name = task.unit.nodes[0]
            cost = type(task.plan.compiled.nodes[name]).info.cost
            return WAITING if task.unit.kind != "stream" and cost == "io" else Resources()
        memory = [each.memory_mb for each in asked if each.memory_mb is not None]
        return Resources(
            cpu=max(each.cpu for each in asked),
            gpu=max(each.gpu for each in asked),
            memory_mb=max(memory, default=None),
        )

    def _threads(self) -> ThreadsExecutor:
        if self._here is None:
            raise RuntimeError("it has not entered its run")
        return self._here

    # Telling workers

    def _greet(self, member: Member) -> None:
        """Tell a worker of the program and the run, once."""
        program, run = self._program_name(), f"run {self._run}"
        if program not in member.told:
            member.told.add(program)
            data = program_as_data(self._program, self._catalogue)
            member.send(note(self._codec, "program", {**data, "name": program}))
        if run not in member.told:
            member.told.add(run)
            member.send(note(self._codec, "run", self._run, self._described()))

    def _program_name(self) -> str:
        return f"{self._program.hash} {id(self._catalogue)}"

    def _described(self) -> dict[str, Any]:
        scope = self._scope
        if scope is None:
            raise RuntimeError("it has not entered its run")
        files = scope.files
        root, confined = files.place if isinstance(files, LocalFiles) else (".", True)
        return {
            "run_id": scope.run_id,
            "identity": scope.identity,
            "identities": msgspec.to_builtins(scope.identities),
            "program": self._program_name(),
            "files_root": root,
            "confined": confined,
            "outputs": str(self._outputs) if self._outputs is not None else None,
            "batch_size": self._batch_size,
            "inputs": dict(scope.inputs),
            "variables": dict(scope.variables),
            "allow_hosts": list(scope.allow_hosts),
            "trigger": dict(scope.trigger) if scope.trigger is not None else None,
        }


def _has_files(task: UnitTask, name: str) -> bool:
    return "path" in type(task.plan.compiled.nodes[name]).info.widgets.values()
