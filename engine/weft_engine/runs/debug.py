"""Breakpoints, and what is said to a run that stopped at one."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from weft_engine.errors import FlowError


class Breakpoint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a run is to stop."""

    node: str
    """The node's path: `fetch`, `loop/fetch`."""
    when: Literal["before", "after"] = "before"
    condition: str | None = None
    """An expression; `item` is the first input (before) or output (after), every port is there by
    its name, `index` is the number of the iteration or record, `scope` the scope's path."""
    hits: int = 1
    """Stop from this time on that the condition holds, counted over the whole run."""
    once: bool = False
    """Stop once only."""
    sample: int | None = None
    """Of a running stream: do not stop, show every so many-th record."""
    enabled: bool = True


class Command(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a run is told while it is under way.

    | kind | does |
    |---|---|
    | pause | starts nothing more; what is under way goes on to its end |
    | resume | goes on, also from breakpoints |
    | step_over | lets the activation `at` happen (the first that stopped when empty), then stops at
      the next one in its scope |
    | step_into | as step_over, but stops at the first activation inside the container |
    | step_out | goes on until the scope around has something to do |
    | edit | puts `value` in the place of what is at `port` of the stopped activation |
    | breakpoints | these take the place of all earlier ones |
    | signal | a signal for parked activations |
    """

    kind: Literal[
        "pause", "resume", "step_over", "step_into", "step_out", "edit", "breakpoints", "signal"
    ]
    at: str | None = None
    """`node@scope` of a stopped activation."""
    port: str | None = None
    value: Any = None
    breakpoints: list[Breakpoint] = []
    signal: dict[str, Any] | None = None
    """`{id, name, payload, by}`."""


class Stopped(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An activation that stands at a breakpoint, or was stopped by a step.

    Told by `breakpoint_hit`, and part of the run until it goes on.
    """

    at: str
    node: str
    scope: str
    when: Literal["before", "after"]
    reason: Literal["breakpoint", "step", "pause"]
    hit: int = 0
    values: dict[str, dict[str, Any]] = {}
    """Port → reference (`OutputRef`): inputs before, outputs after. Of streams the beginning."""
    edited: list[str] = []


def not_stopped(at: str | None = None, stopped: Sequence[str] = ()) -> FlowError:
    """Nothing stands where somebody wants to go on from, or change a value."""
    return FlowError(
        f"Nothing stands at {at}." if at else "The run stands at no breakpoint.",
        code="run.not_stopped",
        hint="Look at `stopped` of the run: it may have gone on.",
        params={"at": at, "stopped": list(stopped)},
    )
