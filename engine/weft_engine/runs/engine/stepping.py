"""Steps: which activation ends one, which go on meanwhile, and which wait.

A step follows the scope of the activation that it began at. What happens deeper inside goes on;
what happens elsewhere, in other iterations of a loop, say, waits.
"""

from dataclasses import dataclass
from typing import Literal

from weft_engine.runs.engine.gate import Stop, Way
from weft_engine.runs.engine.scope_run import ScopeRun
from weft_engine.runs.planned import Planned

Kind = Literal["step_over", "step_into", "step_out"]


@dataclass(slots=True)
class Step:
    """A step under way."""

    home: ScopeRun | None = None
    """The next activation in this scope ends it; in any, when there is none."""
    inside: tuple[ScopeRun, Planned] | None = None
    """So does the next one in a scope that this container of that scope opens."""

    def way(self, stop: Stop) -> Way:
        """What becomes of an activation that is about to start."""
        return "stop" if stop.scope is self.home else self.way_into(stop.scope)

    def way_into(self, scope: ScopeRun) -> Way:
        """What becomes of what starts in a scope other than that in which it ends."""
        if self.home is None:
            return "stop"
        if self.inside is not None and _opened_by(scope, *self.inside):
            return "stop"
        return "go" if _lies_in(scope, self.home) else "wait"

    def widen(self) -> bool:
        """Of a scope that is over, go out to the container: its next scope, or what follows it.

        Returns:
            Whether it was over.
        """
        before = self.home
        while self.home is not None and self.home.over:
            over, self.home = self.home, self.home.parent
            if self.home is not None and over.region is not None:
                self.inside = (self.home, over.region.unit)
        return self.home is not before


def step_from(kind: Kind, stop: Stop) -> Step | None:
    """The step from a stopped activation; None to go out of the outermost scope."""
    scope = stop.scope
    if kind == "step_out":
        return Step(scope.parent) if scope.parent is not None else None
    enters = kind == "step_into" and stop.when == "before" and stop.unit.unit.kind == "container"
    return Step(scope, (scope, stop.unit) if enters else None)


def _opened_by(scope: ScopeRun, around: ScopeRun, unit: Planned) -> bool:
    return scope.parent is around and scope.region is not None and scope.region.unit is unit


def _lies_in(scope: ScopeRun, around: ScopeRun) -> bool:
    found: ScopeRun | None = scope
    while found is not None:
        if found is around:
            return True
        found = found.parent
    return False
