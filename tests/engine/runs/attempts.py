"""Flows whose runs fail, and an engine with a journal on which they are tried again."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.engine.runs.engine.harness import catalogue, flow_of, seen
from weft_engine.flow.dump import to_data
from weft_engine.flow.model import Flow
from weft_engine.runs.executor import Executor
from weft_engine.runs.journal.codec import Codec
from weft_engine.runs.ownership import open_journal
from weft_engine.runs.queue import Job
from weft_engine.runs.run import RunRequest, RunResult


def inside(parent: str, kind: str, **settings: Any) -> Any:
    return (kind, settings, {"parent": parent})


def effect(name: str, **more: Any) -> Any:
    return ("e.effect", {"name": name, **more})


def chain(bad: Any = 1, first: Any = 1, **more: Any) -> Flow:
    """A value, an effect, a node that fails on 1, an effect; and an effect beside them."""
    return flow_of(
        {
            "v": ("t.value", {"value": first}),
            "pay": effect("pay"),
            "check": ("e.bad_io", {"value": bad}),
            "send": effect("send"),
            "w": "t.word",
            "beside": effect("beside"),
            **more,
        },
        ["v.out>pay.item", "pay.out>check.item", "check.out>send.item", "w.out>beside.item"],
        outputs=["send", "beside"],
    )


def loop(bad: Any = 2, note: str = "end", concurrency: int = 1, **more: Any) -> Flow:
    """For each of three numbers: an effect, a node that fails on one of them, an effect."""
    return flow_of(
        {
            "n": ("e.numbers", more),
            "loop": ("control.for_each", {"concurrency": concurrency}),
            "pay": inside("loop", "e.effect", name="pay"),
            "check": inside("loop", "e.bad_io", value=bad),
            "send": inside("loop", "e.effect", name="send"),
            "end": effect(note),
        },
        ["n.out>loop.items", "loop.item>pay.item", "pay.out>check.item", "check.out>send.item",
         "send.out>loop.result", "loop.results>end.item"],
        outputs=["end"],
    )  # fmt: skip


def rounds(bad: Any = 4) -> Flow:
    """Round after round: times two, an effect, a node that fails on 4."""
    return flow_of(
        {
            "v": ("t.value", {"value": 1}),
            "loop": ("control.while", {"condition": "item < 9", "max_iterations": 9}),
            "pay": inside("loop", "e.effect", name="pay"),
            "twice": inside("loop", "e.times", by=2),
            "check": inside("loop", "e.bad_io", value=bad),
        },
        ["v.out>loop.initial", "loop.state>twice.item", "twice.out>pay.item", "pay.out>check.item",
         "check.out>loop.next"],
        outputs=["loop"],
    )  # fmt: skip


def tried(bad: Any = 1) -> Flow:
    """What is tried fails, and so does what is to catch it."""
    return flow_of(
        {
            "v": ("t.value", {"value": 1}),
            "try": "control.try",
            "pay": inside("try", "e.effect", name="pay"),
            "check": inside("try", "e.bad_io", value=bad),
            "sorry": inside("try", "e.effect", name="sorry"),
            "worse": inside("try", "control.fail", message="worse"),
            "last": inside("try", "e.effect", name="last"),
        },
        ["v.out>try.item", "try.item>pay.item", "pay.out>check.item", "check.out>try.result",
         "try.error>sorry.item", "sorry.out>worse.item", "try.outcome>last.item"],
        outputs=["try"],
    )  # fmt: skip


def each(bad: Any = 3) -> Flow:
    """Effects for each record of a stream; the second fails on one."""
    return flow_of(
        {"n": "e.numbers", "pay": effect("pay"), "check": ("e.bad_io", {"value": bad}),
         "send": effect("send")},
        ["n.out>pay.item", "pay.out>check.item", "check.out>send.item"],
        outputs=["send"],
    )  # fmt: skip


@dataclass
class Engine:
    """Runs flows here, with a journal on disk."""

    executor: Executor
    folder: Path

    def request(self, flow: Flow, run_id: str, **more: Any) -> RunRequest:
        # What is under way when something fails goes on to its end, so that all is as expected.
        more = {"failure_policy": "continue_independent", **more}
        return RunRequest(run_id=run_id, flow=to_data(flow), files_root=str(self.folder), **more)

    def run(self, request: RunRequest) -> tuple[RunResult, dict[str, int]]:
        """Run it; how often each effect happened."""
        seen.calls.clear()
        result = self.executor.run(Job(request))
        assert result is not None
        found = {name.removesuffix(".keys"): calls for name, calls in seen.calls.items()
                 if name.endswith(".keys")}  # fmt: skip
        return result, {name: len(calls) for name, calls in found.items()}


@contextmanager
def opened(folder: Path) -> Iterator[Engine]:
    with closing(open_journal("", folder)) as store:
        store.codec = Codec.of(catalogue())
        executor = Executor(
            folder, lambda events: None, store, "me", read_outputs=True, _catalogue=catalogue()
        )
        yield Engine(executor, folder)
