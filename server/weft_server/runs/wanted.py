"""Which runs a list shows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Table, or_, select
from sqlmodel import SQLModel, col

from weft_server.flows.tables import Flow
from weft_server.runs.called_runs import outermost

_run: Final[Table] = SQLModel.metadata.tables["run"]
_LONGEST_NUMBER: Final = 10


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the runs of a list have in common; None stands for anything."""

    flow_id: str | None = None
    state: str | None = None
    started_by: str | None = None
    begin: datetime | None = None
    """Created at this moment or later."""
    end: datetime | None = None
    """Created before this moment."""
    trigger: str | None = None
    """A trigger node; `any`: started by events, `none`: by people."""
    text: str | None = None
    """In the name of the flow, the number, the id or the failure."""
    before: str | None = None
    parent: str | None = None
    """Runs that this one called, in their order, behind the number `after`; else only runs that no
    other one called."""
    after: int = 0
    node: str | None = None
    """Of called runs: the path of the node that called them."""
    scope: str | None = None
    """In which of its activations: `loop:3`."""

    def conditions(self) -> Iterator[Any]:
        """The conditions on the table of runs."""
        equal = {
            _run.c.flow_id: self.flow_id,
            _run.c.state: self.state,
            _run.c.started_by: self.started_by,
        }
        yield from (column == value for column, value in equal.items() if value is not None)
        if self.parent is None:
            yield outermost
        else:
            yield _run.c.parent_id == self.parent
            yield _run.c.number > self.after
            yield from self._calls()
        if self.begin is not None:
            yield _run.c.created_at >= self.begin
        if self.end is not None:
            yield _run.c.created_at < self.end
        if self.trigger in ("any", "none"):
            there = _run.c.trigger_node.is_not(None)
            yield there if self.trigger == "any" else ~there
        elif self.trigger is not None:
            yield _run.c.trigger_node == self.trigger
        if self.before is not None:
            yield _run.c.id < self.before
        for word in (self.text or "").split():
            yield _has_word(word)

    def _calls(self) -> Iterator[Any]:
        if self.node is not None:
            yield _run.c.parent_node == self.node
        if self.node is not None and self.scope is not None:
            # Each attempt of a call is a scope in that of the node: `loop:3/call:0`.
            name = self.node.rpartition("/")[2]
            around = f"{self.scope}/" if self.scope else ""
            yield _run.c.parent_scope.startswith(f"{around}{name}:", autoescape=True)


def _has_word(word: str) -> Any:
    """Whether a run, its failure or its flow has a word."""
    named = select(col(Flow.id)).where(col(Flow.name).icontains(word, autoescape=True))
    found = [
        _run.c.flow_id.in_(named),
        _run.c.failure.icontains(word, autoescape=True),
        _run.c.id == word,
    ]
    number = word.removeprefix("#")
    if number.isascii() and number.isdigit() and len(number) < _LONGEST_NUMBER:
        found.append(_run.c.number == int(number))
    return or_(*found)
