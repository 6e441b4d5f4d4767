"""The grid in Dagster, in one process, where it does one step after the other."""

import logging
import sys
import tempfile
from contextlib import nullcontext

from dagster import DagsterInstance, In, Out, job, op
from turns import LAYERS, WIDTH, Rounds, before, work

KIND, KEPT = sys.argv[1:3]
logging.disable(logging.CRITICAL)


@op(out=Out(float))
def first() -> float:
    return work(KIND, 1.0, 1.0)


@op(ins={"a": In(float), "b": In(float)}, out=Out(float))
def node(a: float, b: float) -> float:
    return work(KIND, a, b)


@job(config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}})
def grid() -> None:
    given = {}
    for layer in range(LAYERS):
        for at in range(WIDTH):
            needed = [given[each] for each in before(layer, at)]
            kind = node if needed else first
            given[layer, at] = kind.alias(f"n{layer}_{at}")(*needed)


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        kept = DagsterInstance.local_temp(home) if KEPT == "durable" else nullcontext()
        with kept as instance:

            def once() -> float:
                done = grid.execute_in_process(instance=instance)
                last = range(WIDTH)
                return float(sum(done.output_for_node(f"n{LAYERS - 1}_{at}") for at in last))

            Rounds().tell(once)


main()
