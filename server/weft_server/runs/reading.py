"""Looking at runs: one, many, their events and activations."""

import json
import re
from dataclasses import replace
from typing import Any, Final

from sqlmodel import Session

from weft_server.accounts.principal import Principal
from weft_server.database import Database
from weft_server.errors import Malformed
from weft_server.flows.access import flow_access
from weft_server.runs import called_runs, repository
from weft_server.runs.access import run_access
from weft_server.runs.schemas import ActivationPage, RunEventPage, RunInfo, RunPage
from weft_server.runs.views import event_of_row, of_activation_row, of_row
from weft_server.runs.wanted import Wanted

_RUN: Final = re.compile(r"run_[0-9A-Z]{26}")
_NUMBER: Final = re.compile(r"[0-9]{1,9}")  # what an INTEGER of every database holds


class RunReader:
    """Reads from disk even what is under way: nobody sees what a crash could take back."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def info(self, principal: Principal, run_id: str) -> RunInfo:
        """A run as it is now.

        Raises:
            Missing: 404 `run.not_found`.
        """

        def read(session: Session) -> RunInfo:
            stored = run_access(session, principal, run_id)
            called = called_runs.counts(session, [run_id])
            nodes = repository.nodes(session, run_id)
            info = of_row(stored, nodes, children=called.get(run_id, 0))
            return info.model_copy(update={"last_seq": repository.last_seq(session, run_id)})

        return await self._database.query(read)

    async def definition(self, principal: Principal, run_id: str) -> dict[str, Any]:
        """The flow that a run executes, or executed.

        Raises:
            Missing: 404 `run.not_found`.
        """

        def read(session: Session) -> dict[str, Any]:
            run_access(session, principal, run_id)
            found: dict[str, Any] = json.loads(repository.definition(session, run_id) or "{}")
            return found

        return await self._database.query(read)

    async def page(self, principal: Principal, wanted: Wanted, limit: int) -> RunPage:
        """Runs of the flows this person may see, newest first; called ones in their order.

        Raises:
            Malformed: 400 `request.bad_cursor`.
            Missing: 404 `flow.not_found`; `run.not_found` of the run that called them.
        """
        cursor = wanted.before
        form = _RUN if wanted.parent is None else _NUMBER
        if cursor is not None and not form.fullmatch(cursor):
            raise _bad_cursor()
        if wanted.parent is not None:
            wanted = replace(wanted, before=None, after=int(cursor or 0))

        def read(session: Session) -> list[RunInfo]:
            if wanted.flow_id is not None:
                flow_access(session, principal, wanted.flow_id)
            if wanted.parent is not None:
                run_access(session, principal, wanted.parent)
            found = repository.page(session, principal.user_id, wanted, limit + 1)
            called = called_runs.counts(session, [stored.row.id for stored in found])
            return [of_row(stored, children=called.get(stored.row.id, 0)) for stored in found]

        found = await self._database.query(read)
        items = found[:limit]
        if len(found) <= limit:
            return RunPage(items=items, next_cursor=None)
        last = items[-1]
        return RunPage(
            items=items, next_cursor=last.id if wanted.parent is None else str(last.number)
        )

    async def events(
        self, principal: Principal, run_id: str, *, after: int, limit: int
    ) -> RunEventPage:
        """Stored events of a run behind a number."""

        def read(session: Session) -> list[dict[str, Any]]:
            run_access(session, principal, run_id)
            rows = repository.events(session, run_id, after=after, limit=limit)
            return [event_of_row(row) for row in rows]

        items = await self._database.query(read)
        return RunEventPage(
            items=items, next_after=items[-1]["seq"] if len(items) == limit else None
        )

    async def activations(
        self,
        principal: Principal,
        run_id: str,
        *,
        node: str | None,
        state: str | None,
        cursor: str | None,
        limit: int,
    ) -> ActivationPage:
        """Activations of a run in the order in which they began.

        Raises:
            Malformed: 400 `request.bad_cursor`.
            Missing: 404 `run.not_found`.
        """
        if cursor is not None and not _NUMBER.fullmatch(cursor):
            raise _bad_cursor()
        after = int(cursor or 0)

        def read(session: Session) -> ActivationPage:
            run_access(session, principal, run_id)
            rows = repository.activations(
                session, run_id, node=node, state=state, after=after, limit=limit + 1
            )
            given = repository.outputs_of(session, run_id)
            shown = rows[:limit]
            return ActivationPage(
                items=[of_activation_row(row, given.get(row.node, {})) for row in shown],
                next_cursor=str(shown[-1].seq) if len(rows) > limit else None,
            )

        return await self._database.query(read)


def _bad_cursor() -> Malformed:
    return Malformed(
        "The cursor does not come from this list.",
        code="request.bad_cursor",
        hint="Start again without a cursor.",
    )
