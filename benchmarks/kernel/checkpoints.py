"""What a checkpoint of much state costs the stream, and state on disk."""

import tempfile
from typing import Any, Final

from benchmarks.kernel.job_a import Counting
from benchmarks.kernel.measure import Outcome, millions, run, say
from weft_engine.kernel.backends.threads import Threads
from weft_engine.kernel.environment import LocalEnvironment
from weft_engine.kernel.inline import Inline

KEYS: Final = 1_000_000
TIMES: Final = 5


def job(keys: int, records: int, **config: Any) -> Outcome:
    """A running sum for each of so many keys."""
    with tempfile.TemporaryDirectory() as folder:
        folders = {"checkpoint.dir": f"{folder}/checkpoints", "state.dir": f"{folder}/state"}
        if "checkpoint.interval" not in config:
            del folders["checkpoint.dir"]
        env = LocalEnvironment("state", folders | config)
        sink = Counting()
        keyed = env.from_collection(range(records)).key_by(Inline(f"item % {keys}"))
        keyed.reduce(Inline("held + item", "held", "item")).disable_chaining().sink(sink)
        outcome = run(env, Threads())
    assert sink.count == records
    return outcome


def measure(keys: int = KEYS, times: int = TIMES) -> float:
    """Print the figures; the longest pause in milliseconds."""
    records = keys * times
    without = job(keys, records)
    with_them = job(keys, records, **{"checkpoint.interval": "500ms"})
    full = job(keys, records, **{"checkpoint.interval": "500ms", "state.incremental": False})
    disk = job(keys, keys, **{"state.backend": "disk"})
    few = job(max(1, keys // 100), keys, **{"state.backend": "disk"})
    for name, outcome in (("only changes", with_them), ("whole", full)):
        pauses = [stats.pause_ms for stats in outcome.checkpoints]
        say(
            f"checkpoints of {keys:,} keys, {name}",
            f"pause {max(pauses):.1f} ms",
            beside=f"{len(pauses)} of them, at most {_megabytes(outcome):.0f} MB",
            goal="less than 50 ms",
        )
        say(
            "… throughput",
            millions(records, outcome.seconds),
            beside=f"{without.seconds / outcome.seconds:.2f} of that without",
        )
    for name, outcome in ((f"{keys // 100:,}", few), (f"{keys:,}", disk)):
        say(
            f"state on disk, {name} keys",
            millions(keys, outcome.seconds),
            beside=f"{without.seconds / times / outcome.seconds:.2f} of that in memory",
        )
    return max(stats.pause_ms for stats in (*with_them.checkpoints, *full.checkpoints))


def _megabytes(outcome: Outcome) -> float:
    return max(stats.size for stats in outcome.checkpoints) / 1e6
