"""Streams side by side: every one has a function of its own, all share state."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from weft_engine.kernel.building import Streamed, check_function, check_key
from weft_engine.kernel.functions import BaseFunction
from weft_engine.kernel.graph import Ship
from weft_engine.kernel.program_errors import ProgramError

if TYPE_CHECKING:
    from weft_engine.kernel.stream import DataStream


class ConnectedStreams:
    """Two streams or more that one operator reads, each by its own method.

    The methods are `map1`, `map2` and so on, in the order of the streams; one function a stream
    does as well.
    """

    __slots__ = ("_keys", "_streams")

    def __init__(
        self, streams: Sequence[Streamed], keys: Sequence[Callable[[Any], Any]] | None = None
    ) -> None:
        if len(streams) < 2:
            raise ProgramError("connect() needs another stream", hint="stream.connect(other)")
        self._streams = tuple(streams)
        self._keys = keys

    def connect(self, *others: Streamed) -> "ConnectedStreams":
        """Put more streams beside them."""
        if self._keys is not None:
            raise ProgramError("connect() comes before key_by()")
        return ConnectedStreams((*self._streams, *others))

    def key_by(self, *keys: Callable[[Any], Any]) -> "ConnectedStreams":
        """Look at all of them by key, each with its own; records with equal keys meet."""
        if len(keys) != len(self._streams):
            raise ProgramError(
                f"{len(self._streams)} streams need as many keys, not {len(keys)}",
                hint="Give one key function for each of the streams.",
            )
        return ConnectedStreams(self._streams, tuple(check_key(key) for key in keys))

    keyby = key_by

    def co_map(
        self,
        *fn: Any,
        name: str = "",
        uid: str | None = None,
        parallelism: int | None = None,
    ) -> "DataStream[Any]":
        """Turn every record into another: a `CoMapFunction`, or a function for each stream."""
        return self._then("co_map", "map", fn, name=name, uid=uid, parallelism=parallelism)

    map = comap = co_map

    def co_flat_map(
        self,
        *fn: Any,
        name: str = "",
        uid: str | None = None,
        parallelism: int | None = None,
    ) -> "DataStream[Any]":
        """Turn every record into any number: a `CoFlatMapFunction`, or a function for each."""
        return self._then(
            "co_flat_map", "flat_map", fn, name=name, uid=uid, parallelism=parallelism
        )

    flat_map = coflatmap = co_flat_map

    def co_process(
        self,
        fn: Any,
        *,
        sides: Iterable[str] = (),
        name: str = "",
        uid: str | None = None,
        parallelism: int | None = None,
    ) -> "DataStream[Any]":
        """Give the records to a `CoProcessFunction`, with state and timers where there are keys."""
        more = {"name": name, "uid": uid, "parallelism": parallelism}
        return self._then("co_process", "process", (fn,), sides=tuple(sides), **more)

    process = co_process

    def _then(
        self, kind: str, method: str, fn: tuple[Any, ...], sides: tuple[str, ...] = (), **more: Any
    ) -> "DataStream[Any]":
        wanted = [f"{method}{number}" for number in range(1, len(self._streams) + 1)]
        params: dict[str, Any] = {"fn": _together(fn, wanted)}
        if kind == "co_process":
            params["sides"] = sides
        ships = None if self._keys is None else tuple(Ship("hash", key) for key in self._keys)
        first, *others = self._streams
        return first.then(kind, params, *others, ships=ships, outputs=1 + len(sides), **more)


class Together(BaseFunction):
    """Functions, one for each stream, as the methods of one object."""

    def __init__(self, methods: Sequence[str], functions: Sequence[Callable[..., Any]]) -> None:
        for method, function in zip(methods, functions, strict=True):
            setattr(self, method, check_function(function))


def _together(fn: tuple[Any, ...], wanted: Sequence[str]) -> Any:
    if len(fn) == 1 and all(hasattr(fn[0], method) for method in wanted):
        return fn[0]
    if len(fn) == len(wanted) and all(callable(one) for one in fn):
        return Together(wanted, fn)
    raise ProgramError(
        f"{len(wanted)} streams need a function each",
        hint=f"Give {len(wanted)} functions, or an object or class with {', '.join(wanted)}.",
    )
