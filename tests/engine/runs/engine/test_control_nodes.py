"""Node types of control flow: success, skip, failure, cancel, nested, resumed in the middle."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.engine.runs.engine.control_samples import SAMPLES, Sample, called
from tests.engine.runs.engine.harness import (
    Ran,
    TestJournal,
    catalogue,
    execute,
    flow_of,
    seen,
    signal,
)
from weft_engine.runs.engine.control import RunControl
from weft_engine.runs.events import RunEvent
from weft_engine.runs.journal.errors import JournalError

ALL = pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)


def go(
    sample: Sample,
    folder: Path,
    work: str = "e.io",
    *,
    given: str = "value",
    broken: bool = False,
    heard: Callable[[RunControl, RunEvent], None] | None = None,
    **more: Any,
) -> Ran:
    """Run it; what waits for people or programs is answered at once."""
    control = RunControl()

    def hear(event: RunEvent) -> None:
        if heard is not None:
            heard(control, event)
        elif event.type == "node_waiting" and event.data["kind"] != "timer":
            at = f"{event.node}@{event.data.get('scope', '')}"
            answer: Any = {"approved": True}
            if event.data["kind"] == "signal":
                answer = float(event.data["signal"].removeprefix("go-"))
            control.send(signal(at, answer, by="ann"))

    flow = sample.flow(work, given=given, broken=broken)
    seen.calls.clear()
    return execute(
        flow, folder, heard=hear, control=control, flows={"called": called(work)}, **more
    )


def gave(ran: Ran, sample: Sample) -> Any:
    return ran.gave(*sample.out.split("."))


def test_every_type_is_here() -> None:
    types = {spec.type for spec in catalogue().specs() if spec.category == "control"}
    assert types == {sample.type for sample in SAMPLES.values()}


@ALL
def test_success(sample: Sample, tmp_path: Path) -> None:
    ran = go(sample, tmp_path)
    assert ran.result.failure is None
    assert ran.state == "completed"
    assert gave(ran, sample) == sample.gives(2)
    states = ran.states()
    assert states[sample.work] == "completed"
    if sample.type == "control.fail":
        assert states["c"] == "skipped"
    elif sample.type != "control.on_error":
        assert states["c"] == "completed"


@ALL
def test_skip(sample: Sample, tmp_path: Path) -> None:
    ran = go(sample, tmp_path, given="nothing")
    assert ran.state == "completed"
    assert ran.states().get("c") == sample.idle
    if sample.idle == "skipped":
        assert gave(ran, sample) is None


@ALL
def test_failure_inside(sample: Sample, tmp_path: Path) -> None:
    broken = sample.broken is not None
    ran = go(sample, tmp_path, "e.io" if broken else "e.bad", broken=broken)
    failed = "c" if broken else sample.work
    assert ran.of("node_failed", failed)[-1].data["failure"]["code"] == sample.code
    if sample.lives is not None:
        assert ran.state == "completed"
        assert gave(ran, sample) == sample.lives
        return
    assert ran.state == "failed"
    assert ran.result.failure is not None
    assert (ran.result.failure["node"], ran.result.failure["code"]) == (failed, sample.code)
    if sample.type == "control.on_error":
        assert ran.states()["tell"] == "completed"


@ALL
def test_cancel_inside(sample: Sample, tmp_path: Path) -> None:
    def heard(control: RunControl, event: RunEvent) -> None:
        if event.type == "node_waiting" and event.data["kind"] != "timer":
            control.cancel()
        if event.type == "node_started" and event.node == sample.work:
            control.cancel()

    ran = go(sample, tmp_path, "e.hang", heard=heard)
    assert ran.state == "cancelled"
    assert len(seen.calls.get("hang.began", ())) == len(seen.calls.get("hang.stopped", ()))
    waits = sample.type in ("control.signal", "control.approval")
    assert ran.states().get("c") == ("cancelled" if waits else sample.cancelled)
    if not waits:
        assert ran.states()[sample.work] == "cancelled"


@ALL
def test_nested(sample: Sample, tmp_path: Path) -> None:
    ran = go(sample, tmp_path, given="each")
    assert ran.result.failure is None
    assert ran.gave("outer", "results") == [sample.gives(item) for item in (1, 2, 3)]
    work = ran.of("node_completed", f"outer/{sample.work}")
    scopes = {event.data["scope"].split("/")[0] for event in work}
    assert scopes == {"outer:0", "outer:1", "outer:2"}


@ALL
@pytest.mark.parametrize("given", ["value", "each"])
def test_resumed_in_the_middle(sample: Sample, given: str, tmp_path: Path) -> None:
    whole = TestJournal()
    wanted = go(sample, tmp_path, "e.effect", given=given, journal=whole)
    assert wanted.result.failure is None
    keys = set(seen.calls["w.keys"])
    for most in range(len(whole.steps)):
        journal = TestJournal(most)
        with pytest.raises(JournalError):
            go(sample, tmp_path, "e.effect", given=given, journal=journal)
        before, done = seen.calls.get("w.keys", []), journal.ended()
        journal.heal()
        ran = go(sample, tmp_path, "e.effect", given=given, journal=journal, resume=True)
        assert ran.result.failure is None, most
        assert ran.outputs == wanted.outputs, most
        assert {*before, *seen.calls.get("w.keys", [])} == keys, most
        assert done.isdisjoint(journal.ended(since=most)), most


@pytest.mark.parametrize("kind", ["control.wait", "control.signal", "control.approval"])
@pytest.mark.parametrize("source", ["t.value", "e.numbers"])
def test_one_that_cannot_say_what_it_waits_for(kind: str, source: str, tmp_path: Path) -> None:
    """It fails like every other node: its policy counts, and a Try catches it."""
    setting = {"wait": "until", "signal": "name", "approval": "message"}[kind.split(".")[1]]
    bad = "item.no.such" if setting == "until" else "{{ item.no.such }}"
    more = {"on_error": "skip", "retry": {"max_attempts": 3, "delay_s": 0}}
    flow = flow_of(
        {"v": source, "c": (kind, {setting: bad}, more), "all": "t.count"},
        ["v.out>c.item", f"c.{OUT[kind]}>all.rows"],
        outputs=["all"],
    )
    ran = execute(flow, tmp_path)
    assert ran.state == "completed"
    assert ran.of("node_retrying") == []
    assert ran.gave("all") == (None if source == "t.value" else [0])


OUT = {"control.wait": "out", "control.signal": "received", "control.approval": "approved"}
