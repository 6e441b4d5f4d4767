"""Where a run can be held: before an activation starts, and after it has ended.

Every activation passes here twice, whatever its kind: `before` it starts, with what arrived at its
ports, and `after` it ended, with what its ports gave. What the gate holds stands still until it is
let go; `values` may be replaced meanwhile. All calls come from the run's own thread.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from weft_engine.runs.debug import Breakpoint, Command
from weft_engine.runs.engine.scope_run import ScopeRun
from weft_engine.runs.planned import Planned

if TYPE_CHECKING:
    from weft_engine.runs.engine.core import Core

When = Literal["before", "after"]
Way = Literal["stop", "go", "wait"]


@dataclass(slots=True, eq=False)
class Stop:
    """An activation at the gate."""

    scope: ScopeRun
    unit: Planned
    place: str
    """The scope's path; for one record of a stream with its number, `loop:3#17`."""
    when: When
    values: dict[str, Any]
    """Port → value: inputs before, outputs after, as they will be used. A stream is `Records`. Of a
    stretch of nodes the ports are named `node.port`."""
    go: Callable[[], None]
    """Lets it go on, with `values` as they are then."""
    keep: Callable[[dict[str, Any]], None] | None = None
    """After: writes down what the activation gave, so that it never runs again."""
    gone: Callable[[], None] | None = None
    """Its scope is being cancelled: it will not go on."""
    edited: list[str] = field(default_factory=list)
    node: str = ""
    """The path that it is told by; of a stretch, the node of it that is meant."""
    reason: Literal["breakpoint", "step", "pause"] = "breakpoint"
    hit: int = 0

    def __post_init__(self) -> None:
        self.node = self.node or self.unit.path

    @property
    def at(self) -> str:
        """`node@scope`."""
        return f"{self.node}@{self.place}"

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is in the journal."""
        return self.unit.path, self.place, self.when


class Gate:
    """Holds the run while it is paused. A debugger overrides `before`, `after` and `command`."""

    watching = False
    """Whether activations are to be shown to `before` and `after` at all."""

    def __init__(self) -> None:
        self._closed = False
        self.reason: Literal["asked", "breakpoint", "step"] = "asked"
        """Why it is closed."""
        self.openings = 0
        """How often it was opened."""
        self._later: dict[Callable[[], None], None] = {}

    def join(self, core: "Core") -> None:
        """Belong to a run from now on."""
        self.core = core

    @property
    def closed(self) -> bool:
        """Nothing new is started while it is."""
        return self._closed

    @closed.setter
    def closed(self, closed: bool) -> None:
        closes = closed and not self._closed
        self._closed = closed
        if closes:
            self.core.parts.children.follow()

    @property
    def said(self) -> Sequence[Breakpoint]:
        """The breakpoints of the run."""
        return self.core.request.breakpoints

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
            self.open()
        else:
            return False
        return True

    def later(self, what: Callable[[], None]) -> None:
        """Do something when the gate opens; once, however often it is asked for."""
        self._later[what] = None

    def open(self) -> None:
        """Activations may start again."""
        self.closed = False
        self.openings += 1
        later, self._later = self._later, {}
        for what in later:
            self.core.post(what)
        self.core.parts.children.follow()

    @property
    def stepping(self) -> bool:
        """Whether the run is on its way to the end of a step."""
        return False

    # Runs that this one called

    def way_into(self, scope: ScopeRun) -> Way:
        """Whether a run that was called, as a scope of this one, is to go on, wait or stop."""
        return "wait" if self.closed else "go"

    @property
    def stands(self) -> bool:
        """Whether an activation of the run itself is stopped here."""
        return False

    def stands_inside(self, path: str, place: str, reason: Any) -> None:
        """Something stands in a run that was called at this path, as this scope."""
        if not self.closed:
            self.reason = reason
            self.closed = True

    def goes_on_inside(self, path: str, place: str) -> None:
        """Nothing stands there any more."""

    def left_inside(self, unit: Planned, scope: ScopeRun, *, stepping: bool) -> None:
        """A run that was called has ended, maybe on the way to the end of a step."""

    # Going on

    @property
    def holds(self) -> bool:
        """Whether activations stand at the gate."""
        return bool(self._later)

    def rest(self) -> bool:
        """Nothing is under way and nothing is ready: whether the gate let something go on."""
        return False

    def awaits(self, path: str, place: str, when: When) -> bool:
        """Whether an activation stood here when the run was left, and is to stand here again."""
        return False

    def dropped(self, scope: ScopeRun) -> None:
        """A scope is being cancelled: let go of what stands here, it will not go on."""

    def give_up(self) -> None:
        """The run is being cancelled: from now on nothing is held."""
        self.watching = False
        self.open()
