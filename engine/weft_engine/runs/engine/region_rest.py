"""A container between two attempts: nothing in it is under way, and its time will come."""

from collections.abc import Callable, Mapping
from typing import Any

from weft_engine.runs.engine.activations import Activation
from weft_engine.runs.engine.core import Core
from weft_engine.runs.engine.region_end import tell_end
from weft_engine.runs.engine.scope_run import ScopeRun
from weft_engine.runs.run import NodeState
from weft_engine.runs.tracker import again


class RegionRest:
    """One container that failed and will be tried again."""

    def __init__(self, core: Core, activation: Activation, then: Callable[[], None]) -> None:
        self.core = core
        self.scopes: Mapping[str, ScopeRun] = {}
        """Those of an attempt: there are none between two."""
        self.activation = activation
        self._then = then
        """Begins the next attempt."""

    def begin(self, failure: Mapping[str, Any], delay_s: float) -> None:
        """Write down and tell that an attempt has failed, and wait."""
        core, activation = self.core, self.activation
        path, scope = activation.unit.path, activation.scope
        core.recording.tried(
            path,
            scope.path,
            failure=failure,
            attempt=activation.attempt,
            started=activation.began_at,
            ended=core.clock.time(),
            run=core.request.run_id,
        )
        line = again(activation.attempt, str(failure.get("message", "")), delay_s)
        core.story.log(path, scope.path, "warning", line)
        data = {"attempt": activation.attempt, "delay_s": delay_s, "failure": dict(failure)}
        core.story.say("node_retrying", path, scope.path, data)
        self.wait(delay_s)

    def wait(self, delay_s: float) -> None:
        """Wait for the next attempt, which is counted from now on."""
        self.activation.attempt += 1
        self.core.parts.moments.set(self.activation, "attempt", delay_s, self._come)

    def _come(self) -> None:
        if self.core.gate.closed:
            self.core.gate.later(self._go)
        else:
            self._go()

    def _go(self) -> None:
        scope, unit = self.activation.scope, self.activation.unit
        if scope.regions.get(unit.number) is self:
            self._then()

    def cancel(self) -> None:
        """It is not tried again: what is around it is being stopped."""
        core, activation = self.core, self.activation
        core.parts.moments.clear(activation)
        activation.attempt -= 1  # which never began
        tell_end(core, activation, NodeState.CANCELLED)
        core.look_closed(activation.scope)

    def abandon(self) -> None:
        """Nobody waits for it any more."""
        self.cancel()
