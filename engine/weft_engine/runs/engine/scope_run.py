"""One going through a scope: counters, values, variables. Nothing in it knows of threads."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from weft_engine.nodes.types import SKIP
from weft_engine.runs.engine.records import Records
from weft_engine.runs.planned import Key, Planned, PlannedScope

if TYPE_CHECKING:
    from weft_engine.runs.engine.activations import Activation
    from weft_engine.runs.engine.region_rest import RegionRest
    from weft_engine.runs.engine.region_run import RegionRun


class ScopeRun:
    """A scope under way."""

    __slots__ = (
        "active",
        "cancelled",
        "closing",
        "failure",
        "first",
        "index",
        "inputs",
        "key",
        "left",
        "over",
        "parent",
        "path",
        "planned",
        "poisoned",
        "region",
        "regions",
        "set_by",
        "steady",
        "values",
        "variables",
        "waiting",
    )

    def __init__(
        self,
        planned: PlannedScope,
        path: str = "",
        *,
        parent: "ScopeRun | None" = None,
        region: "RegionRun | None" = None,
        key: str = "",
        variables: Mapping[str, Any] | None = None,
        inputs: Mapping[str, Any] | None = None,
        index: int | None = None,
        steady: bool = False,
    ) -> None:
        self.planned = planned
        self.path = path
        self.parent = parent
        self.region = region
        self.key = key
        self.index = index
        self.inputs = inputs
        """Of a called flow: its inputs."""
        self.steady = steady
        """It is gone through even though everything around is being cancelled."""
        self.waiting = [unit.waits for unit in planned.units]
        self.left = len(planned.units)
        """How many units have not ended."""
        self.values: dict[Key, Any] = {}
        """What ports gave; a port that is not there was not taken."""
        self.variables: Mapping[str, Any] = variables or {}
        """Those that it began with."""
        self.set_by: dict[int, Mapping[str, Any]] = {}
        """Variables by the unit that set them."""
        self.active: set[Activation] = set()
        self.regions: dict[int, RegionRun | RegionRest] = {}
        """Containers at work in it, or between two attempts, by unit."""
        self.cancelled = False
        self.over = False
        self.first = False
        self.failure: dict[str, Any] | None = None
        """The first failure in it that counts."""
        self.poisoned: set[int] = set()
        """Units that failed while others go on: nothing behind them runs."""
        self.closing: Literal["failed", "cancelled", "completed"] | None = None
        """How it will have ended, once nothing in it is under way any more."""

    def let_go(self) -> None:
        """Stop what is under way in it, and say nothing of it: somebody else goes on with it."""
        self.cancelled = True
        for activation in self.active:
            activation.stop()
        for region in self.regions.values():
            for scope in region.scopes.values():
                scope.let_go()

    def is_set(self) -> bool:
        """Whether it is being cancelled."""
        return self.cancelled

    def value(self, key: Key) -> Any:
        """What a port gave; `SKIP` when it was not taken."""
        return self.values.get(key, SKIP)

    def capture(self) -> None:
        """Take over from the scopes around what is read here."""
        container = self.planned.plan.container
        for name, ports in self.planned.plan.given.items():
            if name == container:
                continue
            for port in ports:
                around = self.parent
                while around is not None:
                    if (name, port) in around.values:
                        self.values[name, port] = around.values[name, port]
                        break
                    around = around.parent

    def arguments(self, unit: Planned) -> dict[str, Any] | None:
        """What arrived at a unit's ports; None when something required was skipped."""
        values = self.values
        found: dict[str, Any] = {}
        for slot in unit.slots:
            value: Any
            if slot.multiple:
                live = [
                    value
                    for key, how in zip(slot.keys, slot.hows, strict=True)
                    if (value := _arrived(values.get(key, SKIP), how)) is not SKIP
                ]
                value = live or SKIP
            else:
                value = values.get(slot.keys[0], SKIP)
                if slot.hows[0] == "collect":
                    value = _arrived(value, "collect")
            if value is not SKIP:
                found[slot.name] = value
            elif slot.required:
                return None
        return found

    def variables_of(self, unit: Planned) -> Mapping[str, Any]:
        """The variables as a unit sees them: what units before it set, in the order of the flow."""
        if not self.set_by:
            return self.variables
        found = dict(self.variables)
        for number in unit.before:
            found.update(self.set_by.get(number, {}))
        return found

    def set_variables(self) -> dict[str, Any]:
        """All variables that were set in it."""
        found: dict[str, Any] = {}
        units = self.planned.units
        for number in sorted(self.set_by, key=lambda number: units[number].place):
            found.update(self.set_by[number])
        return found

    def before(self, unit: Planned) -> dict[str, Any]:
        """Single values that nodes before a unit gave, also of the scopes around."""
        found: dict[str, Any] = {}
        parent, region = self.parent, self.region
        if parent is not None and region is not None and self.inputs is parent.inputs:
            found = parent.before(region.unit)
        names = {name for number in unit.before for name in self.planned.units[number].unit.nodes}
        by_node: dict[str, dict[str, Any]] = {}
        for (name, port), value in self.values.items():
            if name in names and not isinstance(value, Records):
                by_node.setdefault(name, {})[port] = value
        for name, ports in by_node.items():
            several = len(self.planned.plan.compiled.wiring.nodes[name].outputs) > 1
            found[name] = ports if several else next(iter(ports.values()))
        return found


def _arrived(value: Any, how: str) -> Any:
    """What arrives by an edge: a stream that a list is made of is read as a whole."""
    return value.listed() if how == "collect" and isinstance(value, Records) else value
