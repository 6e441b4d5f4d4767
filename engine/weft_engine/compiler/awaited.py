"""Nodes whose calls wait: asynchronous ones, and those that are retried or have a time limit.

Calls run beside the backend's thread, several at a time where the node is asynchronous; a call that
blocks gets a thread, one at a time, which is left behind when it takes too long.
"""

import inspect
from collections.abc import Sequence
from functools import partial
from typing import Any

from weft_engine.compiler.activation import Rows, nothing, spread, value_failed
from weft_engine.compiler.calls import Call
from weft_engine.kernel.io_loop import Worker
from weft_engine.kernel.operators import waiting
from weft_engine.kernel.operators.base import NOTHING, Batch, Context, Emission, Waiting
from weft_engine.nodes.types import SKIP


class Awaited(Waiting):
    """Calls a node once, or for every row when it is lifted, and waits for the answers."""

    def __init__(
        self, call: Call, places: int, streams: Sequence[int] | None, concurrency: int
    ) -> None:
        self._call = call
        self._rows = None if streams is None else Rows(places, streams)
        self._streams = streams or ()
        self._arrived: list[Any] = [SKIP] * places
        self._concurrency = concurrency if call.work.asynchronous else 1
        self._missing: set[int] = set()
        self._worker = Worker(f"weft-node-{call.ctx.node_id}")
        if self._rows is not None:
            self.stages = self._rows.stages

    def open(self, context: Context) -> None:
        super().open(context)
        self._calls = waiting.Calls(self._ask, self._concurrency, context)
        self._call.node.open(self._call.ctx)

    def close(self) -> None:
        self._worker.close()
        self._call.node.close()

    @property
    def full(self) -> bool:
        return self._calls.full

    @property
    def idle(self) -> bool:
        return self._calls.idle

    def process(self, port: int, batch: Batch) -> Emission:
        if self._rows is None:
            self._arrived[port] = batch[-1]
        else:
            self._calls.add(self._rows.take(port, batch))
        return NOTHING

    def end(self, port: int, absent: bool) -> Emission:
        if absent and self._rows is not None:
            rows = self._rows.leave_out(port)
            if rows:
                self._calls.add(rows)
        return NOTHING

    def drain(self) -> None:
        if self._rows is None:
            self._calls.add([self._arrived])
        else:
            self._rows.check_even()

    def absent(self, inputs: list[bool]) -> bool:
        return self._call.absent(inputs, self._streams)

    def missing(self, output: int) -> bool:
        return output in self._missing

    def poll(self) -> Emission:
        calls = self._calls.take(self.context.batch_size)
        if not calls:
            return NOTHING
        if self._rows is None:
            results = self._results(calls[0])
            self._missing = {index for index, value in enumerate(results) if value is SKIP}
            return tuple(spread(self._call, results, self.context.batch_size))
        streams = set(self._call.streams())
        outs: list[Batch] = [[] for _ in self._call.skipped()]
        for call in calls:
            for index, value in enumerate(self._results(call)):
                if index not in streams:
                    outs[index].append(value)
                elif not nothing(value):
                    outs[index] += value
        return tuple((index, out) for index, out in enumerate(outs) if out)

    def abort(self) -> None:
        self._calls.abort()

    def _results(self, call: waiting.Call) -> Sequence[Any]:
        """What leaves by each output for one call that is done."""
        if call.error is None and call.value is None:
            return self._call.skipped()
        self._call.stats.taken += 1
        if call.error is None:
            return [*call.value, SKIP] if self._call.routed else list(call.value)
        if not isinstance(call.error, Exception):
            raise call.error
        return value_failed(self._call, self.context, call.error, call.record, call.attempts)

    async def _ask(self, row: list[Any]) -> Sequence[Any] | None:
        """Call the node; streams among its results are read to their end."""
        arguments = self._call.arguments(row)
        if arguments is None:
            return None
        work = partial(self._call.method, **arguments)
        if not self._call.work.asynchronous:
            return await self._worker.call(lambda: self._lists(self._call.results(work())))
        answer = work()
        if inspect.isasyncgen(answer):
            return self._call.results([record async for record in answer])
        results = list(self._call.results(await answer))
        for index in self._call.streams():
            if hasattr(results[index], "__aiter__"):
                results[index] = [record async for record in results[index]]
        return self._lists(results)

    def _lists(self, results: Sequence[Any]) -> list[Any]:
        read = list(results)
        for index in self._call.streams():
            if not nothing(read[index]):
                read[index] = list(read[index])
        return read
