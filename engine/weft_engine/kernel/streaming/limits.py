"""Time limits of plain functions. Nobody can break those off: it is seen once they come back."""

import time
from collections.abc import Callable
from typing import Any, Final

from weft_engine.kernel.inline import Inline
from weft_engine.kernel.operators.waiting import timed_out
from weft_engine.kernel.policy import Policy

LIMITED: Final = frozenset({"filter", "flat_map", "for_each", "map", "map_batch"})
"""Kinds of loops whose functions may have a time limit; those with running results have none,
because what an attempt has done to an accumulator cannot be undone."""


class Limit:
    """One attempt, from now on."""

    __slots__ = ("_end", "_seconds")

    def __init__(self, policy: Policy) -> None:
        self._seconds = policy.timeout_s
        self._end = 0.0 if self._seconds is None else time.perf_counter() + self._seconds

    def check(self) -> None:
        """Fail if it has taken longer than it may.

        Raises:
            NodeError: `node.timeout`.
        """
        if self._seconds is not None and time.perf_counter() > self._end:
            raise timed_out(self._seconds)


def limited(fn: Callable[..., Any], policy: Policy) -> Callable[..., Any]:
    """The function, failing with `node.timeout` when it has taken longer than the policy says.

    Expressions stay as they are: they are no calls. Of a generator function only the call counts.
    """
    if policy.timeout_s is None or isinstance(fn, Inline) or hasattr(fn, "inline"):
        return fn

    def call(*args: Any) -> Any:
        limit = Limit(policy)
        found = fn(*args)
        limit.check()
        return found

    return call
