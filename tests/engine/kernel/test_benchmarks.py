"""The measurements of the kernel run; what they find says nothing at such sizes."""

from operator import le
from typing import cast

import pytest

from benchmarks.kernel import (
    calls,
    checkpoints,
    job_a,
    latency,
    memory,
    nexmark,
    peers,
    telemetry,
)
from weft_engine.kernel.connectors import ReaderContext


def test_job_a(capsys: pytest.CaptureFixture[str]) -> None:
    found = job_a.measure(5_000, 1, ray=False)
    assert all(seconds > 0 for seconds in found.values())
    printed = capsys.readouterr().out
    assert all(name in printed for name in found)


def test_job_a_notices_what_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_a.Counting, "commit", lambda self, committables: None)
    with pytest.raises(AssertionError):
        job_a.measure(100, 1, ray=False)


def test_latency() -> None:
    for late in (latency.latencies(1_000, 0.05), latency.bare(1_000, 0.05)):
        assert len(late.since_due) == len(late.since_had) == 50
        assert 0 < late.since_had[0] <= late.since_had[-1]
        assert all(map(le, late.since_had, late.since_due))  # it had no record before it was due
    assert set(latency.measure(0.02, [500])) == {500}


def test_a_paced_source_never_rests() -> None:
    """The kernel asks one that gives nothing later and later: it would measure that."""
    reader = latency.Paced(1_000, 50).reader(None, None, cast(ReaderContext, None))
    lists = []
    while (got := reader.read(16)) is not None:
        lists.append(got)
    assert all(lists)
    assert sum(map(len, lists)) == 50


def test_memory() -> None:
    assert memory.measure(10_000) > 1


def test_calls() -> None:
    assert set(calls.measure(40, 10, 1)) == {False, True}


def test_telemetry() -> None:
    assert telemetry.measure(5_000, 1) > -1


def test_checkpoints(capsys: pytest.CaptureFixture[str]) -> None:
    assert checkpoints.measure(200, 5) >= 0
    assert "state on disk" in capsys.readouterr().out


def test_nexmark() -> None:
    found = nexmark.measure(2_000)
    assert all(one > 0 and two > 0 for one, two in found.values())


def test_a_peer_that_cannot_be_had_is_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(peers, "environment", lambda: None)
    assert peers.measure(100) is None
    assert "left out" in capsys.readouterr().out
