"""Where a run can be held: before an activation starts, and after it has ended.

Every activation passes here twice, whatever its kind: `before` it starts, with what arrived at its
ports, and `after` it ended, with what its ports gave. What the gate holds stands still until it is
let go; `values` may be replaced meanwhile. All calls come from the run's own thread.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from weft_engine.runs.debug import Command
from weft_engine.runs.engine.scope_run import ScopeRun
from weft_engine.runs.planned import Planned


@dataclass(slots=True, eq=False)
class Stop:
    """An activation at the gate."""

    scope: ScopeRun
    unit: Planned
    place: str
    """The scope's path; for one record of a stream with its number, `loop:3#17`."""
    when: Literal["before", "after"]
    values: dict[str, Any]
    """Port → value: inputs before, outputs after, as they will be used. A stream is `Records`. Of a
    stretch of nodes the ports are named `node.port`."""
    go: Callable[[], None]
    """Lets it go on, with `values` as they are then."""
    edited: list[str] = field(default_factory=list)

    @property
    def at(self) -> str:
        """`node@scope`."""
        return f"{self.unit.path}@{self.place}"


class Gate:
    """Holds the run while it is paused. A debugger overrides `before`, `after` and `command`."""

    watching = False
    """Whether activations are to be shown to `before` and `after` at all."""

    def __init__(self) -> None:
        self.closed = False
        """Nothing new is started while it is."""
        self.reason: Literal["asked", "breakpoint", "step"] = "asked"
        """Why it is closed."""

    def before(self, stop: Stop) -> bool:
        """Whether to hold an activation that is about to start."""
        return False

    def after(self, stop: Stop) -> bool:
        """Whether to hold what an activation gave."""
        return False

    def command(self, command: Command) -> bool:
        """Do what the run is told; False when it is nothing for the gate."""
        if command.kind == "pause":
            if not self.closed:
                self.closed, self.reason = True, "asked"
        elif command.kind == "resume":
            self.closed = False
        else:
            return False
        return True

    @property
    def holds(self) -> bool:
        """Whether activations stand at the gate."""
        return False

    def dropped(self, scope: ScopeRun) -> None:
        """A scope is being cancelled: let go of what stands here, it will not go on."""
