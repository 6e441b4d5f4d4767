"""The streaming kernel: streams of records, described lazily and run in batches.

    from weft_engine.kernel import LocalEnvironment

    env = LocalEnvironment("hello")
    env.from_collection(["to be", "or not"]).map(str.upper).print()
    env.submit()

Names are imported when they are first used, so that importing a part of the kernel stays light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from weft_engine.kernel.batch import Batch as Batch
    from weft_engine.kernel.connected import ConnectedStreams as ConnectedStreams
    from weft_engine.kernel.connectors import Reader as Reader
    from weft_engine.kernel.connectors import ReaderContext as ReaderContext
    from weft_engine.kernel.connectors import Sink as Sink
    from weft_engine.kernel.connectors import SinkWriter as SinkWriter
    from weft_engine.kernel.connectors import Source as Source
    from weft_engine.kernel.coordinator import Job as Job
    from weft_engine.kernel.coordinator import JobCancelledError as JobCancelledError
    from weft_engine.kernel.coordinator import JobFailedError as JobFailedError
    from weft_engine.kernel.environment import HybridEnvironment as HybridEnvironment
    from weft_engine.kernel.environment import LocalEnvironment as LocalEnvironment
    from weft_engine.kernel.environment import RemoteEnvironment as RemoteEnvironment
    from weft_engine.kernel.fair_queue import FairQueue as FairQueue
    from weft_engine.kernel.functions import AggregateFunction as AggregateFunction
    from weft_engine.kernel.functions import BaseFunction as BaseFunction
    from weft_engine.kernel.functions import CoFlatMapFunction as CoFlatMapFunction
    from weft_engine.kernel.functions import CoMapFunction as CoMapFunction
    from weft_engine.kernel.functions import CoProcessFunction as CoProcessFunction
    from weft_engine.kernel.functions import FilterFunction as FilterFunction
    from weft_engine.kernel.functions import FlatMapFunction as FlatMapFunction
    from weft_engine.kernel.functions import FunctionContext as FunctionContext
    from weft_engine.kernel.functions import ListState as ListState
    from weft_engine.kernel.functions import MapFunction as MapFunction
    from weft_engine.kernel.functions import MapState as MapState
    from weft_engine.kernel.functions import ProcessFunction as ProcessFunction
    from weft_engine.kernel.functions import ReduceFunction as ReduceFunction
    from weft_engine.kernel.functions import ReducingState as ReducingState
    from weft_engine.kernel.functions import SinkFunction as SinkFunction
    from weft_engine.kernel.functions import SourceFunction as SourceFunction
    from weft_engine.kernel.functions import StopSignal as StopSignal
    from weft_engine.kernel.functions import ValueState as ValueState
    from weft_engine.kernel.inline import Inline as Inline
    from weft_engine.kernel.keyed import KeyedStream as KeyedStream
    from weft_engine.kernel.outside import overrides as overrides
    from weft_engine.kernel.pipeline_service import PipelineService as PipelineService
    from weft_engine.kernel.profiler import PipelineProfiler as PipelineProfiler
    from weft_engine.kernel.program_errors import ProgramError as ProgramError
    from weft_engine.kernel.requests import Answer as Answer
    from weft_engine.kernel.requests import Request as Request
    from weft_engine.kernel.requests import answering as answering
    from weft_engine.kernel.requests import answering_in_parts as answering_in_parts
    from weft_engine.kernel.requests import passing as passing
    from weft_engine.kernel.services import ServiceSpec as ServiceSpec
    from weft_engine.kernel.sinks.collect import Collected as Collected
    from weft_engine.kernel.sinks.database import SqliteSink as SqliteSink
    from weft_engine.kernel.sinks.files import FileSink as FileSink
    from weft_engine.kernel.sources.asynchronous import AsyncSource as AsyncSource
    from weft_engine.kernel.sources.broker import BrokerClient as BrokerClient
    from weft_engine.kernel.sources.broker import BrokerSource as BrokerSource
    from weft_engine.kernel.sources.broker import Message as Message
    from weft_engine.kernel.sources.collection import CollectionSource as CollectionSource
    from weft_engine.kernel.sources.files import FileSource as FileSource
    from weft_engine.kernel.sources.function import FunctionSource as FunctionSource
    from weft_engine.kernel.sources.iterable import FactorySource as FactorySource
    from weft_engine.kernel.sources.queue import QueueSource as QueueSource
    from weft_engine.kernel.sources.ticks import TickSource as TickSource
    from weft_engine.kernel.stream import DataStream as DataStream
    from weft_engine.kernel.windowed import WindowedStream as WindowedStream
    from weft_engine.kernel.windows import Count as Count
    from weft_engine.kernel.windows import Global as Global
    from weft_engine.kernel.windows import Session as Session
    from weft_engine.kernel.windows import Sliding as Sliding
    from weft_engine.kernel.windows import Tumbling as Tumbling
    from weft_engine.kernel.windows import Window as Window

EXPORTS: Final = {
    "batch": "Batch",
    "connected": "ConnectedStreams",
    "connectors": "Reader ReaderContext Sink SinkWriter Source",
    "coordinator": "Job JobCancelledError JobFailedError",
    "environment": "HybridEnvironment LocalEnvironment RemoteEnvironment",
    "fair_queue": "FairQueue",
    "functions": (
        "AggregateFunction BaseFunction CoFlatMapFunction CoMapFunction CoProcessFunction "
        "FilterFunction FlatMapFunction FunctionContext MapFunction ProcessFunction "
        "ReduceFunction SinkFunction SourceFunction StopSignal "
        "ListState MapState ReducingState ValueState"
    ),
    "inline": "Inline",
    "keyed": "KeyedStream",
    "outside": "overrides",
    "pipeline_service": "PipelineService",
    "profiler": "PipelineProfiler",
    "program_errors": "ProgramError",
    "requests": "Answer Request answering answering_in_parts passing",
    "services": "ServiceSpec",
    "sinks.collect": "Collected",
    "sinks.database": "SqliteSink",
    "sinks.files": "FileSink",
    "sources.asynchronous": "AsyncSource",
    "sources.broker": "BrokerClient BrokerSource Message",
    "sources.collection": "CollectionSource",
    "sources.files": "FileSource",
    "sources.function": "FunctionSource",
    "sources.iterable": "FactorySource",
    "sources.queue": "QueueSource",
    "sources.ticks": "TickSource",
    "stream": "DataStream",
    "windowed": "WindowedStream",
    "windows": "Count Global Session Sliding Tumbling Window",
}
"""Public names, by the module they are in."""

_HOME: Final = {name: module for module, names in EXPORTS.items() for name in names.split()}

__all__ = [*_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
