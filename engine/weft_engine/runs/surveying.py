"""What a run takes over of an earlier one, with the runs that both call."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from weft_engine.compiler.program import Program
from weft_engine.errors import FlowError
from weft_engine.runs.context import in_attempt
from weft_engine.runs.engine.children import child_id
from weft_engine.runs.forking import Fork
from weft_engine.runs.journal.base import RunEntry, StepRow
from weft_engine.runs.levels import later_rounds, round_of
from weft_engine.runs.run import RunRequest
from weft_engine.runs.streaming.places import Places
from weft_engine.runs.survey import Again, Effect, Survey
from weft_engine.runs.takeover import Takeover


def survey(
    kept: Takeover,
    request: RunRequest,
    program: Program,
    former: RunEntry,
    reused: Iterable[str] = (),
) -> Survey:
    """What is taken over, and what is done again; nothing is run.

    Raises:
        FlowError: `run.unknown_node`.
        JournalError: the journal cannot be read.
    """
    fork = kept.compared(request, program, former)
    found, steps = fork.survey(reused), kept.store.steps(former.id)
    below: dict[str, list[Survey]] = {}
    going_on = fork.children() if request.retry else {}
    for path, name in fork.calls():
        for scope in _rounds(path, steps):
            own = _child_scope(path, scope, steps)
            child = kept.store.entry(child_id(former.id, path, own))
            if child is None or fork.holds(path, scope):
                continue
            goes_on = path in going_on and not later_rounds(path, own) & {*going_on[path]}
            one = _of_child(kept, request, child, name, taken_over=goes_on)
            if one is not None:
                below.setdefault(path, []).append(one)
    for path, surveys in below.items():
        found = _with(found, path, _together(surveys))
    return found


def of_live(data: Path, request: RunRequest, former: RunEntry | None) -> Survey:
    """What a live run goes on with: the state of the one before, as its last checkpoint has it.

    Args:
        data: The data directory.
        request: What is to be run; `continues` says which state it takes.
        former: The run before.
    """
    kept = False
    if request.continues is not None:
        places = Places(data, request.stream or request.run_id, request.continues)
        kept = places.checkpoints.exists() and any(places.checkpoints.rglob("*"))
    known = (former.request.flow.get("nodes") or {}) if former is not None else {}
    return Survey(
        again=[
            Again(node=name, reason="anew" if not kept else "goes_on" if name in known else "new")
            for name in request.flow.get("nodes") or {}
        ]
    )


def _of_child(
    kept: Takeover, request: RunRequest, child: RunEntry, name: str, *, taken_over: bool
) -> Survey | None:
    """Of one run that was called, and is again."""
    data = request.flows.get(name)
    if data is None:
        return None
    again = msgspec.structs.replace(
        child.request,
        flow=data,
        flows=request.flows,
        breakpoints=[],
        forked_from=child.id,
        retry=True,
        apart=[],
    )
    try:
        if taken_over:
            again = kept.prepared(again, child)
            return survey(kept, again, kept.program_of(again), child)
        program = kept.program_of(again)
    except FlowError:
        return None  # it fails again before it does anything
    steps = kept.store.steps(child.id)
    afresh = Fork(again, program, child, steps, None, kept.catalogue).survey()
    return Survey(effects=afresh.effects)


def _rounds(path: str, steps: Iterable[StepRow]) -> Iterator[str]:
    """Where a node may have been activated: in all rounds in which something was, beside it."""
    around = path.rpartition("/")[0]
    rounds = {round_of(row.scope) for row in steps if row.node.rpartition("/")[0] == around}
    yield from sorted(rounds | ({""} if not around else set()))


def _child_scope(path: str, scope: str, steps: Iterable[StepRow]) -> str:
    """The scope of what was called last by an activation."""
    tried = [
        row.attempt
        for row in steps
        if row.kind == "retry" and (row.node, row.scope) == (path, scope)
    ]
    own = f"{path.rpartition('/')[2]}:0{in_attempt(max(tried, default=0) + 1)}"
    return f"{scope}/{own}" if scope else own


def _together(surveys: list[Survey]) -> Survey:
    """Of all runs that one node called."""
    taken = {path for one in surveys for path in one.taken_over}
    again: dict[str, Again] = {}
    effects: dict[str, int] = {}
    for one in surveys:
        for each in one.again:
            known = again.get(each.node)
            again[each.node] = (
                each
                if known is None
                else msgspec.structs.replace(known, kept=known.kept + each.kept)
            )
        for effect in one.effects:
            effects[effect.node] = effects.get(effect.node, 0) + effect.times
    return Survey(
        taken_over=sorted(taken - again.keys()),
        again=list(again.values()),
        effects=[Effect(node=node, times=times) for node, times in effects.items()],
    )


def _with(found: Survey, path: str, below: Survey) -> Survey:
    """The survey with that of what a node called, which stands behind it."""
    here = [
        msgspec.structs.replace(
            each,
            node=f"{path}/{each.node}",
            because=f"{path}/{each.because}" if each.because else None,
        )
        for each in below.again
    ]
    at = next((i + 1 for i, each in enumerate(found.again) if each.node == path), 0)
    return Survey(
        taken_over=[*found.taken_over, *(f"{path}/{each}" for each in below.taken_over)],
        again=[*found.again[:at], *here, *found.again[at:]],
        effects=[
            *found.effects,
            *(Effect(node=f"{path}/{each.node}", times=each.times) for each in below.effects),
        ],
    )
