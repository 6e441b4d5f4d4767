"""Rows of a turn are packed together, and written by the run's own thread where that is free."""

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from weft_engine.runs.journal.base import JournalStore, RunEntry, StepRow
from weft_engine.runs.journal.codec import Codec
from weft_engine.runs.journal.errors import JournalError, unavailable
from weft_engine.runs.journal.group import open_run
from weft_engine.runs.journal.memory import MemoryJournal
from weft_engine.runs.journal.rows import kept_steps, pack_step, pack_steps, unpack_steps
from weft_engine.runs.journal.values import ValueStore
from weft_engine.runs.run import RunRequest

CODEC = Codec()
SMALL = {"out": {"inline": b"\x01", "size": 1}}
ROWS = {
    "one": [StepRow(node="a", outputs=SMALL)],
    "with variables": [StepRow(node="a", variables={"x": (1, 2)}), StepRow(node="b")],
    "a failure": [StepRow(node="a", failure={"code": "x", "sample": None}, state="failed")],
    "more than fit into one": [StepRow(node=f"n{n}", outputs=SMALL) for n in range(600)],
    "large ones": [
        StepRow(node=f"n{n}", outputs={"out": {"inline": bytes(60_000), "size": 60_000}})
        for n in range(9)
    ],
    "half a character": [StepRow(node="\ud800"), StepRow(node="b")],
}


def request(run_id: str = "run") -> RunRequest:
    return RunRequest(run_id=run_id, flow={})


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_packed_rows_are_those_that_were_packed(rows: list[StepRow]) -> None:
    packed = pack_steps(rows, CODEC)
    assert [row for one in packed for row in unpack_steps(one.data, CODEC)] == rows
    assert max(len(one.data) for one in packed) < 400_000


@pytest.mark.parametrize(
    "value", [0, -1, 2**63, 2**70, 1.5, "a", "\ud800", True, None, (1,), "x" * 70_000]
)
def test_a_value_in_a_row_is_what_the_store_keeps(value: Any, tmp_path: Any) -> None:
    store = ValueStore(tmp_path)
    plain = store.plain(value)
    assert plain == store.put(value).as_dict()
    assert store.get(plain) == value
    assert type(store.get(plain)) is type(value)


def test_of_packed_rows_some_can_be_kept() -> None:
    packed = [row.data for row in pack_steps([StepRow(node=name) for name in "abcd"], CODEC)]
    packed.append(pack_step(StepRow(node="e"), CODEC).data)
    kept = kept_steps(packed, lambda row: row.node in "bde", CODEC)
    assert [row.node for data in kept for row in unpack_steps(data, CODEC)] == ["b", "d", "e"]
    assert kept_steps(packed, lambda row: False, CODEC) == []


def test_rows_of_a_turn_are_in_every_store_and_in_forks(store: JournalStore) -> None:
    journal = open_run(store, request(), "p", "sync", "me")
    done = threading.Event()
    journal.record_all([StepRow(node=name) for name in "abc"], done.set, "here")
    assert done.wait(60)
    journal.record_all([StepRow(node="d")], when="end")
    journal.end("completed")
    assert [row.node for row in store.steps("run")] == list("abcd")
    new = RunEntry(id="new", plan_hash="p", request=request("new"), forked_from="run")
    store.fork("run", new, lambda row: row.node in "bd")
    assert [row.node for row in store.steps("new")] == ["b", "d"]


class Told(MemoryJournal):
    """Notes who writes how much, and may refuse once."""

    def __init__(self) -> None:
        super().__init__()
        self.writers: list[tuple[int, int]] = []
        self.error: JournalError | None = None

    def write(self, batch: Sequence[Any]) -> list[str]:
        self.writers.append((threading.get_ident(), len(batch)))
        error, self.error = self.error, None
        if error is not None:
            raise error
        return super().write(batch)


def test_a_run_alone_writes_in_its_own_thread() -> None:
    store, told = Told(), []
    journal = open_run(store, request(), "p", "sync", "me")
    journal.record_all([StepRow(node="a"), StepRow(node="b")], lambda: told.append(1), "here")
    assert told == [1]
    journal.record_all([StepRow(node="c")], when="end")
    journal.end("completed")
    assert store.writers == [(threading.get_ident(), 1), (threading.get_ident(), 2)]


def test_while_another_writes_rows_go_with_the_next_group() -> None:
    class Slow(Told):
        def write(self, batch: Sequence[Any]) -> list[str]:
            arrived.release()
            gate.acquire()
            return super().write(batch)

    arrived, gate = threading.Semaphore(0), threading.Semaphore(0)
    store, done = Slow(), threading.Event()
    one = open_run(store, request("one"), "p", "sync", "me")
    other = open_run(store, request("other"), "p", "sync", "me")
    alone = threading.Thread(target=one.record_all, args=([StepRow(node="a")], None, "here"))
    alone.start()
    arrived.acquire()
    other.record_all([StepRow(node="b")], done.set, "here")  # comes back at once
    assert not done.is_set()
    gate.release(2)
    assert done.wait(60)
    alone.join()
    assert [row.node for row in store.steps("other")] == ["b"]
    gate.release(2)
    one.end("completed")
    other.end("completed")


def test_a_store_that_does_not_answer_is_tried_again_by_the_writer() -> None:
    store, done = Told(), threading.Event()
    journal = open_run(store, request(), "p", "sync", "me")
    store.error = unavailable("db", "busy")
    journal.record_all([StepRow(node="a")], None, "here")
    journal.record_all([StepRow(node="b")], done.set)
    assert done.wait(60)
    assert [row.node for row in store.steps("run")] == ["a", "b"]
    assert store.writers[0][0] == threading.get_ident() != store.writers[1][0]
    journal.end("completed")
