"""async_map: 5,000 calls, 100 at a time, one in ten takes ten times as long.

The ideal is the sum of what the calls take, divided by how many there may be at once.
"""

import asyncio
from typing import Final

from benchmarks.kernel.measure import run, say
from weft_engine.kernel.backends.threads import Threads
from weft_engine.kernel.environment import LocalEnvironment

COUNT: Final = 5_000
AT_ONCE: Final = 100
QUICK_S: Final = 0.005
SLOW_S: Final = 0.05
ONE_IN: Final = 10


async def call(number: int) -> int:
    """Wait as long as this call takes."""
    await asyncio.sleep(SLOW_S if number % ONE_IN == 0 else QUICK_S)
    return number


def seconds_of(count: int, at_once: int, *, ordered: bool) -> float:
    """Run the job; its seconds."""
    env = LocalEnvironment("calls")
    calls = env.from_collection(range(count)).async_map(call, concurrency=at_once, ordered=ordered)
    collected = calls.collect()
    outcome = run(env, Threads())
    results = outcome.results[collected.uid]
    assert (results if ordered else sorted(results)) == list(range(count))
    return outcome.seconds


def measure(count: int = COUNT, at_once: int = AT_ONCE, rounds: int = 3) -> dict[bool, float]:
    """Print the figures; by whether in order, how many times as long as the ideal it took."""
    slow = -(-count // ONE_IN)
    ideal = (slow * SLOW_S + (count - slow) * QUICK_S) / at_once
    found = {}
    for ordered, goal in ((False, 1.25), (True, 1.5)):
        taken = min(seconds_of(count, at_once, ordered=ordered) for _ in range(rounds))
        found[ordered] = taken / ideal
        say(
            f"async_map, {'in order' if ordered else 'in any order'}",
            f"{taken / ideal:.2f} x ideal",
            beside=f"{taken * 1000:.0f} ms, ideal {ideal * 1000:.0f} ms",
            goal=f"at most {goal}",
        )
    return found
