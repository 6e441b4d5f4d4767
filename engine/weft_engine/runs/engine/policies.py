"""What becomes of an activation that failed: again, or by the policy of its node."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from weft_engine.kernel.operators.base import describe as describe_record
from weft_engine.kernel.policy import Policy
from weft_engine.nodes.spec import ERROR_PORT
from weft_engine.runs.planned import Planned


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is done about a failure."""

    kind: Literal["again", "fail", "skip", "give"]
    delay_s: float = 0.0
    outputs: Mapping[str, Any] | None = None
    """Of `give`: what the ports give in the place of what failed."""


FAIL = Verdict("fail")


def judge(
    unit: Planned, error: BaseException, given: Any, attempt: int, *, opened: bool
) -> Verdict:
    """Decide about a failed attempt.

    Args:
        unit: What failed.
        error: What the node raised.
        given: What it was given.
        attempt: The number of the attempt, from 1.
        opened: Whether it was called; a node that cannot be opened is not tried again.
    """
    policy: Policy = unit.policy
    if not isinstance(error, Exception):
        return FAIL
    if opened and attempt < policy.max_attempts:
        return Verdict("again", policy.delay(attempt))
    if policy.on_error == "skip":
        return Verdict("skip")
    if policy.on_error == "continue":
        work = unit.work
        ports = work.outputs if work is not None else ()
        return Verdict("give", outputs={port.name: None for port in ports})
    if policy.on_error == "route":
        failure = describe_record(error, given, unit.name, attempt)
        return Verdict("give", outputs={ERROR_PORT: failure})
    return FAIL
