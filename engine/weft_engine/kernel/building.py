"""What all streams have in common: they add operators to a graph, and adjust the last one."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, TypeVar

from weft_engine.kernel.durations import Duration, seconds
from weft_engine.kernel.graph import AUTO, NO_PARAMS, UNTIMED, Graph, Ref, Ship, Vertex
from weft_engine.kernel.inline import Inline
from weft_engine.kernel.operators.keys import frozen
from weft_engine.kernel.policy import OnError
from weft_engine.kernel.program_errors import ProgramError

if TYPE_CHECKING:
    from weft_engine.kernel.stream import DataStream

T_contra = TypeVar("T_contra", contravariant=True)
U_co = TypeVar("U_co", covariant=True)


class Processes(Protocol[T_contra, U_co]):
    """An object whose `process` takes a record: any `BaseFunction` that is written like that."""

    def process(self, value: T_contra, /) -> U_co:
        """What becomes of the record."""
        ...


SIDED: Final = frozenset(
    {"keyed_process", "process_function", "co_process", "window", "window_join", "interval_join"}
)
"""Kinds that have side outputs."""


class Built:
    """The end of a graph so far: an output of its last operator."""

    __slots__ = ("graph", "ref", "ship")

    def __init__(self, graph: Graph, ref: Ref, ship: Ship = AUTO) -> None:
        self.graph = graph
        self.ref = ref
        self.ship = ship
        """How its records are distributed to the next operator."""

    @property
    def vertex(self) -> Vertex:
        """The operator it is an output of."""
        return self.graph.vertices[self.ref.operator]

    @property
    def timed(self) -> bool:
        """Whether its records have event times."""
        return self.vertex.timed

    def name(self, name: str) -> Self:
        """Name the last operator, for plans, counters and errors."""
        return self._adjust(name=name)

    def uid(self, uid: str) -> Self:
        """Name what is kept in checkpoints of the last operator; unique in the program.

        Give uids to operators with state, and a changed program finds their state again.
        """
        check_uid(self.graph, uid, but=self.ref.operator)
        return self._adjust(uid=uid)

    def set_parallelism(self, parallelism: int) -> Self:
        """As how many subtasks the last operator runs, whatever the environment says."""
        return self._adjust(parallelism=check_parallelism(parallelism))

    def disable_chaining(self) -> Self:
        """Have the last operator run in a thread of its own."""
        return self._adjust(chain=False)

    def place_on(self, label: str) -> Self:
        """Have the last operator run on workers with that label (`HybridEnvironment`)."""
        return self._adjust(placement=label)

    def on_error(
        self,
        then: OnError = "fail",
        *,
        retries: int = 0,
        delay: Duration = 1000,
        backoff: float = 2.0,
        max_delay: Duration = 60_000,
        timeout: Duration | None = None,
    ) -> Self:
        """What becomes of records that the last operator fails on.

        `fail` ends the job, `skip` drops the record, `continue` puts None in its place, `route`
        sends the failure to `dead_letters()`. A record is tried again `retries` times first, after
        a `delay` that grows by `backoff` up to `max_delay`. `timeout` is how long one attempt may
        take: `async_map` is broken off then; any other function is let finish, and what it has
        returned too late is a failure (expressions and running results have no time limit).
        """
        if then not in ("fail", "skip", "continue", "route"):
            raise ProgramError(
                f"on_error cannot be {then!r}", hint="It is fail, skip, continue or route."
            )
        policy = replace(
            self.vertex.policy,
            on_error=then,
            max_attempts=retries + 1,
            delay_s=seconds(delay, "the delay"),
            backoff=backoff,
            max_delay_s=seconds(max_delay, "the longest delay"),
            timeout_s=None if timeout is None else seconds(timeout, "the timeout"),
        )
        return self._adjust(policy=policy)

    def _adjust(self, **changes: Any) -> Self:
        vertices = self.graph.vertices
        vertices[self.ref.operator] = replace(self.vertex, **changes)
        return self


class FrozenKey:
    """A key that can always be hashed: lists and dicts have stand-ins."""

    __slots__ = ("_key",)

    def __init__(self, key: Callable[[Any], Any]) -> None:
        self._key = key

    def __call__(self, record: Any) -> Any:
        return frozen(self._key(record))


class Streamed(Built):
    """A stream that operators can be put behind."""

    __slots__ = ()

    def then(
        self,
        kind: str,
        params: Mapping[str, Any] = NO_PARAMS,
        *others: "Streamed",
        ships: tuple[Ship, ...] | None = None,
        timed: bool | None = None,
        uid: str | None = None,
        parallelism: int | None = None,
        **more: Any,
    ) -> "DataStream[Any]":
        """Put an operator behind this stream and others; the stream of its first output."""
        inputs = (self, *others)
        for other in others:
            if other.graph is not self.graph:
                raise ProgramError(
                    f"{self.vertex.name!r} and {other.vertex.name!r} belong to different"
                    " environments",
                    hint="Begin all streams of a program with the same environment.",
                )
        if timed is None:
            timed = kind not in UNTIMED and all(stream.timed for stream in inputs)
        if uid:
            check_uid(self.graph, uid)
            more["uid"] = uid
        own = tuple(stream.ship for stream in inputs) if ships is None else ships
        vertex = self.graph.add(
            kind,
            *(stream.ref for stream in inputs),
            params=params,
            ships=() if all(ship is AUTO for ship in own) else own,
            timed=timed,
            parallelism=None if parallelism is None else check_parallelism(parallelism),
            **more,
        )
        return self.at(Ref(vertex.id))

    def at(self, ref: Ref, ship: Ship = AUTO) -> "DataStream[Any]":
        """The stream of another output of the graph."""
        raise NotImplementedError


def check_parallelism(parallelism: int) -> int:
    """A number of subtasks that can be.

    Raises:
        ProgramError: when it is none.
    """
    if isinstance(parallelism, bool) or not isinstance(parallelism, int) or parallelism < 1:
        raise ProgramError(
            f"the parallelism cannot be {parallelism!r}", hint="Give a whole number from 1 on."
        )
    return parallelism


def check_uid(graph: Graph, uid: str, but: int = -1) -> None:
    """Two operators cannot have the same uid.

    Raises:
        ProgramError: when another operator has it.
    """
    if not isinstance(uid, str) or not uid:
        raise ProgramError(f"a uid cannot be {uid!r}", hint="Give a text that is not empty.")
    for vertex in graph.vertices:
        if vertex.uid == uid and vertex.id != but:
            raise ProgramError(
                f"the uid {uid!r} belongs to the operator {vertex.name!r} already",
                hint="State is kept by uid: every operator needs its own.",
            )


def check_function(fn: Any, *methods: str, awaited: bool = False) -> Any:
    """A function, or an object or class with one of the methods.

    Raises:
        ProgramError: when it is neither, or asynchronous where nobody awaits it.
    """
    wanted = methods or ("process",)
    if not awaited and any(map(iscoroutinefunction, (fn, getattr(fn, "process", None)))):
        raise ProgramError(
            f"{fn!r} is asynchronous, and nobody awaits it here",
            hint="Use async_map(), which waits for many records at once.",
        )
    if isinstance(fn, Inline) or callable(fn) or all(hasattr(fn, method) for method in wanted):
        return fn
    raise ProgramError(
        f"{fn!r} cannot be called",
        hint=f"Give a function, or an object or a class with {' and '.join(wanted)}().",
    )


def check_key(key: Any) -> Callable[[Any], Any]:
    """A function that finds the key of a record.

    Raises:
        ProgramError: when it cannot be called.
    """
    if not callable(key):
        raise ProgramError(
            f"the key {key!r} is not a function",
            hint='Give a function of a record, such as lambda record: record["user"].',
        )
    found: Callable[[Any], Any] = key
    return found
