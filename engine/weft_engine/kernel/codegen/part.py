"""What one operator of a loop has of its own in a subtask: functions, context, state, policy."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

from weft_engine.kernel.codegen.running import ABSENT, Running
from weft_engine.kernel.codegen.sides import Sides
from weft_engine.kernel.functions import instantiate
from weft_engine.kernel.physical import OperatorSpec
from weft_engine.kernel.runtime.operator import OperatorContext
from weft_engine.kernel.state.api import StateSpec
from weft_engine.kernel.streaming.failing import Failures
from weft_engine.kernel.streaming.function_context import (
    RecordContext,
    close_function,
    make_context,
    open_function,
)
from weft_engine.kernel.streaming.limits import LIMITED, limited

KEYED: Final = frozenset({"reduce_running", "aggregate_running"})
ROUTES: Final = frozenset({"route", "split"})
KINDS: Final = (
    KEYED
    | ROUTES
    | {
        "drop_times",
        "filter",
        "flat_map",
        "for_each",
        "identity",
        "map",
        "map_batch",
        "union",
    }
)
"""The kinds that loops are made of."""


class Part:
    """One operator of a loop, opened."""

    def __init__(self, spec: OperatorSpec, context: OperatorContext) -> None:
        self.spec = spec
        self.context = context
        self.failures = Failures(context)
        self.functions: dict[str, Callable[..., Any]] = {}
        """What to call, by the name of the parameter."""
        self.running: Running | None = None
        self.sides: Sides | None = None
        self.bare_result = False
        """Whether `result` is given the accumulator alone, without its key."""
        self.record: RecordContext | None = None
        """The context of its function, where that is an object that was opened."""
        self._made: list[Any] = []
        try:
            self._instantiate()
            for made in self._made:
                open_function(made, self._record_context())
        except BaseException:
            self.close()
            raise
        if spec.kind in KEYED:
            table = context.state.table(StateSpec("running"))
            self.running = Running(table, self.functions.get("create"))
        if spec.kind in ROUTES:
            self.sides = Sides(spec, context)

    @property
    def needs_key(self) -> bool:
        """Whether somebody looks at the keys of its records."""
        keyed = self.spec.kind in KEYED
        return keyed or (self.record is not None and self.spec.key is not None)

    @property
    def guarded(self) -> bool:
        """Whether records that fail are not simply the end of it."""
        return self.spec.policy.max_attempts > 1 or self.spec.policy.on_error != "fail"

    def again(self, key: Any, held: Any, record: Any) -> Any:
        """Another attempt at a running result; what comes of it is kept."""
        running = self.running
        assert running is not None
        if held is None:
            held = running.fetch(key)
        if self.spec.kind == "reduce_running":
            now = record if held is ABSENT else self.functions["fn"](held, record)
            running.held[key] = now
            return now
        now = self.functions["add"](held, record)
        result = self.functions.get("result")
        if result is None:
            emitted = (key, now)
        else:
            emitted = result(now) if self.bare_result else result(key, now)
        running.held[key] = now
        return emitted

    def expand(self, record: Any, time: int | None = None) -> Iterator[Any]:
        """What a record becomes by a flat_map whose failures are lived with.

        Once something of it has been emitted there is no other attempt, for nothing must be
        emitted twice.
        """
        fn, size = self.functions["fn"], self.context.batch_size

        def first() -> tuple[list[Any], Iterator[Any]]:
            found = fn(record)
            rest = iter(() if found is None else found)
            return list(islice(rest, size)), rest

        part: list[Any] = []
        try:
            part, rest = first()
        except Exception as exc:  # noqa: BLE001 - whatever a function raises is its failure
            kept, again = self.failures.settle(exc, record, first, time)
            if not kept or again is None:
                return
            part, rest = again
        while part:
            yield from part
            try:
                part = list(islice(rest, size))
            except Exception as exc:  # noqa: BLE001 - as above
                self.failures.settle(exc, record, None, time)
                return

    def close(self) -> None:
        """Close its functions, all of them, whatever one of them raises."""
        while self._made:
            try:
                close_function(self._made.pop())
            finally:
                self.close()

    def _instantiate(self) -> None:
        kind, params = self.spec.kind, self.spec.params
        aggregate = params.get("fn")
        if kind == "aggregate_running" and aggregate is not None:
            _, made = instantiate(aggregate, "add")
            made = made if made is not None else aggregate
            self._made.append(made)
            self.bare_result = True
            names = ("create", "add", "result")
            self.functions = {name: getattr(made, name) for name in names}
            return
        for name in ("fn", "create", "add", "result"):
            if params.get(name) is not None:
                self.functions[name] = self._one(params[name])

    def _one(self, fn: Any) -> Callable[..., Any]:
        called, made = instantiate(fn)
        if made is not None:
            self._made.append(made)
        return limited(called, self.spec.policy) if self.spec.kind in LIMITED else called

    def _record_context(self) -> RecordContext:
        if self.record is None:
            self.record = make_context(self.context)
        return self.record
