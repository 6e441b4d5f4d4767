"""Programs and runs in a worker: made once, for all units of them that come here."""

import hashlib
import importlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from weft_engine.compiler.building import compile_program
from weft_engine.compiler.program import ProgramOptions, ScopePlan, Unit
from weft_engine.errors import KernelError, said
from weft_engine.flow.model import Flow
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.node_type import NodeClass
from weft_engine.runs.context import RunScope
from weft_engine.runs.executors.remote_messages import plans
from weft_engine.runs.executors.threads import ThreadsExecutor
from weft_engine.runs.files import LocalFiles
from weft_engine.runs.identities import Identity
from weft_engine.runs.journal.codec import Codec
from weft_engine.runs.outputs import OutputStore
from weft_engine.runs.run import RunRequest

_MOST: Final = 16


class UnfitWorkerError(KernelError):
    """The worker is no good: the unit itself was not tried."""

    code = "run.worker_unfit"

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """What kept it from beginning."""
        made = cls(
            f"A worker cannot take part in the run: {said(error)}",
            hint="Install the same version of Weft, and the same node types, everywhere.",
            params={"reason": said(error)},
        )
        made.__cause__ = error
        return made


class Programs:
    """Programs that were made here, the last ones; with the node types they are made of."""

    def __init__(self) -> None:
        self._plans: OrderedDict[str, dict[str, ScopePlan]] = OrderedDict()
        self._faults: dict[str, UnfitWorkerError] = {}
        self._catalogue = Catalogue()
        self._types: list[Any] | None = None
        self._modules: set[str] = set()
        self.codec = Codec()

    def learn(self, data: dict[str, Any]) -> None:
        """Make a program."""
        name = data["name"]
        try:
            self._know_types(data["types"])
            options = ProgramOptions(
                isolate=frozenset(data["isolate"]),
                called=data["called"],
                optimise=data["optimise"],
                attended=data["attended"],
                flows=data["flows"],
            )
            flow = Flow.model_validate(data["flow"])
            only = data["only"]
            program = compile_program(
                flow, self._catalogue, options, only=None if only is None else frozenset(only)
            )
            if program.hash != data["hash"]:
                raise UnfitWorkerError.of(ValueError("its node types differ"))
        except Exception as error:  # noqa: BLE001 - whoever needs it is told
            self._faults[name] = (
                error if isinstance(error, UnfitWorkerError) else UnfitWorkerError.of(error)
            )
            return
        self._faults.pop(name, None)
        self._plans[name] = dict(plans(program))
        while len(self._plans) > _MOST:
            self._plans.popitem(last=False)

    def find(self, program: str, plan: str, unit: int) -> tuple[ScopePlan, Unit]:
        """A unit.

        Raises:
            UnfitWorkerError: its program could not be made.
        """
        if program in self._faults:
            raise self._faults[program]
        self._plans.move_to_end(program)
        found = self._plans[program][plan]
        return found, next(each for each in found.units if each.id == unit)

    def _know_types(self, types: list[Any]) -> None:
        if types != self._types:
            self._catalogue = Catalogue([_class(module, name) for module, name in types])
            self._types = types
            self._modules |= {module for module, _ in types}
            self.codec = Codec(self._modules)


def _class(module: str, name: str) -> NodeClass:
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    node: NodeClass = found
    return node


class HostedRun:
    """A run, as far as its units are worked on here."""

    def __init__(
        self, data: dict[str, Any], programs: Programs, blob: Callable[[bytes], None]
    ) -> None:
        self._data = data
        self._programs = programs
        self._blob = blob
        self._lock = threading.Lock()
        self._executor: ThreadsExecutor | None = None
        self._scope: RunScope | None = None
        self.request = RunRequest(run_id=data["run_id"], flow={})

    def find(self, plan: str, unit: int) -> tuple[ScopePlan, Unit]:
        """A unit of it."""
        return self._programs.find(self._data["program"], plan, unit)

    def executor(self) -> ThreadsExecutor:
        """What works on its units."""
        with self._lock:
            if self._executor is None:
                self._scope = self._made_scope()
                self._executor = ThreadsExecutor(
                    self._scope, self._store(), batch_size=self._data["batch_size"]
                )
            return self._executor

    def leave(self, scope: str, unit: int) -> None:
        """A unit of calls is over."""
        if self._executor is not None:
            self._executor.leave(scope, unit)

    def close(self) -> None:
        """It has ended."""
        if self._executor is not None:
            self._executor.close()
        if self._scope is not None:
            self._scope.cancel.set()
            self._scope.close()

    def _made_scope(self) -> RunScope:
        data = self._data
        return RunScope(
            run_id=data["run_id"],
            files=LocalFiles(Path(data["files_root"]), confined=data["confined"]),
            cancel=threading.Event(),
            log=_nobody,
            progress=_nobody,
            inputs=data["inputs"],
            variables=data["variables"],
            allow_hosts=tuple(data["allow_hosts"]),
            trigger=data["trigger"],
            identity=data["identity"],
            identities=msgspec.convert(data["identities"], dict[str, list[Identity]]),
        )

    def _store(self) -> OutputStore:
        if self._data["outputs"] is not None:
            return OutputStore(Path(self._data["outputs"]))
        return _SentOutputs(self._blob)


class _SentOutputs(OutputStore):
    """Keeps outputs where the run is: there is no folder that both can reach."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        super().__init__(Path(os.devnull))  # nothing is ever written there
        self._send = send

    def _save(self, data: bytes) -> str:
        self._send(data)
        return hashlib.sha256(data).hexdigest()


def _nobody(*_: Any) -> None:
    """Nodes of a unit speak to its sink."""
