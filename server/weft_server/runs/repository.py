"""Queries on runs; those that write are called by the journal."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    Table,
    bindparam,
    func,
    insert,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.orm import defer
from sqlmodel import Session, SQLModel, col

from weft_server.accounts.tables import Member, User
from weft_server.flows.access import visible_flows
from weft_server.flows.last_runs import LastRun
from weft_server.flows.tables import Flow, FlowShare
from weft_server.prepared import Prepared
from weft_server.runs import called_runs
from weft_server.runs.called_runs import Call, FrozenFlows, outermost
from weft_server.runs.live import BLANK, UNENDED, Changes
from weft_server.runs.live_nodes import Row
from weft_server.runs.live_rows import thin
from weft_server.runs.tables import RunActivationRow, RunEventRow, RunNodeRow, RunRow
from weft_server.runs.wanted import Wanted


def _table(model: type[SQLModel]) -> Table:
    table: Table = SQLModel.metadata.tables[str(model.__tablename__)]
    return table


_run, _node, _event = _table(RunRow), _table(RunNodeRow), _table(RunEventRow)
_activation = _table(RunActivationRow)

_HEAVY: Final[tuple[Any, ...]] = (
    RunRow.definition, RunRow.counts, RunRow.flows, RunRow.given, RunRow.options,
)  # fmt: skip
_INPUTS: Final[Any] = RunRow.inputs
"""May hold 1 MB, which is shown with its run only."""
_OUTPUTS: Final[Any] = RunNodeRow.outputs
"""May hold 64 KB for each port, which is shown on its own page only."""

# Statements are built once: building one costs more than SQLite takes to carry it out.
_NEXT_NUMBER: Final = (
    select(func.coalesce(func.max(_run.c.number), 0) + 1)
    .where(_run.c.flow_id == bindparam("flow_id"), _run.c.parent_id.is_(None))
    .scalar_subquery()
)
_INSERT_RUN: Final = Prepared(
    insert(_run)
    .values(
        {c.name: bindparam(c.name, type_=c.type) for c in _run.c if c.name != "number"}
        | {"number": _NEXT_NUMBER}
    )
    .returning(_run.c.number)
)
_INSERT_CALLED: Final = Prepared(insert(_run), [c.name for c in _run.c])
_INSERT_EVENT: Final = Prepared(insert(_event), [c.name for c in _event.c])
_INSERT_NODE: Final = Prepared(insert(_node), [c.name for c in _node.c])
_NODE_CHANGES: Final = [c for c in _node.c if not c.primary_key]
_UPDATE_NODE: Final = Prepared(
    update(_node)
    .where(_node.c.run_id == bindparam("of_run"), _node.c.node == bindparam("of_node"))
    .values({c.name: bindparam(c.name, type_=c.type) for c in _NODE_CHANGES})
)
_RUN_CHANGES: Final = (
    "state", "started_at", "ended_at", "duration_ms", "failure", "counts", "last_seq",
    "paused", "stopped", "given",
)  # fmt: skip
_UPDATE_RUN: Final = Prepared(
    update(_run)
    .where(_run.c.id == bindparam("of_run"))
    .values({name: bindparam(name, type_=_run.c[name].type) for name in _RUN_CHANGES})
)


def _put_activation() -> Prepared:
    """Inserts an activation or changes the one that is there: the same text in every database."""
    names = [c.name for c in _activation.c]
    keys = [c.name for c in _activation.c if c.primary_key]
    changed = [name for name in names if name not in (*keys, "seq")]
    # Another server may have stored which values were replaced.
    new = {name: f"excluded.{name}" for name in changed}
    new["edited"] = "COALESCE(excluded.edited, run_activation.edited)"
    statement = text(
        f"INSERT INTO run_activation ({', '.join(names)}) "  # noqa: S608 - names of columns
        f"VALUES ({', '.join(f':{name}' for name in names)}) "
        f"ON CONFLICT ({', '.join(keys)}) DO UPDATE "
        f"SET {', '.join(f'{name} = {value}' for name, value in new.items())}"
    )
    return Prepared(statement.bindparams(*(bindparam(c.name, type_=c.type) for c in _activation.c)))


_PUT_ACTIVATION: Final = _put_activation()


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run with the name of who started it."""

    row: RunRow
    starter: str | None


def add(session: Session, row: Row) -> int:
    """Insert a run; answers its number within its flow."""
    return int(_INSERT_RUN.one(session, BLANK | row).scalar_one())


def add_called(session: Session, row: Row, call: Call, frozen_flows: FrozenFlows) -> int:
    """Insert a run that another one called; answers its number among those."""
    number = called_runs.next_number(session, call.parent)
    definition = frozen_flows.definition(session, call.parent, call.flow)
    _INSERT_CALLED.many(session, [BLANK | row | {"number": number, "definition": definition}])
    return number


def save(session: Session, changes: Changes) -> None:
    """Store what happened to a run: its events, its nodes and itself."""
    if events := changes.event_rows:
        _INSERT_EVENT.many(session, events)
    if changes.new_nodes:
        _INSERT_NODE.many(session, changes.new_nodes)
    if changes.nodes:
        rows = [row | {"of_run": row["run_id"], "of_node": row["node"]} for row in changes.nodes]
        _UPDATE_NODE.many(session, rows)
    if changes.activations:
        _PUT_ACTIVATION.many(session, changes.activations)
    if changes.run is not None:
        _UPDATE_RUN.one(session, changes.run)
    if changes.thin is not None:
        thin(session, changes.thin)


def find(session: Session, run_id: str) -> StoredRun | None:
    """One run."""
    found = session.execute(_with_starter().where(_run.c.id == run_id)).first()
    return None if found is None else StoredRun(found[0], found[1])


def page(session: Session, user_id: str, wanted: Wanted, limit: int) -> list[StoredRun]:
    """Runs of all flows this person may see, newest first; called ones in their order."""
    query = _with_starter().options(defer(_INPUTS))
    query = query.where(_run.c.flow_id.in_(visible_flows(user_id)), *wanted.conditions())
    order = _run.c.id.desc() if wanted.parent is None else _run.c.number
    rows = session.execute(query.order_by(order).limit(limit))
    return [StoredRun(row, starter) for row, starter in rows]


def _with_starter() -> Any:
    return (
        select(RunRow, col(User.name))
        .outerjoin(User, col(User.id) == _run.c.started_by)
        .options(*(defer(column) for column in _HEAVY))
    )


def nodes(session: Session, run_id: str, *, outputs: bool = False) -> Sequence[RunNodeRow]:
    """The nodes of a run; without their outputs unless these are asked for."""
    query = select(RunNodeRow).where(_node.c.run_id == run_id)
    return session.scalars(query if outputs else query.options(defer(_OUTPUTS))).all()


def activation_states(session: Session, run_id: str) -> list[tuple[str, str, int, str]]:
    """Node, scope, number and state of all activations of a run."""
    columns = (_activation.c.node, _activation.c.scope, _activation.c.seq, _activation.c.state)
    rows = session.execute(select(*columns).where(_activation.c.run_id == run_id))
    return [(name, scope, seq, state) for name, scope, seq, state in rows]


def activation(
    session: Session, run_id: str, name: str, scope: str | None
) -> RunActivationRow | None:
    """An activation; the newest of the node when no scope is given."""
    query = select(RunActivationRow).where(
        _activation.c.run_id == run_id, _activation.c.node == name
    )
    if scope is not None:
        query = query.where(_activation.c.scope == scope)
    return session.scalar(query.order_by(_activation.c.seq.desc()).limit(1))


def activations(
    session: Session,
    run_id: str,
    *,
    node: str | None,
    state: str | None,
    after: int,
    limit: int,
) -> list[RunActivationRow]:
    """Activations of a run behind a number, in the order in which they began."""
    query = select(RunActivationRow).where(
        _activation.c.run_id == run_id, _activation.c.seq > after
    )
    if node is not None:
        query = query.where(_activation.c.node == node)
    if state is not None:
        query = query.where(_activation.c.state == state)
    return list(session.scalars(query.order_by(_activation.c.seq).limit(limit)))


def set_breakpoints(session: Session, run_id: str, text: str | None) -> None:
    """Keep where a run is to stop."""
    session.execute(update(_run).where(_run.c.id == run_id).values(breakpoints=text))


def frozen(session: Session, run_id: str) -> RunRow:
    """A run with its definition and all that it was asked for."""
    # The session may know the run already without these.
    return session.get_one(RunRow, run_id, populate_existing=True)


def node(session: Session, run_id: str, name: str) -> RunNodeRow | None:
    """One node of a run."""
    return session.get(RunNodeRow, (run_id, name))


def definition(session: Session, run_id: str) -> str | None:
    """The flow that a run executes, as JSON."""
    return session.scalar(select(_run.c.definition).where(_run.c.id == run_id))


def events(
    session: Session,
    run_id: str,
    *,
    after: int,
    limit: int,
    node: str | None = None,
    kind: str | None = None,
) -> list[RunEventRow]:
    """Events of a run behind a number, in order."""
    query = select(RunEventRow).where(_event.c.run_id == run_id, _event.c.seq > after)
    if node is not None:
        query = query.where(_event.c.node == node)
    if kind is not None:
        query = query.where(_event.c.type == kind)
    return list(session.scalars(query.order_by(_event.c.seq).limit(limit)))


def last_seq(session: Session, run_id: str) -> int:
    """Number of the newest stored event."""
    newest = select(func.coalesce(func.max(_event.c.seq), 0)).where(_event.c.run_id == run_id)
    return int(session.scalar(newest) or 0)


def unended(session: Session) -> list[tuple[RunRow, str | None]]:
    """Runs that a server left behind before they ended, with the names of their starters."""
    query = (
        select(RunRow, col(User.name))
        .outerjoin(User, col(User.id) == _run.c.started_by)
        .where(_run.c.state.in_(UNENDED))
        .order_by(_run.c.id)
    )
    return [(row, name) for row, name in session.execute(query)]


def newest_live(session: Session, flow_id: str) -> tuple[str, str] | None:
    """The newest run of a flow in streaming mode: its id and state."""
    query = (
        select(_run.c.id, _run.c.state)
        .where(_run.c.flow_id == flow_id, _run.c.mode == "streaming", outermost)
        .order_by(_run.c.number.desc())
        .limit(1)
    )
    found = session.execute(query).first()
    return None if found is None else (str(found[0]), str(found[1]))


def newest_outputs(session: Session, flow_id: str) -> dict[str, dict[str, Any]]:
    """What the nodes of a flow gave when each last completed: node → port → reference."""
    latest = (
        select(_node.c.node, func.max(_run.c.number).label("number"))
        .join(_run, _run.c.id == _node.c.run_id)
        .where(_run.c.flow_id == flow_id, _node.c.state == "completed", outermost)
        .group_by(_node.c.node)
        .subquery()
    )
    rows = session.execute(
        select(_node.c.node, _node.c.outputs)
        .join(_run, _run.c.id == _node.c.run_id)
        .join(latest, (latest.c.node == _node.c.node) & (latest.c.number == _run.c.number))
        .where(_run.c.flow_id == flow_id, outermost)
    )
    return {name: json.loads(outputs) for name, outputs in rows if outputs}


def newest_ended(session: Session, flow_id: str) -> str | None:
    """The last run of a flow that has ended."""
    ended = _run.c.state.not_in(UNENDED)
    query = select(_run.c.id).where(_run.c.flow_id == flow_id, ended, outermost)
    return session.scalar(query.order_by(_run.c.number.desc()).limit(1))


def outputs_of(session: Session, run_id: str) -> dict[str, dict[str, Any]]:
    """What the completed nodes of a run gave: node → port → reference."""
    rows = session.execute(
        select(_node.c.node, _node.c.outputs).where(
            _node.c.run_id == run_id, _node.c.state == "completed"
        )
    )
    return {name: json.loads(outputs) for name, outputs in rows if outputs}


def last_runs(session: Session, flow_ids: Sequence[str]) -> dict[str, LastRun]:
    """The newest run of each of these flows; flows that never ran are left out."""
    newest = (
        select(_run.c.flow_id, func.max(_run.c.number))
        .where(_run.c.flow_id.in_(flow_ids), outermost)
        .group_by(_run.c.flow_id)
    )
    rows = session.execute(
        select(_run.c.flow_id, _run.c.id, _run.c.state, _run.c.ended_at).where(
            tuple_(_run.c.flow_id, _run.c.number).in_(newest), outermost
        )
    )
    return {
        flow_id: LastRun(id=run_id, state=state, ended_at=ended_at)
        for flow_id, run_id, state, ended_at in rows
    }


def audible_flows(session: Session, user_id: str, workspace_id: str) -> set[str] | None:
    """The flows of a workspace that a person may hear of; None stands for all of a member's."""
    if session.get(Member, (workspace_id, user_id)) is not None:
        return None
    shared = (
        select(col(FlowShare.flow_id))
        .join(Flow, col(Flow.id) == col(FlowShare.flow_id))
        .where(
            col(FlowShare.user_id) == user_id,
            col(Flow.workspace_id) == workspace_id,
            col(Flow.deleted_at).is_(None),
        )
    )
    return set(session.scalars(shared))
