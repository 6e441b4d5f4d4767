"""The grid in Weft, as the engine runs it; the arguments are those of the programs in `inside`."""

import json
import sys
import tempfile
from pathlib import Path

from benchmarks.run_graph import CATALOGUE, as_the_engine, grid, measure
from weft_engine.runs.journal.codec import Codec
from weft_engine.runs.journal.sqlite import SqliteJournal


def main() -> None:
    kind, kept, rounds = sys.argv[1:4]
    flow = grid("bench.add" if kind == "trivial" else "bench.sleep")
    as_the_engine()
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        store = None
        if kept == "durable":
            store = SqliteJournal(folder / "journal.db", Codec.of(CATALOGUE))
        taken = measure(folder, flow, int(rounds), store)
        if store is not None:
            store.close()
    print(json.dumps({"taken": taken}))


if __name__ == "__main__":
    main()
