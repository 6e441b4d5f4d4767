"""Rows of many runs go to the disk in groups; what was acknowledged is there, the rest is told."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from weft_engine.runs.journal.base import (
    JournalStore,
    Lease,
    PackedRow,
    RunEntry,
    SignalRow,
    StepRow,
    WakeRow,
)
from weft_engine.runs.journal.errors import JournalError, full, unavailable
from weft_engine.runs.journal.group import open_run
from weft_engine.runs.journal.memory import MemoryJournal
from weft_engine.runs.journal.writer import GroupWriter, _writers, writer_of
from weft_engine.runs.run import RunRequest


def request(run_id: str = "run") -> RunRequest:
    return RunRequest(run_id=run_id, flow={}, tenant="t", priority=2)


class Gated(MemoryJournal):
    """Lets a test hold up the writer, and break the store."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Semaphore(0)
        self.arrived = threading.Semaphore(0)
        self.groups: list[int] = []
        self.broken: JournalError | None = None

    def write(self, batch: Sequence[Any]) -> list[str]:
        self.arrived.release()
        self.gate.acquire()
        if self.broken:
            raise self.broken
        self.groups.append(len(batch))
        return super().write(batch)


def nodes(store: JournalStore, run_id: str = "run") -> list[str]:
    return [row.node for row in store.steps(run_id)]


def test_what_follows_a_row_waits_until_it_is_there(store: JournalStore) -> None:
    journal = open_run(store, request(), "plan", "sync", "me")
    seen: list[list[str]] = []
    done = threading.Event()
    journal.record(StepRow(node="a"), lambda: (seen.append(nodes(store)), done.set()))  # type: ignore[func-returns-value]
    assert done.wait(60)
    assert seen == [["a"]]
    entry = store.entry("run")
    assert entry is not None
    assert (entry.tenant, entry.priority, entry.plan_hash) == ("t", 2, "plan")
    journal.end("completed")
    assert store.entry("run").status == "completed"  # type: ignore[union-attr]


def test_groups_form_while_the_one_before_is_written() -> None:
    store = Gated()
    runs = [open_run(store, request(f"r{n}"), "p", "sync", "me") for n in range(3)]
    runs[0].record(StepRow(node="first"))
    store.arrived.acquire()
    for number in range(9):
        runs[number % 3].record(StepRow(node=f"n{number}"))
    store.gate.release(2)
    store.arrived.acquire()
    flushing = threading.Thread(target=runs[0].flush)
    flushing.start()
    store.arrived.acquire()
    store.gate.release()
    flushing.join()
    assert store.groups == [1, 9, 1]
    assert nodes(store, "r1") == ["n1", "n4", "n7"]


@pytest.mark.parametrize("durability", ["async", "exit"])
def test_durabilities_that_do_not_wait(durability: str) -> None:
    store = Gated()
    journal = open_run(store, request(), "p", durability, "me")
    told: list[int] = []
    journal.record(StepRow(node="a"), lambda: told.append(threading.get_ident()))
    journal.park(WakeRow(node="w", due=1.0))
    assert told == [threading.get_ident()]
    if durability == "async":
        store.arrived.acquire()
    assert nodes(store) == []
    store.gate.release(9)
    journal.end("parked")
    assert nodes(store) == ["a"]
    assert store.due(2.0) == [("run", 1.0)]


def test_exit_writes_in_the_end_only() -> None:
    store = Gated()
    journal = open_run(store, request(), "p", "exit", "me")
    for number in range(5):
        journal.record(StepRow(node=str(number)))
    assert not store.arrived.acquire(blocking=False)
    store.gate.release()
    journal.end("completed")
    assert store.groups == [6]


def test_without_durability_the_store_is_left_alone(store: JournalStore) -> None:
    journal = open_run(store, request(), "p", "none", "me")
    told: list[str] = []
    journal.record(StepRow(node="a"), lambda: told.append("a"))
    journal.park(WakeRow(node="a"))
    journal.unpark("a", "")
    journal.flush()
    journal.end("completed")
    assert (told, journal.lost(), journal.failure) == (["a"], False, None)
    assert store.entry("run") is None


def test_parking_and_going_on(store: JournalStore) -> None:
    journal = open_run(store, request(), "p", "sync", "me")
    journal.park(WakeRow(node="w", due=5.0))
    journal.park(WakeRow(node="v", signal="go", kind="signal"))
    journal.end("parked")
    assert store.due(5.0) == [("run", 5.0)]
    again = open_run(store, request(), "p", "sync", "other")
    again.unpark("w", "")
    again.flush()
    assert [wake.node for wake in store.wakes("run")] == ["v"]
    again.end("completed")


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
def test_what_cannot_be_kept_is_told_to_who_records_it(durability: str) -> None:
    journal = open_run(MemoryJournal(), request(), "p", durability, "me")
    with pytest.raises(JournalError) as caught:
        journal.record(StepRow(node="n", variables={"x": object()}))
    assert (caught.value.code, caught.value.params["port"]) == ("journal.unstorable", "n")
    with pytest.raises(JournalError, match="cannot be kept"):
        journal.park(WakeRow(node="n", data=object()))
    assert not journal.lost()


def test_a_run_that_another_holds_is_not_opened(store: JournalStore) -> None:
    journal = open_run(store, request(), "p", "sync", "me")
    with pytest.raises(JournalError) as caught:
        open_run(store, request(), "p", "sync", "other")
    assert caught.value.code == "journal.fenced"
    journal.end("completed")
    with pytest.raises(JournalError) as caught:
        open_run(store, request(), "p", "sync", "me")
    assert caught.value.code == "journal.fenced"


def test_a_run_that_was_taken_stops_and_others_go_on(store: JournalStore) -> None:
    lost = threading.Event()
    journal = open_run(store, request(), "p", "sync", "me", on_lost=lost.set)
    other = open_run(store, request("other"), "p", "sync", "me")
    journal.record(StepRow(node="before"))
    journal.flush()
    store.acquire("run", "me", 60)  # whoever has our name
    told: list[str] = []
    journal.record(StepRow(node="after"), lambda: told.append("after"))
    assert lost.wait(60)
    assert journal.lost()
    for call in (journal.flush, lambda: journal.end("completed")):
        with pytest.raises(JournalError) as caught:
            call()
        assert caught.value.code == "journal.fenced"
    other.record(StepRow(node="x"))
    other.end("completed")
    assert (nodes(store), nodes(store, "other"), told) == (["before"], ["x"], [])


@pytest.mark.parametrize(
    ("error", "code"),
    [(full("disk", "no room"), "journal.full"), (unavailable("db", "gone"), "journal.unavailable")],
)
def test_a_store_that_fails_stops_the_runs_and_leaves_no_gap(
    error: JournalError, code: str
) -> None:
    store = Gated()
    writer = _writers[id(store)] = GroupWriter(store, patience_s=0.1)
    journal = open_run(store, request(), "p", "sync", "me")
    store.gate.release(2)
    journal.record(StepRow(node="a"))
    journal.flush()
    store.broken = error
    told: list[str] = []
    journal.record(StepRow(node="b"), lambda: told.append("b"))
    store.gate.release(100)
    with pytest.raises(JournalError) as caught:
        journal.flush()
    assert caught.value.code == code
    store.broken = None
    journal.record(StepRow(node="c"), lambda: told.append("c"))
    with pytest.raises(JournalError):
        journal.end("completed")
    fresh = open_run(store, request("fresh"), "p", "sync", "me")
    fresh.record(StepRow(node="d"))
    fresh.flush()
    assert (nodes(store), nodes(store, "fresh"), told) == (["a"], ["d"], [])
    assert writer_of(store) is writer


def test_rows_that_wait_behind_a_failure_are_not_written() -> None:
    class Once(Gated):
        def write(self, batch: Sequence[Any]) -> list[str]:
            try:
                return super().write(batch)
            finally:
                self.broken = None

    store = Once()
    lost = threading.Event()
    journal = open_run(store, request(), "p", "sync", "me", on_lost=lost.set)
    other = open_run(store, request("other"), "p", "sync", "me")
    store.broken = full("disk", "no room")
    journal.record(StepRow(node="a"))
    store.arrived.acquire()
    journal.record(StepRow(node="b"))
    other.record(StepRow(node="c"))
    store.gate.release(100)
    assert lost.wait(60)
    other.flush()
    assert (nodes(store), nodes(store, "other")) == ([], ["c"])


def test_giving_a_run_back_is_no_loss() -> None:
    class Renewing(MemoryJournal):
        def write(self, batch: Sequence[Any]) -> list[str]:
            answer = super().write(batch)
            writer_of(self)._renew([journal._member])  # it had begun before the end
            return answer

    store = Renewing()
    journal: Any = open_run(store, request(), "p", "sync", "me")
    journal.record(StepRow(node="a"))
    journal.end("completed")
    assert journal.failure is None
    assert not writer_of(store)._members


def test_a_store_that_comes_back_in_time_stops_nothing() -> None:
    store = Gated()
    journal = open_run(store, request(), "p", "sync", "me")
    store.broken = unavailable("db", "gone")
    journal.record(StepRow(node="a"))
    store.gate.release()
    store.arrived.acquire()
    store.arrived.acquire()  # it tries again
    store.broken = None
    store.gate.release(9)
    journal.end("completed")
    assert nodes(store) == ["a"]


def test_a_row_that_the_database_refuses_stops_only_its_run() -> None:
    class Picky(MemoryJournal):
        def write(self, batch: Sequence[Any]) -> list[str]:
            if any(isinstance(row, PackedRow) and b"bad" in row.data for _, row, _ in batch):
                raise JournalError("no", code="journal.unstorable")
            return super().write(batch)

    store = Picky()
    good, bad = (open_run(store, request(name), "p", "sync", "me") for name in ("good", "bad"))
    for _ in range(50):
        good.record(StepRow(node="n"))
        bad.record(StepRow(node="bad"))
    good.end("completed")
    with pytest.raises(JournalError):
        bad.end("completed")
    assert (nodes(store, "good"), nodes(store, "bad")) == (["n"], [])


def test_too_many_rows_hold_up_those_who_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weft_engine.runs.journal.writer._MOST_ROWS", 10)
    store = Gated()
    journal = open_run(store, request(), "p", "async", "me")
    written = []

    def write() -> None:
        for number in range(100):
            journal.record(StepRow(node=str(number)))
            written.append(number)

    thread = threading.Thread(target=write)
    thread.start()
    store.arrived.acquire()
    store.gate.release()
    store.arrived.acquire()  # one group is done, the next one is held up
    assert len(written) <= 31
    store.gate.release(1000)
    thread.join()
    journal.end("completed")
    assert len(nodes(store)) == 100
    assert max(store.groups) <= 10


def test_many_runs_in_many_threads(make: Callable[[], JournalStore]) -> None:
    store = make()
    problems: list[BaseException] = []

    def work(number: int) -> None:
        try:
            journal = open_run(store, request(f"r{number}"), "p", "sync", "me")
            for place in range(30):
                done = threading.Event()
                journal.record(StepRow(node=f"n{place}"), done.set)
                assert done.wait(60)
            journal.end("completed")
        except Exception as error:  # noqa: BLE001 - told below
            problems.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    for number in range(12):
        assert nodes(store, f"r{number}") == [f"n{place}" for place in range(30)]
        assert store.entry(f"r{number}").status == "completed"  # type: ignore[union-attr]


def test_runs_are_held_as_long_as_they_go_on(
    store: JournalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("weft_engine.runs.journal.writer._BEATS", 600)
    ends: list[float] = []
    renewed = threading.Semaphore(0)
    real = store.renew

    def renew(leases: Sequence[Lease], ttl_s: float) -> list[Lease]:
        kept = real(leases, ttl_s)
        if len(kept) == 2:  # both at once
            ends.append(kept[0].until)
            renewed.release()
        return kept

    store.renew = renew  # type: ignore[method-assign]
    runs = [open_run(store, request(name), "p", "sync", "me") for name in ("a", "b")]
    for _ in range(4):
        renewed.acquire()
    assert ends == sorted(set(ends))
    assert store.acquire("a", "other", 1) is None
    for run in runs:
        run.record(StepRow(node="x"))
        run.end("completed")


def test_a_lease_that_the_caller_renews(store: JournalStore) -> None:
    lease = store.acquire("run", "me", 60, RunEntry(id="run", plan_hash="p", request=request()))
    journal = open_run(store, request(), "p", "sync", "me", lease=lease)
    journal.record(StepRow(node="a"))
    assert not writer_of(store)._members
    journal.end("completed")
    assert nodes(store) == ["a"]


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
def test_a_signal_that_had_its_effect_is_marked_before_the_run_is_given_back(
    durability: str, store: JournalStore
) -> None:
    journal = open_run(store, request(), "plan", durability, "me")
    store.signal("run", SignalRow(id="s", name="go"))
    journal.record(StepRow(node="one"))
    journal.take("s")
    journal.park(WakeRow(node="two", kind="signal", signal="go"))
    journal.end("parked")
    assert [row.taken for row in store.signals("run")] == [True]
    assert store.signalled() == []
