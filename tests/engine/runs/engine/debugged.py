"""Runs with a debugger: what it is told whenever the run stands still, and where it stood."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.engine.runs.engine.harness import Ran, TestJournal, execute, flow_of
from weft_engine.errors import WeftError
from weft_engine.flow.model import Flow
from weft_engine.runs.debug import Breakpoint, Command
from weft_engine.runs.engine.control import RunControl
from weft_engine.runs.events import RunEvent
from weft_engine.runs.journal.errors import JournalError
from weft_engine.runs.outputs import OutputStore

Say = Command | Iterable[Command]
GO = Command(kind="resume")


def inside(parent: str, kind: str, **settings: Any) -> Any:
    return (kind, settings, {"parent": parent})


def before(node: str, condition: str | None = None, **more: Any) -> Breakpoint:
    return Breakpoint(node=node, condition=condition, **more)


def after(node: str, condition: str | None = None, **more: Any) -> Breakpoint:
    return Breakpoint(node=node, when="after", condition=condition, **more)


def step(kind: str, at: str | None = None) -> Command:
    known: Any = f"step_{kind}"
    return Command(kind=known, at=at)


def edit(at: str, port: str, value: Any) -> Command:
    return Command(kind="edit", at=at, port=port, value=value)


@dataclass
class Debugged:
    """One run that is debugged."""

    folder: Path
    hits: list[str] = field(default_factory=list)
    """`when node@scope` of every activation that stopped, in order."""
    told: list[RunEvent] = field(default_factory=list)
    stands: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    pauses: list[str] = field(default_factory=list)
    heard: list[RunEvent] = field(default_factory=list)
    refused: list[WeftError] = field(default_factory=list)
    journal: TestJournal | None = None
    control: RunControl = field(default_factory=RunControl)
    ran: Ran = field(init=False)

    def values(self, number: int) -> dict[str, Any]:
        """What was shown at a stop."""
        store, values = OutputStore(self.folder), self.told[number].data["values"]
        return {port: page.get("value", page.get("records"))
                for port, ref in values.items() if (page := store.read(ref))}  # fmt: skip

    def say(self, commands: Say) -> None:
        for command in [commands] if isinstance(commands, Command) else commands:
            try:
                self.control.send(command)
            except WeftError as error:
                self.refused.append(error)

    def crash(self) -> None:
        """The process ends here."""
        assert self.journal is not None
        self.journal._dead = True
        self.control.wake()


def debug(
    flow: Flow,
    folder: Path,
    *points: Breakpoint,
    say: Callable[[Debugged], Say | None] | Iterable[Say] = (),
    journal: TestJournal | None = None,
    begin: Iterable[Command] = (),
    **more: Any,
) -> Debugged:
    """Run a flow; whenever it stands still, the next of `say` is told it, or that it goes on."""
    found = Debugged(folder, journal=journal)
    script = None if callable(say) else iter(say)

    def heard(event: RunEvent) -> None:
        found.heard.append(event)
        if event.type == "breakpoint_hit":
            if event.data["at"] not in found.stands:
                found.hits.append(f"{event.data['when']} {event.data['at']}")
            found.stands[event.data["at"]] = event.data
            found.told.append(event)
        elif event.type == "breakpoint_left":
            del found.stands[event.data["at"]]
        elif event.type == "run_paused" and event.data["reason"] != "waiting":
            found.pauses.append(event.data["reason"])
            if script is None:
                assert callable(say)
                told = say(found)
                if told is not None:
                    found.say(told)
            else:
                found.say(next(script, GO))

    for command in begin:
        found.control.send(command)
    more.setdefault("breakpoints", list(points))
    try:
        found.ran = execute(
            flow, folder, control=found.control, heard=heard, journal=journal, **more
        )
    except JournalError:
        assert journal is not None
        journal._dead = False
    return found


CALLEE = {
    "format": "weft/1",
    "name": "C",
    "inputs": {"n": {"type": "Number"}},
    "nodes": {
        "in": {"type": "flow.input", "settings": {"name": "n"}},
        "x": {"type": "e.times", "settings": {"by": 10}},
    },
    "edges": [{"source": "in", "source_port": "value", "target": "x", "target_port": "item"}],
    "outputs": ["x"],
}
CALL = ("flow.call", {"flow": "c", "arguments": [{"name": "n", "value": "item"}]})

FLOWS: dict[str, Flow] = {
    "values": flow_of(
        {"v": ("t.value", {"value": 2}), "a": "e.times", "b": "e.io", "c": "e.times"},
        ["v.out>a.item", "a.out>b.item", "b.out>c.item"],
        outputs=["c"],
    ),
    "streams": flow_of(
        {"n": "e.numbers", "light": "e.times", "heavy": "e.io", "keep": "t.keep",
         "all": "t.count", "last": "e.times"},
        ["n.out>light.item", "light.out>heavy.item", "heavy.out>keep.rows", "keep.out>all.rows",
         "keep.out>last.item"],
        outputs=["all", "last"],
    ),
    "loops": flow_of(
        {
            "n": "e.numbers",
            "loop": ("control.for_each", {"concurrency": 2}),
            "x": inside("loop", "e.times"),
            "try": inside("loop", "control.try"),
            "bad": inside("try", "e.bad", value=4),
            "caught": inside("try", "e.io"),
            "end": "e.io",
        },
        ["n.out>loop.items", "loop.item>x.item", "x.out>try.item", "try.item>bad.item",
         "bad.out>try.result", "try.error>caught.item", "caught.out>try.caught",
         "try.result>loop.result", "loop.results>end.item"],
        outputs=["end"],
    ),
    "calls": flow_of(
        {"v": ("t.value", {"value": 3}), "call": CALL, "z": "e.io"},
        ["v.out>call.item", "call.result>z.item"],
        outputs=["z"],
    ),
    "fails": flow_of(
        {"v": ("t.value", {"value": 2}), "x": "e.bad", "err": "control.on_error", "tell": "e.io"},
        ["v.out>x.item", "err.failure>tell.item"],
    ),
}  # fmt: skip
ASKED: dict[str, dict[str, Any]] = {"calls": {"flows": {"c": CALLEE}}}
