"""The operators that subtasks drive, by kind, with the parameters that the graph gives them.

=================  ==========================================================================
kind               parameters
=================  ==========================================================================
source             source: connectors.Source, read_limit: int | None = None
sink               sink: connectors.Sink
collect_results    (none) a sink whose committables are lists of the records
timestamps         fn: record -> ms or aware datetime, None to keep the times there are;
                   bound_ms = 0, idle_ms = None, watermarks: "batch" | "record" = "batch"
keyed_process      fn: ProcessFunction, sides: tuple of names = () (outputs 1, 2, …)
process_function   the same on a stream without keys
window             assigner: windows.Tumbling | Sliding | Session | Count | Global; how: "reduce"
                   (fn of two records), "aggregate" (AggregateFunction; `mergeable =
                   False` says that it has no merge) or "process" (fn of key, window, records
                   -> iterable); fn;
                   result: (key, window, value) -> record = None; lateness_ms = 0;
                   sides = () or ("late",) (late records leave by output 1); early_ms = None
window_join        assigner, fn: (left, right) -> record, how: inner | left | right | outer,
                   lateness_ms = 0, sides = () or ("late",)
interval_join      lower_ms, upper_ms, fn: (left, right) -> record, sides = () or ("late",)
co_map             fn: object or class with map1, map2, … one for every input
co_flat_map        fn: object or class with flat_map1, flat_map2, …
co_process         fn: object or class with process1(value, context), … and on_timer; sides = ()
async_map          fn: async or blocking function or object; concurrency = 16, ordered = True,
                   per_key: record -> key, or True for the stream's own key = None; retries and
                   the time limit of an attempt are those of the policy
aggregate          key, create, add, result: (key, held) -> record = None; by key, at the end
reduce             key, fn; by key, at the end
distinct           key = None
join               left_key, right_key, combine: (left, right) -> record, how: inner | left | right
                   | outer; by key
sort, fold, …      collect, concat, first_of, fold, limit, process, sink_factory, sort, split, zip,
                   operator, linear: as in `weft_engine.kernel.operators`; without times
union              (none)
custom             factory: spec -> StreamOperator, of whoever builds the graph
iterate            max_rounds = None: how many rounds there may be after the input has ended
=================  ==========================================================================
"""

from collections.abc import Callable, Mapping
from typing import Final

from weft_engine.errors import KernelError
from weft_engine.kernel.physical import OperatorSpec
from weft_engine.kernel.runtime.operator import StreamOperator
from weft_engine.kernel.streaming.adapted import ADAPTED
from weft_engine.kernel.streaming.async_map import AsyncMap
from weft_engine.kernel.streaming.at_end import AggregateAtEnd, Distinct, ReduceAtEnd
from weft_engine.kernel.streaming.connected import CoFlatMap, CoMap, CoProcess
from weft_engine.kernel.streaming.custom import make_custom
from weft_engine.kernel.streaming.interval_join import IntervalJoin
from weft_engine.kernel.streaming.iterate import Iterate
from weft_engine.kernel.streaming.join import Join
from weft_engine.kernel.streaming.process import FunctionOperator
from weft_engine.kernel.streaming.sink import CollectResults, WriteSink
from weft_engine.kernel.streaming.source import ReadSource
from weft_engine.kernel.streaming.timestamps import Timestamps
from weft_engine.kernel.streaming.windows import make_window, make_window_join

KINDS: Final[Mapping[str, Callable[..., StreamOperator]]] = {
    "source": ReadSource,
    "sink": WriteSink,
    "collect_results": CollectResults,
    "timestamps": Timestamps,
    "keyed_process": FunctionOperator,
    "process_function": FunctionOperator,
    **ADAPTED,
    "aggregate": AggregateAtEnd,
    "async_map": AsyncMap,
    "co_map": CoMap,
    "co_flat_map": CoFlatMap,
    "co_process": CoProcess,
    "custom": make_custom,
    "distinct": Distinct,
    "iterate": Iterate,
    "reduce": ReduceAtEnd,
    "interval_join": IntervalJoin,
    "join": Join,
    "window": make_window,
    "window_join": make_window_join,
}


def make(spec: OperatorSpec) -> StreamOperator:
    """An operator at work, fresh for one subtask.

    Raises:
        KernelError: `kernel.unknown_kind` when there is none of that kind here.
    """
    maker = KINDS.get(spec.kind)
    if maker is None:
        raise KernelError(
            f"There is no operator of the kind {spec.kind!r}.",
            code="kernel.unknown_kind",
            hint="Upgrade Weft on the workers to the version that the program was built with.",
        )
    return maker(spec, **spec.params)
