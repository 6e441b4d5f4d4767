"""The grid in Prefect: tasks on ten threads; every state goes to its server and SQLite."""

import sys

from prefect import flow, task
from prefect.task_runners import ThreadPoolTaskRunner
from turns import LAYERS, WIDTH, Rounds, before, work

KIND = sys.argv[1]


@task
def node(a: float, b: float) -> float:
    return work(KIND, a, b)


@flow(task_runner=ThreadPoolTaskRunner(max_workers=WIDTH))
def grid() -> float:
    given = {}
    for layer in range(LAYERS):
        for at in range(WIDTH):
            needed = [given[each] for each in before(layer, at)] or [1.0, 1.0]
            given[layer, at] = node.submit(*needed)
    return float(sum(given[LAYERS - 1, at].result() for at in range(WIDTH)))


Rounds().tell(grid)
