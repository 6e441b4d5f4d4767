"""What starts the units of a run, by their kinds, and what these wait for."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weft_engine.runs.engine.scope_run import ScopeRun
from weft_engine.runs.planned import Planned

if TYPE_CHECKING:
    from weft_engine.runs.engine.call_units import CallUnits
    from weft_engine.runs.engine.children import Children
    from weft_engine.runs.engine.map_units import MapUnits
    from weft_engine.runs.engine.moments import Moments
    from weft_engine.runs.engine.regions import Regions
    from weft_engine.runs.engine.stream_units import StreamUnits
    from weft_engine.runs.engine.waiting import Waits


@dataclass(slots=True)
class Parts:
    """The kinds of unit, each with what starts it."""

    calls: "CallUnits"
    streams: "StreamUnits"
    maps: "MapUnits"
    regions: "Regions"
    waits: "Waits"
    moments: "Moments"
    children: "Children"

    def skip(self, scope: ScopeRun, unit: Planned) -> None:
        """Nothing of a unit runs, because something before it failed."""
        if unit.unit.kind == "stream":
            self.streams.skip(scope, unit)
        else:
            self.calls.core.skip(scope, unit, "input_failed")
