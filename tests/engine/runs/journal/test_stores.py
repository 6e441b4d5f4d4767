"""What every store of the journal does: in memory, SQLite, PostgreSQL."""

import datetime as dt
import threading
from decimal import Decimal
from pathlib import Path

import pytest

from weft_engine.runs.debug import Breakpoint
from weft_engine.runs.journal.base import (
    JournalStore,
    Lease,
    ReleaseRow,
    RunEntry,
    SignalRow,
    StepRow,
    WakeRow,
)
from weft_engine.runs.journal.errors import JournalError
from weft_engine.runs.journal.values import ValueStore
from weft_engine.runs.run import RunRequest


def entry(run_id: str, **more: object) -> RunEntry:
    request = RunRequest(run_id=run_id, flow={"format": "weft/1"}, inputs={"n": 1})
    return RunEntry(**{"id": run_id, "plan_hash": "p", "request": request, **more})


def taken(store: JournalStore, run_id: str = "run", owner: str = "me", ttl_s: float = 60) -> Lease:
    lease = store.acquire(run_id, owner, ttl_s, entry(run_id))
    assert lease is not None
    return lease


def code(call: object, *arguments: object) -> str:
    with pytest.raises(JournalError) as caught:
        call(*arguments)  # type: ignore[operator]
    return caught.value.code


STEP = StepRow(
    node="loop/fetch",
    scope="loop:3",
    kind="scope",
    key="3",
    attempt=2,
    state="failed",
    input_hash="abc",
    outputs={"text": {"inline": b"\xff", "size": 1}},
    variables={"when": dt.date(2026, 1, 1), "price": Decimal("1.10"), "pair": (1, 2)},
    failure={"code": "x", "params": {"n": 1.0}},
    started=1.25,
    ended=2.5,
    worker="w1",
)


def test_rows_come_back_as_they_were(store: JournalStore) -> None:
    lease = taken(store)
    assert store.write([(lease, STEP, None), (lease, StepRow(node="b"), None)]) == []
    found = store.steps("run")
    assert found == [STEP, StepRow(node="b")]
    assert found[0].variables["pair"] == (1, 2)


def test_entries_come_back_as_they_were(store: JournalStore) -> None:
    request = RunRequest(
        run_id="run",
        flow={"nodes": {"a": {}}},
        inputs={"day": dt.date(2026, 1, 1)},
        allow_hosts=("*", "10.0.0.0/8"),
        breakpoints=[Breakpoint(node="a", condition="item > 1")],
        trigger={"node": None},
    )
    full = RunEntry(
        id="run",
        plan_hash="h",
        tenant="t",
        priority=-3,
        parent="p",
        forked_from="f",
        request=request,
    )
    assert store.acquire("run", "me", 60, full)
    found = store.entry("run")
    assert found is not None
    assert found.updated > 0
    assert found == RunEntry(
        **{**{f: getattr(full, f) for f in full.__struct_fields__}, "updated": found.updated}
    )
    assert store.entry("other") is None


def test_the_last_row_of_an_attempt_counts(store: JournalStore) -> None:
    lease = taken(store)
    rows = [
        StepRow(node="a", state="started"),
        StepRow(node="b"),
        StepRow(node="a", state="failed"),
        StepRow(node="a", state="started", attempt=2),
        StepRow(node="a", scope="x:1"),
    ]
    store.write([(lease, row, None) for row in rows])
    assert store.steps("run") == [rows[1], rows[2], rows[3], rows[4]]


# Leases


def test_one_engine_holds_a_run(store: JournalStore) -> None:
    first = taken(store)
    assert store.acquire("run", "other", 60) is None
    store.release(first, "parked")
    second = store.acquire("run", "other", 60)
    assert second is not None
    assert second.token > first.token
    assert store.entry("run").status == "running"  # type: ignore[union-attr]


def test_the_same_owner_takes_over_from_itself(store: JournalStore) -> None:
    first = taken(store)
    second = taken(store)
    assert second.token > first.token
    assert store.write([(first, STEP, None)]) == ["run"]
    assert store.write([(second, STEP, None)]) == []


def test_a_lease_that_ran_out_is_lost_even_when_nobody_took_the_run(store: JournalStore) -> None:
    lease = taken(store, ttl_s=0)
    assert store.write([(lease, STEP, None), (lease, WakeRow(node="a"), None)]) == ["run"]
    assert store.write([(lease, None, ("a", "")), (lease, ReleaseRow("completed"), None)]) == [
        "run"
    ]
    assert store.renew([lease], 60) == []
    assert code(store.release, lease, "completed") == "journal.fenced"
    store.signal("run", SignalRow(id="s", name="go"))
    assert code(store.take, lease, "s") == "journal.fenced"
    assert (store.steps("run"), store.wakes("run")) == ([], [])
    assert store.signals("run") == [SignalRow(id="s", name="go")]
    assert store.entry("run").status == "running"  # type: ignore[union-attr]


def test_renewing_tells_what_was_lost(store: JournalStore) -> None:
    kept, gone, old = taken(store, "a"), taken(store, "b", ttl_s=0), taken(store, "c")
    new = taken(store, "c")
    renewed = store.renew([kept, gone, old, new], 120)
    assert [(lease.run_id, lease.token) for lease in renewed] == [
        ("a", kept.token),
        ("c", new.token),
    ]
    assert renewed[0].until > kept.until
    assert store.renew([], 120) == []


def test_an_older_token_is_good_for_nothing(store: JournalStore) -> None:
    old = taken(store, ttl_s=60)
    new = taken(store, ttl_s=60)
    store.signal("run", SignalRow(id="s", name="go"))
    assert code(store.release, old, "completed") == "journal.fenced"
    assert code(store.take, old, "s") == "journal.fenced"
    assert store.renew([old], 0) == []
    assert store.write([(old, STEP, ("a", "")), (old, ReleaseRow("failed"), None)]) == ["run"]
    assert not store.signals("run")[0].taken
    assert store.write([(new, STEP, None)]) == []
    assert store.steps("run") == [STEP]


def test_only_the_rows_of_lost_runs_are_refused(store: JournalStore) -> None:
    good, bad = taken(store, "good"), taken(store, "bad", ttl_s=0)
    row = StepRow(node="a")
    assert store.write([(bad, row, None), (good, row, None), (bad, row, None)]) == ["bad"]
    assert (store.steps("good"), store.steps("bad")) == ([row], [])


def test_one_of_many_gets_a_run(make: object, store: JournalStore) -> None:
    store.release(taken(store), "parked")
    got: list[Lease | None] = []
    barrier = threading.Barrier(8)

    def take(name: str) -> None:
        barrier.wait()
        got.append(store.acquire("run", name, 60))

    threads = [threading.Thread(target=take, args=(f"t{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([lease for lease in got if lease]) == 1


def test_runs_that_ended_are_given_to_nobody(store: JournalStore) -> None:
    store.release(taken(store), "failed")
    assert store.acquire("run", "me", 60) is None
    assert store.acquire("run", "me", 60, entry("run")) is None


def test_runs_that_are_not_there(store: JournalStore) -> None:
    assert code(store.acquire, "no", "me", 60) == "journal.unknown_run"
    assert code(store.signal, "no", SignalRow(id="1", name="x")) == "journal.unknown_run"
    assert code(store.fork, "no", entry("x"), bool) == "journal.unknown_run"
    assert (store.steps("no"), store.wakes("no"), store.signals("no")) == ([], [], [])
    lease = Lease(run_id="no", owner="me", token=1, until=2e10)
    assert store.write([(lease, STEP, None)]) == ["no"]
    assert store.renew([lease], 60) == []
    store.forget(["no"])


def test_a_forgotten_run_comes_back_with_another_token(store: JournalStore) -> None:
    old = taken(store)
    store.forget(["run"])
    new = taken(store)
    assert new.token > old.token
    assert store.write([(old, STEP, None)]) == ["run"]
    assert store.steps("run") == []


# Waiting


def parked(store: JournalStore, run_id: str, *wakes: WakeRow) -> None:
    lease = taken(store, run_id)
    store.write([*((lease, wake, None) for wake in wakes), (lease, ReleaseRow("parked"), None)])


def test_due_runs_are_found_the_earliest_first(store: JournalStore) -> None:
    parked(store, "late", WakeRow(node="a", due=30.0))
    parked(store, "twice", WakeRow(node="a", due=40.0), WakeRow(node="b", due=10.0))
    parked(store, "later", WakeRow(node="a", due=99.0))
    parked(store, "signal", WakeRow(node="a", kind="signal", signal="go"))
    lease = taken(store, "running")
    store.write([(lease, WakeRow(node="a", due=5.0), None)])
    assert store.due(30.0) == [("twice", 10.0), ("late", 30.0)]
    assert store.due(30.0, limit=1) == [("twice", 10.0)]
    assert store.due(9.0) == []


def test_a_wake_is_replaced_and_taken_back(store: JournalStore) -> None:
    lease = taken(store)
    first = WakeRow(node="a", due=1.0)
    second = WakeRow(node="a", kind="approval", signal="ok", message="?", data={"x": (1,)})
    other = WakeRow(node="a", scope="l:1", due=2.0)
    store.write([(lease, first, None), (lease, second, None), (lease, other, None)])
    assert store.wakes("run") == [second, other]
    store.write([(lease, StepRow(node="a"), ("a", "")), (lease, None, ("nothing", ""))])
    assert store.wakes("run") == [other]
    store.write([(lease, None, ("a", "l:1")), (lease, first, None), (lease, None, ("a", ""))])
    assert store.wakes("run") == []


def test_a_signal_counts_once(store: JournalStore) -> None:
    lease = taken(store)
    first = SignalRow(id="1", name="go", payload={"a": (1, 2)}, by="ann", at=5.0)
    assert store.signal("run", first)
    assert not store.signal("run", SignalRow(id="1", name="other"))
    assert store.signal("run", SignalRow(id="0", name="go"))
    store.take(lease, "1")
    store.take(lease, "unknown")
    one, two = store.signals("run")
    assert one == SignalRow(id="1", name="go", payload={"a": (1, 2)}, by="ann", at=5.0, taken=True)
    assert (two.id, two.taken) == ("0", False)


def test_runs_with_a_signal_that_they_wait_for(store: JournalStore) -> None:
    for run_id in ("a", "b", "c", "d"):
        parked(store, run_id, WakeRow(node="n", kind="signal", signal="go"))
    parked(store, "a", WakeRow(node="n", kind="signal", signal="stop"))  # once more
    store.signal("a", SignalRow(id="1", name="stop"))
    store.signal("b", SignalRow(id="1", name="other"))
    store.signal("c", SignalRow(id="1", name="go"))
    store.take(taken(store, "c"), "1")
    store.signal("d", SignalRow(id="1", name="go"))
    taken(store, "d")  # somebody has it already
    assert store.signalled() == ["a"]


def test_unfinished_runs_are_those_that_nobody_holds(store: JournalStore) -> None:
    taken(store, "dead", ttl_s=0)
    taken(store, "alive")
    store.release(taken(store, "waits"), "parked")
    store.release(taken(store, "rests"), "paused")
    store.release(taken(store, "done"), "completed")
    assert [(run.id, run.status) for run in store.unfinished()] == [
        ("dead", "running"),
        ("waits", "parked"),
        ("rests", "paused"),
    ]


# Copies and ends


def test_runs_below_a_run_end_with_it(store: JournalStore) -> None:
    for run_id in ("a", "a.1", "a.2", "ab", "b.1", "a_.1"):
        store.release(taken(store, run_id), "parked")
    store.release(taken(store, "a.done"), "completed")
    taken(store, "a.held")
    taken(store, "a.dead", ttl_s=0)
    store.end_below("a", "cancelled")
    found = {run_id: store.entry(run_id).status for run_id in ("a", "a.1", "a.2", "ab", "b.1",
             "a_.1", "a.done", "a.held", "a.dead")}  # type: ignore[union-attr]  # fmt: skip
    gone = {"a.1", "a.2", "a.dead"}
    assert {run_id for run_id, status in found.items() if status == "cancelled"} == gone
    assert (found["a.done"], found["a.held"]) == ("completed", "running")
    assert store.acquire("a.1", "me", 60) is None
    store.end_below("nothing", "cancelled")


def test_a_fork_begins_with_the_rows_that_are_kept(store: JournalStore) -> None:
    lease = taken(store)
    rows = [StepRow(node=name, started=1.0) for name in "abcd"]
    store.write([(lease, row, None) for row in rows] + [(lease, WakeRow(node="d", due=1.0), None)])
    store.signal("run", SignalRow(id="1", name="go"))
    store.fork("run", entry("new", forked_from="run"), lambda row: row.node in "ab")
    assert store.steps("new") == rows[:2]
    assert (store.wakes("new"), store.signals("new")) == ([], [])
    assert store.entry("new").forked_from == "run"  # type: ignore[union-attr]
    assert [run.id for run in store.unfinished()] == ["new"]
    assert code(store.fork, "run", entry("new"), bool) == "journal.run_exists"
    store.forget(["run"])
    assert store.steps("new") == rows[:2]


def test_forgotten_runs_leave_nothing(store: JournalStore) -> None:
    lease = taken(store)
    store.write([(lease, STEP, None), (lease, WakeRow(node="a", due=1.0), None)])
    store.signal("run", SignalRow(id="1", name="go"))
    other = taken(store, "other")
    store.write([(other, STEP, None)])
    store.forget(["run", "unknown"])
    assert store.entry("run") is None
    taken(store)
    assert (store.steps("run"), store.wakes("run"), store.signals("run")) == ([], [], [])
    assert store.steps("other") == [STEP]


def test_ended_runs_the_last_first(store: JournalStore) -> None:
    for run_id in ("a", "b", "c"):
        store.release(taken(store, run_id), "cancelled")
    taken(store, "d")
    found = store.ended()
    assert [run_id for run_id, _ in found] == ["c", "b", "a"]
    assert [moment for _, moment in found] == sorted((m for _, m in found), reverse=True)


def test_references_are_all_blobs_that_are_named(store: JournalStore, tmp_path: Path) -> None:
    values = ValueStore(tmp_path)
    lease = taken(store)
    large, small = values.put("x" * 100_000), values.put("y")
    stream = values.collect()
    stream.take(["z" * 100_000] * 30)
    records, _ = stream.finish()
    outputs = {"a": large.as_dict(), "b": small.as_dict(), "c": records.as_dict()}
    store.write([(lease, StepRow(node="a", outputs=outputs), None)])
    reuse = {"n": {"port": {"kind": "value", "blob": "ab" * 32}}}
    request = RunRequest(run_id="r2", flow={}, reuse=reuse)
    store.acquire("r2", "me", 60, entry("r2", request=request))
    assert len(records.chunks) > 1
    assert store.references() == {large.blob, "ab" * 32, *(chunk[0] for chunk in records.chunks)}


def test_what_cannot_be_kept_is_refused_before_anything_is_written(store: JournalStore) -> None:
    lease = taken(store)
    bad = StepRow(node="b", variables={"x": object()})
    assert code(store.write, [(lease, StepRow(node="a"), None), (lease, bad, None)]) == (
        "journal.unstorable"
    )
    assert store.steps("run") == []
    assert store.write([]) == []


def test_a_large_group(store: JournalStore) -> None:
    leases = [taken(store, f"run{number}") for number in range(20)]
    rows = [StepRow(node="n", scope=f"#{number}") for number in range(200)]
    store.write([(lease, row, None) for row in rows for lease in leases])
    assert all(store.steps(lease.run_id) == rows for lease in leases)
