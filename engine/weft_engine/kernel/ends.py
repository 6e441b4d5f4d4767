"""Where streams end: sinks, printing, collecting."""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from weft_engine.kernel.building import Built, Processes, Streamed, check_function
from weft_engine.kernel.connectors import Sink
from weft_engine.kernel.custom import Sink as OneSink
from weft_engine.kernel.program_errors import ProgramError
from weft_engine.kernel.sinks.collect import Collected
from weft_engine.kernel.sinks.printing import Print

if TYPE_CHECKING:
    from weft_engine.kernel.stream import DataStream

T = TypeVar("T")
R = TypeVar("R")


class StreamEnd(Built):
    """A sink at the end of a stream: what `env.submit` may be given."""

    __slots__ = ()


class Ends(Streamed, Generic[T]):
    """The part of `DataStream` that is about its end."""

    __slots__ = ()

    def sink(
        self,
        sink: Sink[T]
        | type[Sink[T]]
        | Callable[[T], object]
        | Processes[T, object]
        | type[Processes[T, object]],
        *,
        name: str = "",
        uid: str | None = None,
        parallelism: int | None = None,
    ) -> StreamEnd:
        """Give the records to a sink, or every one to a function.

        A function is called at least once for every record: again for some after a restart.
        """
        if inspect.isclass(sink) and issubclass(sink, Sink):
            sink = sink()
        if not isinstance(sink, Sink):
            return self.for_each(sink, name=name, uid=uid, parallelism=parallelism)
        return self._end("sink", {"sink": sink}, name=name, uid=uid, parallelism=parallelism)

    def for_each(
        self,
        fn: Callable[[T], object] | Processes[T, object] | type[Processes[T, object]],
        *,
        name: str = "",
        uid: str | None = None,
        parallelism: int | None = None,
    ) -> StreamEnd:
        """Call a function with every record; the same as `sink` of a function."""
        params = {"fn": Print() if fn is print else check_function(fn)}
        return self._end("for_each", params, name=name, uid=uid, parallelism=parallelism)

    def print(self, prefix: str = "", *, name: str = "print") -> StreamEnd:
        """Print every record on a line of its own."""
        return self._end("for_each", {"fn": Print(prefix)}, name=name)

    def collect(self, *, name: str = "collect") -> Collected[T]:
        """Keep the records in memory; `get()` gives them once the job has ended."""
        end = self._end("collect_results", {}, name=name, parallelism=1)
        collected = Collected[T](end.vertex.uid)
        self.graph.collected.append(collected)
        return collected

    def execute_and_collect(self) -> list[T]:
        """Run what this stream needs, and wait for its records.

        Raises:
            WeftError: what failed.
        """
        if self.graph.home is None:
            raise ProgramError(
                "the stream belongs to no environment",
                hint="Begin with LocalEnvironment().from_collection(…).",
            )
        records: list[T] = self.graph.home.execute_and_collect(self)
        return records

    def into(self, factory: Callable[[], OneSink[T, R]], *, name: str = "") -> "DataStream[R]":
        """Give the records to a sink of one's own; its answer is the one record that follows."""
        params = {"factory": factory}
        return self.then("sink_factory", params, name=name, keep=True, parallelism=1)

    def _end(self, kind: str, params: dict[str, Any], **more: Any) -> StreamEnd:
        return StreamEnd(self.graph, self.then(kind, params, keep=True, **more).ref)
