"""Where DataStream programs begin: environments without a place to run."""

from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from weft_engine.kernel.building import check_parallelism, check_uid
from weft_engine.kernel.connectors import Source
from weft_engine.kernel.durations import Duration
from weft_engine.kernel.functions import SourceFunction
from weft_engine.kernel.graph import Graph, Ref
from weft_engine.kernel.sources.anything import make_source
from weft_engine.kernel.sources.broker import BrokerClient, BrokerSource
from weft_engine.kernel.sources.collection import collection
from weft_engine.kernel.sources.files import FileSource
from weft_engine.kernel.sources.function import FunctionSource
from weft_engine.kernel.sources.ticks import TickSource
from weft_engine.kernel.stream import DataStream

T = TypeVar("T")


class Beginnings:
    """The part of every environment that streams begin with."""

    graph: Graph

    def from_collection(
        self,
        records: Iterable[T],
        *,
        name: str = "",
        uid: str | None = None,
        parallelism: int | None = None,
    ) -> DataStream[T]:
        """A stream of the records of a collection; it is read anew in every run.

        One subtask reads it, in order, whatever the environment's parallelism. With a
        `parallelism` of its own, a sequence is read in parts, all at once. A range stays a range;
        what an iterator has given is remembered.
        """
        made = collection(records)
        return self.from_source(
            made, name=name, uid=uid, parallelism=1 if parallelism is None else parallelism
        )

    from_batch = from_collection

    def from_source(
        self,
        source: Source[T]
        | type[Source[T]]
        | Callable[[], Iterable[T]]
        | Callable[[], AsyncIterator[T]]
        | SourceFunction[T]
        | type[SourceFunction[T]],
        *,
        name: str = "",
        uid: str | None = None,
        parallelism: int | None = None,
    ) -> DataStream[T]:
        """A stream of what a source gives.

        That is a `Source`, a `SourceFunction`, or a function without parameters that gives an
        iterable or is an async generator; it is called when the run begins.
        """
        made = make_source(source)
        more: dict[str, Any] = {"timed": made.timed}
        if uid:
            check_uid(self.graph, uid)
            more["uid"] = uid
        if parallelism is not None:
            more["parallelism"] = check_parallelism(parallelism)
        vertex = self.graph.add("source", name=name, params={"source": made}, **more)
        return DataStream(self.graph, Ref(vertex.id))

    def read_text(
        self, paths: str | Path | Iterable[str | Path], *, name: str = ""
    ) -> DataStream[str]:
        """A stream of the lines of text files; see `FileSource`."""
        return self.from_source(FileSource(paths, format="text"), name=name)

    def read_csv(
        self, paths: str | Path | Iterable[str | Path], *, name: str = ""
    ) -> DataStream[dict[str, str]]:
        """A stream of the rows of CSV files with a header, as dicts of texts; see `FileSource`."""
        return self.from_source(FileSource(paths, format="csv"), name=name)

    def read_json(
        self, paths: str | Path | Iterable[str | Path], *, name: str = ""
    ) -> DataStream[Any]:
        """A stream of the values of JSON files, one a line; see `FileSource`."""
        return self.from_source(FileSource(paths, format="jsonl"), name=name)

    def from_function(
        self, fn: Callable[[], T | Any], *, bounded: bool = False, name: str = ""
    ) -> DataStream[T]:
        """A stream of what a function returns whenever it is asked.

        None means that there is nothing right now, a `StopSignal` that there is nothing more ever.
        `bounded` says whether that will come, so that `submit` waits for it.
        """
        return self.from_source(FunctionSource(fn, bounded=bounded), name=name)

    def from_kafka_source(
        self,
        connect: Callable[[], BrokerClient],
        topic: str,
        *,
        name: str = "",
        uid: str | None = None,
        **options: Any,
    ) -> DataStream[Any]:
        """A stream of a topic of Kafka or the like, by a client of one's own.

        `connect` makes the `BrokerClient`; `options` are those of `BrokerSource`.
        """
        source = BrokerSource[Any](connect, topic, **options)
        return self.from_source(source, name=name or topic, uid=uid)

    def from_ticks(
        self, interval: Duration, *, count: int | None = None, name: str = ""
    ) -> DataStream[int]:
        """A stream of the numbers 0, 1, 2 and so on, one after every interval."""
        return self.from_source(TickSource(interval, count=count), name=name)
