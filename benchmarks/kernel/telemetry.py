"""What it costs to count and to trace: job A in one loop, with and without."""

from typing import Any, Final

from benchmarks.kernel.job_a import COUNT, job_a
from benchmarks.kernel.measure import best, run, say
from weft_engine.kernel.backends.threads import Threads
from weft_engine.kernel.codegen.fused import FusedOperator
from weft_engine.kernel.environment import LocalEnvironment

_NEVER: Final = 2**62


def _seconds(count: int, **config: Any) -> float:
    env = LocalEnvironment("telemetry", config)
    job_a(env, count)
    return run(env, Threads()).seconds


def _off(count: int) -> float:
    """No batch is measured, and nobody asks for counters."""
    before = FusedOperator.sample_every
    FusedOperator.sample_every = _NEVER
    try:
        return _seconds(count, **{"metrics.interval": "1h"})
    finally:
        FusedOperator.sample_every = before


def measure(count: int = COUNT, rounds: int = 9) -> float:
    """Print the figure: how much longer it takes with telemetry."""
    off, on = best(
        rounds,
        lambda: _off(count),
        lambda: _seconds(count, tracing=True, **{"metrics.interval": "250ms"}),
    )
    say("telemetry", f"{on / off - 1:+.1%}", beside="counters, traces", goal="at most 5%")
    return on / off - 1
