"""Watches the load of this machine until it is stopped, and says when it is high.

    weft run examples/pipelines/load_watch.py --checkpoint-dir /tmp/load -- 0.5

It remembers the highest load in its checkpoints: with `--resume latest` it goes on from there.
"""

import os
import sys

from weft_engine.kernel import LocalEnvironment, ProcessFunction


def read_load(tick):
    return {"tick": tick, "load": os.getloadavg()[0] / (os.cpu_count() or 1)}


class Watch(ProcessFunction):
    """Says it when the load is above the limit, or higher than ever before."""

    def __init__(self, limit):
        self.limit = limit

    def open(self, context):
        self.highest = context.state.value("highest", 0.0)

    def process(self, reading, context):
        load = reading["load"]
        if load > self.highest.value():
            self.highest.update(load)
            yield f"tick {reading['tick']}: the highest load so far, {load:.2f}"
        elif load > self.limit:
            yield f"tick {reading['tick']}: the load is {load:.2f}"


def main(limit=1.0):
    env = LocalEnvironment("load watch", {"metrics.interval": "500ms"})
    (
        env.from_ticks("200ms")
        .map(read_load, name="read")
        .key_by(lambda reading: "this machine")
        .process(Watch(float(limit)), name="watch", uid="watch")
        .print()
    )
    env.submit()


if __name__ == "__main__":
    main(*sys.argv[1:])
