"""Units that are containers: when they start, and with what."""

from functools import partial
from typing import Any

from weft_engine.nodes.types import SKIP
from weft_engine.runs.engine.activations import Activation
from weft_engine.runs.engine.core import Core
from weft_engine.runs.engine.records import Records, records_of
from weft_engine.runs.engine.region_rest import RegionRest
from weft_engine.runs.engine.region_run import RegionRun
from weft_engine.runs.engine.scope_run import ScopeRun
from weft_engine.runs.planned import Planned, Slot


class Regions:
    """Starts containers, for the first time and again."""

    def __init__(self, core: Core) -> None:
        self.core = core

    def start(self, scope: ScopeRun, unit: Planned) -> None:
        """Everything before it has ended."""
        core = self.core
        if unit.node.pinned is not None:
            core.parts.calls.pinned(scope, unit, unit.node.pinned)
            return
        if unit.node.disabled:
            core.skip(scope, unit, "disabled")
            return
        for slot in unit.slots:
            if slot.required and all(scope.value(key) is SKIP for key in slot.keys):
                core.skip(scope, unit)
                return
        values = {slot.name: _arrived(scope, slot) for slot in unit.slots}
        if core.request.overrides and not scope.path:
            given = core.request.overrides.get(unit.name, {})
            values |= {name: _like(value, values.get(name)) for name, value in given.items()}
        if core.gate.watching and core.at_gate(
            scope, unit, scope.path, "before", values, partial(self._begin, scope, unit)
        ):
            return
        self._begin(scope, unit, values)

    def _begin(self, scope: ScopeRun, unit: Planned, values: dict[str, Any]) -> None:
        core = self.core
        activation = Activation(scope, unit, values, owner=self)
        tried = core.recorded.tried(unit.path, scope.path) if core.recorded is not None else None
        if tried is not None and core.recorded is not None:
            activation.attempt = tried.attempt
            activation.earlier = core.recorded.tried_elsewhere(
                unit.path, scope.path, core.request.run_id
            )
        activation.quiet = core.story.quiet(unit.path, scope.path)
        activation.began = core.clock.monotonic()
        activation.began_at = core.clock.time()
        data: dict[str, Any] = {}
        if tried is not None or unit.policy.max_attempts > 1:
            attempt = activation.attempt + (tried is not None)
            attempts = unit.policy.max_attempts + activation.earlier
            data = {"attempt": attempt, "attempts": attempts}
        activation.result = core.story.began(unit, scope.path, quiet=activation.quiet, **data)
        activation.result.count_in = 1 if unit.slots else 0
        if tried is None:
            self._go(activation)
            return
        delay = unit.policy.delay(tried.attempt)
        left = max(tried.ended + delay - core.clock.time(), 0.0)
        self._rest(activation).wait(left)

    def _go(self, activation: Activation) -> None:
        region = RegionRun(self.core, activation)
        activation.scope.regions[activation.unit.number] = region
        region.begin()

    def again(self, activation: Activation, failure: dict[str, Any], delay_s: float) -> None:
        """An attempt has failed, and nothing of it is under way: the next one is a fresh start."""
        self._rest(activation).begin(failure, delay_s)

    def _rest(self, activation: Activation) -> RegionRest:
        rest = RegionRest(self.core, activation, partial(self._go, activation))
        activation.scope.regions[activation.unit.number] = rest
        return rest


def _like(value: Any, before: Any) -> Any:
    """A list in the place of a stream is its records."""
    stream = isinstance(before, Records) and isinstance(value, list)
    return records_of(value) if stream else value


def _arrived(scope: ScopeRun, slot: Slot) -> Any:
    """What arrived at an outer input of a container."""
    values: list[Any] = []
    for key, how in zip(slot.keys, slot.hows, strict=True):
        value = scope.value(key)
        if how == "collect" and isinstance(value, Records):
            value = value.listed()
        values.append(value)
    if not slot.multiple:
        return values[0]
    return [value for value in values if value is not SKIP] or SKIP
