"""The flows that a flow calls, found when a run starts, so that it executes one frozen whole."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from sqlmodel import Session, col, or_, select

from weft_engine.compiler.problems import Problem
from weft_engine.compiler.rules_calls import circles
from weft_engine.flow.model import Flow
from weft_server.database import Database
from weft_server.errors import Invalid, register
from weft_server.flows.access import visible_flows
from weft_server.flows.tables import Flow as FlowRow
from weft_server.runs.definitions import Checked, Checker, Definitions

CALL: Final = "flow.call"
MOST: Final = 100
"""How many flows one run may call, those they call in turn included."""

register(
    {
        "run.called_flow_missing": "A flow that the run would call is not there, or not visible.",
        "run.called_flow_ambiguous": "Several flows have the name of one that the run would call.",
        "run.too_many_flows": "The run would call too many different flows.",
    }
)


@dataclass(frozen=True, slots=True)
class Found:
    """The flows that a run calls, by the names that the calls give."""

    flows: dict[str, dict[str, Any]]
    ids: dict[str, str]


@dataclass(frozen=True, slots=True)
class CalledFlows:
    """Finds called flows by id, or by their name in the workspace of the flow that is started."""

    database: Database
    definitions: Callable[[], Definitions]
    checker: Checker

    async def of(self, flow: Flow, *, user_id: str | None, workspace_id: str) -> Found:
        """Definitions and ids by the name that the calls give, of calls within calls, too.

        Raises:
            Invalid: 422 `run.called_flow_missing`, also where whoever starts the run may not see
                the flow; `run.called_flow_ambiguous`; `flow.invalid` of a called flow, and of one
                that comes to call itself.
        """
        found: dict[str, dict[str, Any]] = {}
        ids: dict[str, str] = {}
        waiting = list(called_names(flow))
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            if len(found) >= MOST:
                raise Invalid(
                    f"The run would call more than {MOST} flows.",
                    code="run.too_many_flows",
                    hint="Call fewer flows, or make flows out of several.",
                    params={"limit": MOST},
                )
            flow_id = await self.database.query(
                partial(_find, name=name, user_id=user_id, workspace_id=workspace_id)
            )
            called, _ = await self.definitions().definition(flow_id)
            checked = await self.checker.checked(called)
            checked.require_valid()
            found[name], ids[name] = checked.plain, flow_id
            waiting += called_names(called)
        Checked(flow, "", {}, tuple(circles(flow, found))).require_valid()
        return Found(found, ids)

    async def problems(self, flow: Flow, *, flow_id: str, user_id: str) -> list[Problem]:
        """The calls of a flow, as it is being edited, that lead into a circle.

        Flows that are not there, or that this person may not see, are no matter of this.
        """
        waiting = list(called_names(flow))
        if not waiting:
            return []
        workspace = await self.database.query(partial(_workspace, flow_id=flow_id))
        found: dict[str, dict[str, Any]] = {}
        while waiting and len(found) < MOST:
            name = waiting.pop()
            if name in found:
                continue
            find = partial(_find, name=name, user_id=user_id, workspace_id=workspace)
            try:
                called_id = await self.database.query(find)
            except Invalid:
                continue
            called = flow
            if called_id != flow_id:
                called, _ = await self.definitions().definition(called_id)
            found[name] = called.model_dump(mode="json", exclude_defaults=True)
            waiting += called_names(called)
        return circles(flow, found)

    async def require(
        self, names: Iterable[str], ids: Mapping[str, str], *, user_id: str, workspace_id: str
    ) -> None:
        """Make sure that somebody may see the flows that an earlier run called.

        Args:
            names: What the calls name.
            ids: The flows that these names stood for then; by now others may have such a name.
                Runs of earlier versions have none, so theirs are looked for.
            user_id: Who is to see them.
            workspace_id: Where the run was.

        Raises:
            Invalid: 422 `run.called_flow_missing`, `run.called_flow_ambiguous`.
        """
        for name in names:
            flow_id = ids.get(name, name if name.startswith("flw_") else None)
            if flow_id is None:
                find = partial(_find, name=name, user_id=user_id, workspace_id=workspace_id)
                await self.database.query(find)
            elif not await self.database.query(partial(_sees, user_id=user_id, flow_id=flow_id)):
                raise _missing(name)


def called_names(flow: Flow) -> Iterator[str]:
    """The names by which a flow calls others."""
    for node in flow.nodes.values():
        name = node.settings.get("flow")
        if node.type == CALL and not node.disabled and isinstance(name, str) and name:
            yield name


def _workspace(session: Session, flow_id: str) -> str:
    return session.get_one(FlowRow, flow_id).workspace_id


def _find(session: Session, name: str, user_id: str | None, workspace_id: str) -> str:
    ids = session.scalars(
        select(FlowRow.id).where(
            col(FlowRow.id).in_(visible_flows(user_id or "")),
            or_(
                col(FlowRow.id) == name,
                (col(FlowRow.name) == name) & (col(FlowRow.workspace_id) == workspace_id),
            ),
        )
    ).all()
    if name in ids:
        return name
    if len(ids) > 1:
        raise Invalid(
            f"Several flows are called {name!r}.",
            code="run.called_flow_ambiguous",
            hint="Choose the flow again in the settings of the step that calls it.",
            params={"flow": name},
        )
    if not ids:
        raise _missing(name)
    return str(ids[0])


def _sees(session: Session, user_id: str, flow_id: str) -> bool:
    return session.scalar(visible_flows(user_id).where(col(FlowRow.id) == flow_id)) is not None


def _missing(name: str) -> Invalid:
    return Invalid(
        f"The flow {name!r} that is to be called is not there, or you have no access to it.",
        code="run.called_flow_missing",
        hint="Choose another flow, or ask its owner to share it with you.",
        params={"flow": name},
    )
