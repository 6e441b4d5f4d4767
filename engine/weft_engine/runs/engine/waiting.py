"""Activations that wait for a moment or a signal, with nothing held but a row."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from weft_engine.nodes.region import Signal, Wake
from weft_engine.runs.context import Context
from weft_engine.runs.engine.activations import Activation
from weft_engine.runs.engine.core import Core
from weft_engine.runs.engine.scope_run import ScopeRun
from weft_engine.runs.journal.base import SignalRow, WakeRow

Place = tuple[str, str]
"""The node's path and the scope's, with the record's number."""


@dataclass(slots=True, eq=False)
class Wait:
    """One activation that waits."""

    activation: Activation
    wake: Wake
    taken: str = ""
    """The id of the signal that ended it."""


class Waits:
    """All that waits in a run, and the signals that nothing waits for yet."""

    def __init__(self, core: Core, signals: Iterable[SignalRow] = ()) -> None:
        self.core = core
        self.waiting: dict[Place, Wait] = {}
        self._woken: dict[Place, Wait] = {}
        self._reached: set[Place] = set()
        self._signals: list[SignalRow] = [row for row in signals if not row.taken]
        self._seen = {row.id for row in signals if row.id}
        if core.recorded is not None and core.recorded.heard:
            for signal_id in core.recorded.heard:
                core.recording.take(signal_id)
            core.recording.commit(None)

    def parked(self, activation: Activation) -> bool:
        """Ask a node whether it waits; it does from now on if so."""
        core, place = self.core, (activation.unit.path, activation.place)
        row = core.recorded.wake(*place) if core.recorded is not None else None
        self._reached.add(place)
        if row is not None:
            wake: Wake | None = wake_of(row)
        else:
            try:
                wake = self._asked(activation)
            except Exception as error:  # noqa: BLE001 - whatever a node raises is its failure
                self._refused(activation, error)
                return True
        if wake is None:
            return False
        self._begin(activation, wake, restored=row is not None)
        return True

    def _asked(self, activation: Activation) -> Wake | None:
        core, unit = self.core, activation.unit
        node: Any = activation.scope.planned.plan.compiled.nodes[unit.name]
        sink = core.sink(activation.scope)
        place = core.parts.calls.attempts.place(activation)
        ctx = Context(core.run_scope, unit.name, place, sink.log, sink.progress)
        found: Wake | None = node.park(**activation.arguments, ctx=ctx)
        return found

    def _refused(self, activation: Activation, error: Exception) -> None:
        """It cannot say what it waits for. What it is given stays as it is: no use in a retry."""
        calls = self.core.parts.calls
        if activation.result is None and activation.owner is calls:
            calls.told(activation)
        calls.attempts.answered(activation, {}, error, {}, opened=False)

    def _begin(self, activation: Activation, wake: Wake, *, restored: bool) -> None:
        core, scope = self.core, activation.scope
        path, place = activation.unit.path, activation.place
        if activation.result is None and activation.owner is core.parts.calls:
            core.parts.calls.told(activation)
        wait = Wait(activation, wake)
        self.waiting[path, place] = wait
        if not restored:
            core.recording.park(
                WakeRow(
                    node=path,
                    scope=place,
                    kind=wake.kind,
                    due=wake.due,
                    signal=wake.signal,
                    message=wake.message,
                    data=wake.data,
                )
            )
        core.story.say("node_waiting", path, place, told(wake))
        scope.active.discard(activation)
        for signal in self._signals:
            if self._fits(wait, signal.name):
                self._signals.remove(signal)
                self._wake(wait, signal)
                return
        if wake.due is not None:
            delay = max(wake.due - core.clock.time(), 0.0)
            core.after(delay, self._due, wait)

    def _due(self, wait: Wait) -> None:
        activation = wait.activation
        if self.waiting.get((activation.unit.path, activation.place)) is wait:
            self._wake(wait, None)

    def signal(self, plain: dict[str, Any]) -> None:
        """A signal came: the oldest that waits for it goes on, else it is kept."""
        row = SignalRow(
            id=str(plain.get("id") or ""),
            name=str(plain.get("name") or ""),
            payload=plain.get("payload"),
            by=plain.get("by"),
        )
        if row.id and row.id in self._seen:
            return
        self._seen.add(row.id)
        for wait in self.waiting.values():
            if self._fits(wait, row.name):
                self._wake(wait, row)
                return
        self._signals.append(row)

    def kept(self) -> list[SignalRow]:
        """Signals that nothing waits for yet."""
        return list(self._signals)

    def forget(self, row: SignalRow) -> None:
        """A child of the run took a signal."""
        self._signals.remove(row)

    def _fits(self, wait: Wait, name: str) -> bool:
        activation = wait.activation
        at = f"{activation.unit.path}@{activation.place}"
        if name == at or (name == activation.unit.path and wait.wake.kind == "approval"):
            return True
        return wait.wake.signal is not None and name == wait.wake.signal

    def _wake(self, wait: Wait, row: SignalRow | None) -> None:
        activation = wait.activation
        place = activation.unit.path, activation.place
        del self.waiting[place]
        self._woken[place] = wait
        if row is not None:
            wait.taken = row.id
            if self.core.recording.kept:
                self.core.recording.heard[place] = row.id
            activation.signal = Signal(row.name, row.payload, row.by)
        if self.core.gate.closed:
            self.core.gate.later(partial(self._go_on, activation))
        else:
            self._go_on(activation)

    def _go_on(self, activation: Activation) -> None:
        if activation.is_set() or activation.scope.closing:
            return
        if activation.owner is self.core.parts.calls:
            self.core.parts.calls.proceed(activation)
        else:
            activation.owner.woken(activation)

    def over(self, activation: Activation) -> None:
        """A woken activation has ended: its wait, and what ended it, are done with."""
        place = activation.unit.path, activation.place
        wait = self._woken.pop(place, None)
        if wait is not None:
            self.core.recording.unpark(*place)
            if wait.taken:
                self.core.recording.take(wait.taken, place)

    def drop(self, scope: ScopeRun) -> None:
        """A scope is being cancelled: nothing in it waits any more."""
        for place, wait in list(self.waiting.items()):
            if wait.activation.scope is scope:
                del self.waiting[place]
                self.core.recording.unpark(*place)
                self.core.cancelled(wait.activation)
                if wait.activation.owner is not self.core.parts.calls:
                    wait.activation.owner.stopped(wait.activation)

    def next_due(self) -> float | None:
        """When the first of them is due; None when only signals are waited for."""
        due = [wait.wake.due for wait in self.waiting.values() if wait.wake.due is not None]
        return min(due, default=None)

    def listed(self) -> list[dict[str, Any]]:
        """What is waited for, as `run_paused` tells it.

        Of a run that goes on, also what it has not come to again.
        """
        found = {place: wait.wake for place, wait in self.waiting.items()}
        for row in self.core.recorded.waits() if self.core.recorded is not None else ():
            place = row.node, row.scope
            if place not in self._reached and row.kind != "limit" and not self.core.cancelling:
                found.setdefault(place, wake_of(row))
        return [
            {"node": path, "scope": place, **told(wake)} for (path, place), wake in found.items()
        ]


def wake_of(row: WakeRow) -> Wake:
    """What stands in a row of the journal."""
    kind: Literal["timer", "signal", "approval"] = "timer"
    if row.kind != "limit" and row.kind != "attempt":
        kind = row.kind
    return Wake(kind, row.due, row.signal, row.message, row.data)


def told(wake: Wake) -> dict[str, Any]:
    """What an activation waits for, as events tell it."""
    return {
        "kind": wake.kind,
        "due": wake.due,
        "signal": wake.signal,
        "message": wake.message,
        "data": wake.data,
    }
