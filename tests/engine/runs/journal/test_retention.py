"""Old runs go, and then the blobs that only they named; nothing that is needed ever does."""

import os
import threading
import time
from pathlib import Path

import pytest

from weft_engine.runs.journal.base import JournalStore, RunEntry, StepRow
from weft_engine.runs.journal.errors import JournalError
from weft_engine.runs.journal.memory import MemoryJournal
from weft_engine.runs.journal.retention import prune, sweep
from weft_engine.runs.journal.values import StoredValue, ValueStore
from weft_engine.runs.run import RunRequest

DAY = 86_400.0


def add(store: JournalStore, run_id: str, status: str | None, *values: StoredValue) -> None:
    request = RunRequest(run_id=run_id, flow={})
    lease = store.acquire(run_id, "me", 600, RunEntry(id=run_id, plan_hash="p", request=request))
    assert lease
    outputs = {str(n): value.as_dict() for n, value in enumerate(values)}
    store.write([(lease, StepRow(node="n", outputs=outputs), None)])
    if status:
        store.release(lease, status)


@pytest.mark.parametrize(
    ("keep_days", "keep_runs", "days_later", "gone"),
    [
        (None, None, 1000, []),
        (7, None, 6, []),
        (7, None, 8, ["c", "b", "a"]),
        (None, 1, 0, ["b", "a"]),
        (None, 0, 0, ["c", "b", "a"]),
        (7, 2, 0, ["a"]),
        (7, 2, 8, ["c", "b", "a"]),
    ],
)
def test_which_runs_go(
    store: JournalStore,
    keep_days: float | None,
    keep_runs: int | None,
    days_later: float,
    gone: list[str],
) -> None:
    for run_id, status in [("a", "completed"), ("b", "failed"), ("c", "cancelled")]:
        add(store, run_id, status)
    add(store, "parked", "parked")
    add(store, "running", None)
    now = time.time() + days_later * DAY
    assert prune(store, keep_days, keep_runs, now) == gone
    left = {"a", "b", "c", "parked", "running"} - set(gone)
    assert {run for run in ("a", "b", "c", "parked", "running") if store.entry(run)} == left


def age(values: ValueStore) -> None:
    """Make everything look two hours old."""
    for path in values.blobs.root.rglob("*"):
        if path.is_file():
            os.utime(path, (time.time() - 7200,) * 2)


def large(values: ValueStore, text: str) -> StoredValue:
    return values.put(text * 100_000)


def test_blobs_that_nothing_names_go(store: JournalStore, tmp_path: Path) -> None:
    values = ValueStore(tmp_path)
    named, shared, alone, told = (large(values, text) for text in "abcd")
    stream = values.collect()
    stream.take(["s" * 100_000])
    records, _ = stream.finish()
    add(store, "stays", "parked", named, shared, records)
    add(store, "goes", "completed", shared, alone)
    (values.blobs.root / "aa").mkdir(exist_ok=True)
    half = values.blobs.root / "aa" / ".half-written"
    half.write_bytes(b"x")
    assert told.blob
    others = [told.blob]
    age(values)
    assert sweep(values.blobs, [store], lambda: others) == []
    assert not half.exists()
    prune(store, None, 0)
    young = large(values, "y")
    assert sweep(values.blobs, [store], lambda: others) == [alone.blob]
    for stored in (named, shared, told, young):
        assert len(values.get(stored)) == 100_000
    assert len(list(values.get(records))) == 1
    with pytest.raises(JournalError, match="not there"):
        values.get(alone)


def test_a_blob_that_is_needed_again_while_the_sweep_looks_stays(tmp_path: Path) -> None:
    values, store = ValueStore(tmp_path), MemoryJournal()
    again, gone = large(values, "a"), large(values, "b")
    age(values)

    def others() -> list[str]:
        # After the marks were collected, and before it is removed: a run gives it once more.
        assert large(values, "a") == again
        return []

    assert sweep(values.blobs, [store], others) == [gone.blob]
    assert values.get(again) == "a" * 100_000


def test_sweeping_beside_runs_that_write(tmp_path: Path) -> None:
    """A value that is put while its old blob is about to be removed is there afterwards."""
    values, store = ValueStore(tmp_path), MemoryJournal()
    done = threading.Event()
    problems: list[str] = []

    def write(text: str) -> None:
        for _ in range(60):
            stored = large(values, text)
            try:
                values.get(stored)
            except JournalError as error:
                problems.append(str(error))
            assert stored.blob
            os.utime(values.blobs.place(stored.blob), (0, 0))  # may be removed from now on

    def clean() -> None:
        while not done.is_set():
            sweep(values.blobs, [store], list)

    writers = [threading.Thread(target=write, args=(text,)) for text in "ab"]
    cleaner = threading.Thread(target=clean)
    for thread in (*writers, cleaner):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    cleaner.join()
    assert problems == []
