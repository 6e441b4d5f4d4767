"""Where DataStream programs are run.

env = LocalEnvironment("hello")
env.from_collection(["to be", "or not"]).map(str.upper).print()
env.submit()
"""

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from weft_engine.kernel.backends.backend import Backend
from weft_engine.kernel.backends.base import Counters, Observer
from weft_engine.kernel.backends.local import BATCH_SIZE, LocalJob
from weft_engine.kernel.beginnings import Beginnings
from weft_engine.kernel.building import check_parallelism
from weft_engine.kernel.config import Config, merged, read_config
from weft_engine.kernel.coordinator import Job
from weft_engine.kernel.durations import Duration, seconds
from weft_engine.kernel.graph import Graph
from weft_engine.kernel.operators import KINDS
from weft_engine.kernel.outside import overridden, overrides, wanted_backend
from weft_engine.kernel.plan import Plan, make_plan
from weft_engine.kernel.program_errors import ProgramError
from weft_engine.kernel.programs import collecting, program
from weft_engine.kernel.services import ServiceSpec
from weft_engine.kernel.services import retry_policy as retry_policy_of
from weft_engine.kernel.settings import Restart, Settings
from weft_engine.kernel.sinks.collect import Collected
from weft_engine.kernel.stream import DataStream
from weft_engine.kernel.submitting import Submission, make_backend

__all__ = [
    "Environment",
    "HybridEnvironment",
    "LocalEnvironment",
    "RemoteEnvironment",
    "StreamEnvironment",
    "overrides",
]

T = TypeVar("T")


class Environment(Beginnings):
    """A graph being built."""

    def __init__(self, graph: Graph | None = None) -> None:
        self.graph = graph or Graph()

    def plan(self) -> Plan:
        """How `LocalEnvironment.run` would run the graph."""
        return make_plan(self.graph)


class StreamEnvironment(Environment):
    """An environment with a name and a configuration, whose programs are submitted as jobs.

    It remembers nothing of the jobs: what was built may be submitted any number of times.
    """

    def __init__(
        self,
        name: str = "job",
        config: Mapping[str, Any] | None = None,
        *,
        graph: Graph | None = None,
    ) -> None:
        super().__init__(graph)
        self.graph.home = self
        self.name = name
        self.config: Config = read_config(config or {})
        """The configuration as it was read."""
        self.services: dict[str, Any] = {}
        """What was registered, by name."""

    @property
    def settings(self) -> Settings:
        """How jobs are run, with what the command line has overridden."""
        return overridden(self.config.settings)

    def configure(self, **config: Any) -> None:
        """Change the configuration; keys with dots are given as `**{"batch.size": 100}`."""
        self.config = merged(self.config, config)

    def set_parallelism(self, parallelism: int) -> None:
        """As how many subtasks operators run that do not say otherwise."""
        self.configure(parallelism=check_parallelism(parallelism))

    def enable_checkpointing(
        self, interval: Duration, directory: str | None = None, *, mode: str = "exactly_once"
    ) -> None:
        """Make a checkpoint that often, in that folder."""
        self.configure(**{"checkpoint.interval": interval, "checkpointing": mode})
        if directory is not None:
            self.configure(**{"checkpoint.dir": directory})

    def configure_debug(
        self,
        *,
        enable_tracing: bool = False,
        metrics_interval: Duration = "1s",
        log_level: str = "INFO",
    ) -> None:
        """Trace batches (see `Job.traces`), report counters that often, log from that level."""
        given = {"metrics.interval": metrics_interval, "log.level": log_level}
        self.configure(tracing=enable_tracing, **given)

    def register_service(
        self,
        name: str,
        factory: Any,
        *args: Any,
        timeout: Duration | None = None,
        retry_policy: Mapping[str, Any] | int | None = None,
        **kwargs: Any,
    ) -> None:
        """Let functions call a service by name: `context.call_service(name, method, …)`.

        Every process in which the job works makes one of its own, at the first call, and closes it
        when the job is over. Its methods are called from several threads at once.

        Args:
            name: What functions call it.
            factory: A class or a function that makes it, or an object that is one. Its `open` is
                called first and its `close` last, where it has them.
            *args: For the factory.
            timeout: How long an attempt of a call may take.
            retry_policy: How often to try: a number, or `{"max_attempts": 3, "delay_s": 0.5}`.
            **kwargs: For the factory.

        Raises:
            ProgramError: when the name is taken.
            FlowError: `config.unknown_key`, `config.bad_value` for a retry policy that is none.
        """
        if not isinstance(name, str) or not name:
            raise ProgramError(f"a service cannot be called {name!r}", hint="Give a text.")
        if name in self.services:
            raise ProgramError(
                f"there is a service {name!r} already", hint="Give every service its own name."
            )
        limit = None if timeout is None else seconds(timeout, "the timeout")
        policy = retry_policy_of(retry_policy)
        self.services[name] = ServiceSpec(factory, args, dict(kwargs), limit, policy)

    def submit(
        self, pipeline: Any = None, *, wait: bool | None = None, resume: str | None = None
    ) -> Job:
        """Run what was built: all of it, or just what leads to the given stream or sink.

        A job whose sources all end runs to its end here, unless `wait` is False. The handle of any
        other job comes back when all its subtasks have begun, unless `wait` is True.

        `resume` says where to begin: `latest` for the newest checkpoint of a job of this name, or
        the path of a savepoint; at the beginning when None.

        Raises:
            JobFailedError: when an operator failed; `__cause__` is the author's own exception.
            WeftError: what is wrong with the program, or else has failed.
        """
        return self._built(pipeline).start(wait=wait, resume=resume)

    def _built(self, pipeline: Any) -> Submission:
        graph = program(self.graph, pipeline)
        uids = {vertex.uid for vertex in graph.vertices}
        collected = [each for each in self.graph.collected if each.uid in uids]
        return self._submission(graph, *collected)

    def start_profiled(self, pipeline: Any, interval_s: float) -> Job:
        """Start what was built with everything measured, for `PipelineProfiler`.

        It keeps no checkpoints, is not started again, and nobody else is told of it.
        """
        made = self._built(pipeline)
        settings = replace(
            made.settings,
            profiling=True,
            metrics_interval_s=interval_s,
            checkpoint_dir=None,
            checkpoint_interval_s=None,
            restart=Restart(),
            metrics_port=None,
            otel_endpoint=None,
            status_dir=None,
        )
        return replace(made, settings=settings).start(wait=False, resume=None)

    def execute_and_collect(self, stream: DataStream[T]) -> list[T]:
        """Run what the stream needs, wait for its end, and return its records."""
        graph, uid = collecting(self.graph, stream)
        collected = Collected[T](uid)
        self._submission(graph, collected).start(wait=True, resume=None)
        return collected.get()

    def _submission(self, graph: Graph, *collected: Collected[Any]) -> Submission:
        config = self.config.values
        backend = self.backend()
        return Submission(
            self.name, graph, self.settings, config, dict(self.services), backend, collected
        )

    def backend(self) -> Backend:
        """Where jobs run; a new one for each."""
        raise NotImplementedError


class LocalEnvironment(StreamEnvironment):
    """Runs jobs on this machine: as threads of this process, as processes, or step by step.

    `backend` is `threads`, `processes` or `inline`: one thread that lets the subtasks take turns,
    in an order that depends on nothing but the configuration's `seed`.
    """

    def __init__(
        self,
        name: str = "job",
        config: Mapping[str, Any] | None = None,
        *,
        backend: str = "threads",
        batch_size: int = BATCH_SIZE,
        graph: Graph | None = None,
    ) -> None:
        super().__init__(name, config, graph=graph)
        self._backend = backend
        self._batch_size = batch_size
        self.counters: dict[int, Counters] = {}
        """What went through every operator in the last `run`."""

    def backend(self) -> Backend:
        return make_backend(wanted_backend(self._backend), self.settings, self.config.values)

    def run(
        self,
        *streams: DataStream[Any],
        cancel: threading.Event | None = None,
        observer: Observer | None = None,
    ) -> list[Any]:
        """Run everything built so far in the calling thread, as flows are run: all in order.

        It knows no keyed state, event times or checkpoints; `submit` does.

        Returns:
            The records of the stream given, or a list of such lists for several.

        Raises:
            OperatorError: when an operator failed.
            JobCancelledError: when the event was set.
        """
        graph = Graph(list(self.graph.vertices))
        for vertex in graph.vertices:
            if vertex.kind not in KINDS and vertex.kind not in _WITH_FACTORY:
                raise ProgramError(
                    f"run() knows no operator of the kind {vertex.kind!r}",
                    hint="Use submit() or execute_and_collect().",
                )
        results: list[list[Any]] = [[] for _ in streams]
        for stream, result in zip(streams, results, strict=True):
            params = {"factory": lambda result=result: _Into(result)}
            graph.add("sink_factory", stream.ref, params=params, keep=True)
        job = LocalJob(
            make_plan(graph), batch_size=self._batch_size, cancel=cancel, observer=observer
        )
        self.counters = job.counters
        job.run()
        return results[0] if len(results) == 1 else results


class RemoteEnvironment(StreamEnvironment):
    """Runs jobs on a Ray cluster: the one at the address, or a new one on this machine."""

    def __init__(
        self,
        name: str = "job",
        config: Mapping[str, Any] | None = None,
        *,
        address: str | None = None,
        workers: int | None = None,
        graph: Graph | None = None,
    ) -> None:
        super().__init__(name, config, graph=graph)
        if workers is not None:
            self.configure(workers=workers)
        self._address = address

    def backend(self) -> Backend:
        return make_backend(
            wanted_backend("ray"), self.settings, self.config.values, address=self._address
        )


class HybridEnvironment(StreamEnvironment):
    """Runs operators where their label says: `stream.place_on("gpu")`.

    `placements` has a place for every label: the name of a backend (`processes`, `ray`), another
    environment, or a backend. Operators without a label run at the first of them.
    """

    def __init__(
        self,
        placements: Mapping[str, Any],
        name: str = "job",
        config: Mapping[str, Any] | None = None,
        *,
        graph: Graph | None = None,
    ) -> None:
        super().__init__(name, config, graph=graph)
        self._placements = dict(placements)

    def backend(self) -> Backend:
        wanted = wanted_backend("hybrid")
        if wanted != "hybrid":
            return make_backend(wanted, self.settings, self.config.values)
        places = {label: self._place(where) for label, where in self._placements.items()}
        return make_backend(wanted, self.settings, self.config.values, placements=places)

    def _place(self, where: Any) -> Backend:
        if isinstance(where, StreamEnvironment):
            return where.backend()
        if isinstance(where, str):
            return make_backend(where, self.settings, self.config.values)
        place: Backend = where
        return place


_WITH_FACTORY = frozenset({"operator", "linear", "concat", "first_of"})


class _Into:
    """A sink that fills a list."""

    def __init__(self, records: list[Any]) -> None:
        self._records = records

    def open(self) -> None:
        pass

    def write(self, batch: list[Any]) -> None:
        self._records += batch

    def finish(self) -> None:
        pass

    def close(self) -> None:
        pass
