"""Who may do what with a flow.

A role comes from the workspace or from a share, whichever is greater. Who made a flow and may
still edit it owns it.
"""

from dataclasses import dataclass

from sqlalchemy import String, bindparam
from sqlalchemy import select as select_rows
from sqlmodel import Session, and_, col, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from weft_server.accounts.principal import Principal
from weft_server.accounts.roles import Role
from weft_server.accounts.tables import Member
from weft_server.errors import Forbidden, Missing, register
from weft_server.flows.tables import Flow, FlowShare
from weft_server.prepared import Prepared

register({"flow.not_found": "There is no such flow, or it is not visible."})


_WHO = bindparam("user_id", type_=String())
_ROLES = Prepared(
    select_rows(col(Flow.workspace_id), col(Flow.created_by), col(Member.role), col(FlowShare.role))
    .select_from(Flow)
    .outerjoin(
        Member,
        and_(col(Member.workspace_id) == col(Flow.workspace_id), col(Member.user_id) == _WHO),
    )
    .outerjoin(
        FlowShare, and_(col(FlowShare.flow_id) == col(Flow.id), col(FlowShare.user_id) == _WHO)
    )
    .where(col(Flow.id) == bindparam("flow_id", type_=String()), col(Flow.deleted_at).is_(None))
)


@dataclass(frozen=True)
class FlowAccess:
    """A flow and what the one who asks may do with it."""

    flow: Flow
    role: Role


def flow_access(
    session: Session, principal: Principal, flow_id: str, at_least: Role = Role.VIEWER
) -> FlowAccess:
    """The flow, if this person may do that much with it.

    Raises:
        Missing: no such flow, deleted, or not visible to this person (404 ``flow.not_found``).
        Forbidden: visible, but the role is too small (403 ``auth.forbidden``).
    """
    flow = session.get(Flow, flow_id)
    role = None if flow is None or flow.deleted_at else _role(session, principal.user_id, flow)
    if flow is None or role is None:
        raise Missing.of("flow", flow_id)
    if not role.at_least(at_least):
        raise Forbidden(
            f"Your role on this flow is {role}; this needs {at_least}.",
            hint="Ask an owner of the workspace for a greater role.",
            params={"role": role.value, "needed": at_least.value},
        )
    return FlowAccess(flow, role)


def may_run(session: Session, principal: Principal, flow_id: str) -> str:
    """The workspace of a flow that this person may run.

    Raises:
        Missing: 404 ``flow.not_found``.
        Forbidden: 403, a viewer.
    """
    row = _ROLES.one(session, {"flow_id": flow_id, "user_id": principal.user_id}).first()
    if row is not None:
        workspace_id, author, in_workspace, shared = tuple(row)
        role = greatest_role(author, principal.user_id, in_workspace, shared)
        if role is not None and role.at_least(Role.EDITOR):
            return str(workspace_id)
    # Refusing well is not in a hurry.
    return flow_access(session, principal, flow_id, Role.EDITOR).flow.workspace_id


def visible_flows(user_id: str) -> SelectOfScalar[str]:
    """Selects the ids of all flows that a person may see."""
    workspaces = select(Member.workspace_id).where(Member.user_id == user_id)
    shared = select(FlowShare.flow_id).where(FlowShare.user_id == user_id)
    return select(Flow.id).where(
        col(Flow.deleted_at).is_(None),
        or_(col(Flow.workspace_id).in_(workspaces), col(Flow.id).in_(shared)),
    )


def greatest_role(author: str, user_id: str, *roles: str | None) -> Role | None:
    """The role that follows from the workspace's and the share's."""
    held = [Role(role) for role in roles if role is not None]
    role = max(held, key=lambda role: role.rank, default=None)
    if role is Role.EDITOR and author == user_id:
        return Role.OWNER
    return role


def _role(session: Session, user_id: str, flow: Flow) -> Role | None:
    member = session.get(Member, (flow.workspace_id, user_id))
    share = session.get(FlowShare, (flow.id, user_id))
    return greatest_role(
        flow.created_by, user_id, member.role if member else None, share.role if share else None
    )
