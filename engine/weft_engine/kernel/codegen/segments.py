"""A chain of operators as loops that follow one another, and calls on whole batches between."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from time import perf_counter_ns
from typing import Any, Final

from weft_engine.kernel.codegen.body import Shape, Step
from weft_engine.kernel.codegen.leaving import Leaving, Send
from weft_engine.kernel.codegen.loop import Loop, write_loop
from weft_engine.kernel.codegen.part import Part
from weft_engine.kernel.functions import applied
from weft_engine.kernel.runtime.failures import OperatorFailure

_MOST_NESTED: Final = 8
"""How many flat_maps nest; Python allows 20 blocks in one another."""

Measured = Callable[[int, Sequence[tuple[int, int]]], None]
"""Told, from an operator on: records that came in, and nanoseconds."""


class Segments:
    """What a chain does with a batch."""

    def __init__(self, run: Send, loops: tuple[tuple[int, Loop], ...]) -> None:
        self.run = run
        self.loops = loops
        """With the position of the first operator of each."""


def make_segments(
    parts: Sequence[Part], shape: Shape, leaving: Leaving, step: Step, measured: Measured
) -> Segments:
    """Write everything for a chain; the last segment first, as each needs the next."""
    groups = _groups(parts)
    times = _times_before(groups, timed=shape.times)
    loops: list[tuple[int, Loop]] = []
    run, after = leaving.send, leaving
    for number in range(len(groups) - 1, -1, -1):
        first, group = groups[number]
        own = Shape(shape.variant, times[number], shape.keys and number == 0)
        if group[0].spec.kind == "map_batch":
            run = _BatchCall(group[0], first, after, step, measured, shape.variant).run
        else:
            loop = write_loop(group, own, after, step, _label(group))
            loops.append((first, loop))
            run = _measuring(loop, first, measured) if shape.variant == "instrumented" else loop.run
        after = Leaving(run, leaving.size)
    return Segments(run, tuple(loops))


def _groups(parts: Sequence[Part]) -> list[tuple[int, list[Part]]]:
    """Parts that go into one loop, with the position of the first; a map_batch stands alone."""
    groups: list[tuple[int, list[Part]]] = []
    nested = 0
    for at, part in enumerate(parts):
        alone = part.spec.kind == "map_batch"
        nested += part.spec.kind == "flat_map"
        fresh = not groups or alone or groups[-1][1][-1].spec.kind == "map_batch"
        if fresh or nested > _MOST_NESTED:
            groups.append((at, []))
            nested = int(part.spec.kind == "flat_map")
        groups[-1][1].append(part)
    return groups


def _times_before(groups: list[tuple[int, list[Part]]], *, timed: bool) -> list[bool]:
    found = []
    for _, group in groups:
        found.append(timed)
        timed = timed and all(part.spec.kind != "drop_times" for part in group)
    return found


def _label(group: Sequence[Part]) -> str:
    first, last = group[0].spec.uid, group[-1].spec.uid
    return f"chain:{first!a}..{last!a}" if len(group) > 1 else f"chain:{first!a}"


def _measuring(loop: Loop, first: int, measured: Measured) -> Send:
    def run(values: list[Any], times: list[int] | None, keys: list[Any] | None) -> None:
        measured(first, loop.run(values, times, keys))

    return run


class _BatchCall:
    """Calls the function of a map_batch; a batch fails or succeeds as a whole."""

    def __init__(
        self,
        part: Part,
        at: int,
        after: Leaving,
        step: Step,
        measured: Measured,
        variant: str,
    ) -> None:
        self._part = part
        self._at = at
        self._after = after
        self._step = step if variant == "stepping" else None
        self._measured = measured if variant == "instrumented" else None

    def run(self, values: list[Any], times: list[int] | None, keys: list[Any] | None) -> None:
        """Take a batch."""
        began = perf_counter_ns()
        if self._part.spec.copies:
            values = deepcopy(values)
        out = self._call(self._stepped("in", list(values)), times)
        if self._measured is not None:
            self._measured(self._at, ((len(values), perf_counter_ns() - began),))
        out = self._stepped("out", out)
        if times is not None and len(out) != len(values):
            # Which record came of which is not known: none of them may be late for that.
            times = [max(times)] * len(out)
        self._send(out, times)

    def _call(self, values: list[Any], times: list[int] | None) -> list[Any]:
        part = self._part
        fn = part.functions["fn"]
        if part.record is not None and times:
            part.record.timestamp = max(times)
        try:
            found = fn(values)
            return found if isinstance(found, list) else list(found)
        except OperatorFailure:
            raise
        except Exception as exc:  # noqa: BLE001 - whatever a function raises is its failure
            latest = max(times) if times else None
            kept, again = part.failures.settle(exc, values, lambda: list(fn(values)), latest)
            return again if kept and again is not None else []

    def _stepped(self, phase: str, values: list[Any]) -> list[Any]:
        if self._step is None:
            return values
        uid = self._part.spec.uid
        return [self._step(uid, phase, value) for value in values]

    def _send(self, out: list[Any], times: list[int] | None) -> None:
        size, after = self._after.size, self._after
        for start in range(0, len(out), size):
            part = out if len(out) <= size else out[start : start + size]
            part_times = None if times is None else times[start : start + size]
            keys = None if after.key is None else applied(after.key, part)
            after.send(part, part_times, keys)
