"""What a row of a run's journal costs: in groups of 1, 10, 100, with each store, and a value.

`group n`: n runs write at once, each waits for its row; so groups of about n form by themselves.
`a transaction a row` is what it would cost without them. Figures are µs a row, on disk, the best
of three rounds; `a sync` is what the disk itself takes, and `values` is processor time. PostgreSQL
is a private server of this machine, left out where its programs are not installed.
"""

import argparse
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.engine.runs.journal.postgres_server import PostgresServer, binaries
from weft_engine.runs.journal.base import JournalStore, RunEntry, StepRow
from weft_engine.runs.journal.group import open_run
from weft_engine.runs.journal.memory import MemoryJournal
from weft_engine.runs.journal.rows import pack_step
from weft_engine.runs.journal.sqlite import SqliteJournal
from weft_engine.runs.journal.values import ValueStore
from weft_engine.runs.run import RunRequest

GROUPS = (1, 10, 100)


def best(work: Callable[[], object], times: int) -> float:
    """µs for each of `times`, in the best of three rounds."""
    took = []
    for _ in range(3):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return round(min(took) / times * 1e6, 1)


def a_sync(folder: Path, times: int = 100) -> float:
    with (folder / "sync").open("wb", buffering=0) as file:

        def work() -> None:
            for _ in range(times):
                file.write(bytes(4096))
                os.fdatasync(file.fileno())

        return best(work, times)


def row(number: int) -> StepRow:
    outputs = {"text": {"inline": b"x" * 200, "size": 200}}
    return StepRow(node="fetch", scope=f"loop:{number}", outputs=outputs, started=1.0, ended=2.0)


def a_transaction_a_row(store: JournalStore, rows: int) -> float:
    entry = RunEntry(id="single", plan_hash="p", request=RunRequest(run_id="single", flow={}))
    lease = store.acquire("single", "bench", 3600, entry)
    assert lease is not None
    return best(lambda: [store.write([(lease, row(n), None)]) for n in range(rows)], rows)


def in_groups(store: JournalStore, size: int, rows: int) -> dict[str, float]:
    """Rows that wait for each other, `size` at once; by one thread, as a run's scheduler is."""
    groups: list[int] = []
    write = store.write

    def counted(batch: Any) -> list[str]:
        groups.append(len(batch))
        return write(batch)

    store.write = counted  # type: ignore[method-assign]
    request = RunRequest(run_id=f"group{size}", flow={})
    journal = open_run(store, request, "p", "sync", "bench")

    def work() -> None:
        room = threading.Semaphore(size)
        for number in range(rows):
            room.acquire()
            journal.record(row(number), room.release)
        journal.flush()

    took = best(work, rows)
    journal.end("completed")
    store.write = write  # type: ignore[method-assign]
    return {"us": took, "rows_a_group": round(3 * rows / len(groups), 1)}


def measured(store: JournalStore, rows: int) -> dict[str, Any]:
    result: dict[str, Any] = {"a transaction a row": a_transaction_a_row(store, rows)}
    for size in GROUPS:
        result[f"group {size}"] = in_groups(store, size, rows * max(1, size // 4))
    return result


@contextmanager
def stores(folder: Path) -> Iterator[dict[str, JournalStore]]:
    found: dict[str, JournalStore] = {
        "memory": MemoryJournal(),
        "SQLite FULL": SqliteJournal(folder / "journal.sqlite3"),
    }
    programs = binaries()
    server = None
    if programs is not None:
        from weft_engine.runs.journal.postgres import PostgresJournal

        server = PostgresServer(programs)
        found["PostgreSQL"] = PostgresJournal(server.address())
    try:
        yield found
    finally:
        for store in found.values():
            store.close()
        if server is not None:
            server.remove()


def micros(work: Callable[[], object], times: int) -> float:
    began = time.process_time()
    for _ in range(times):
        work()
    return round((time.process_time() - began) / times * 1e6, 2)


def values(folder: Path) -> dict[str, Any]:
    store = ValueStore(folder)
    record = {"id": 1, "name": "record 1", "price": 1.5, "tags": ["a", "b"], "ok": True}
    packed = store.codec.encode(record)
    began = time.process_time()
    collector = store.collect()
    for _ in range(100):
        collector.take([record] * 1000)
    stored, _ = collector.finish()
    wrote = time.process_time() - began
    began = time.process_time()
    assert sum(1 for _ in store.get(stored)) == 100_000
    read = time.process_time() - began
    return {
        "pack a row": micros(lambda: pack_step(row(1), store.codec), 20_000),
        "encode a small dict": micros(lambda: store.codec.encode(record), 20_000),
        "decode it": micros(lambda: store.codec.decode(packed), 20_000),
        "keep a record of a stream": round(wrote / 100_000 * 1e6, 2),
        "read it": round(read / 100_000 * 1e6, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, stores(Path(name)) as found:
        result: dict[str, Any] = {"a sync": a_sync(Path(name))}
        result |= {kind: measured(store, options.rows) for kind, store in found.items()}
        result["values"] = values(Path(name))
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
