"""What can be done with flows as a whole."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import Session

from weft_engine.flow.model import Flow as FlowModel
from weft_engine.nodes.catalogue import Catalogue
from weft_server.accounts.people import user_info
from weft_server.accounts.principal import Principal
from weft_server.accounts.repository import user_by_email
from weft_server.accounts.roles import Role
from weft_server.accounts.tables import Member
from weft_server.accounts.workspaces import require_role, when_somebody_leaves
from weft_server.database import utc_now
from weft_server.errors import Conflict, invalid_field, register
from weft_server.flows import repository
from weft_server.flows.access import FlowAccess, flow_access, greatest_role
from weft_server.flows.documents import DocumentStore
from weft_server.flows.last_runs import LastRun, LastRuns
from weft_server.flows.previews import preview_of
from weft_server.flows.schemas import (
    Author,
    FlowInfo,
    FlowList,
    Preview,
    Share,
    ShareBody,
    ShareList,
)
from weft_server.flows.tables import Flow, FlowShare
from weft_server.ids import new_id

register(
    {
        "flow.no_workspace": "There is no workspace in which this person may make flows.",
        "share.unknown_person": "Nobody with this e-mail address has an account.",
        "share.role": "A flow is shared with viewers and editors.",
    }
)


def list_flows(
    session: Session,
    principal: Principal,
    last_runs: LastRuns,
    *,
    workspace_id: str | None,
    query: str,
    limit: int,
    cursor: str | None,
) -> FlowList:
    """A page of the flows that a person sees."""
    if workspace_id is not None:
        require_role(session, principal, workspace_id)
    rows = repository.list_flows(
        session,
        principal.user_id,
        workspace_id=workspace_id,
        query=query,
        limit=limit + 1,
        cursor=cursor,
    )
    page = rows[:limit]
    runs = last_runs(session, [flow.id for flow, *_ in page])
    items = []
    for flow, member_role, share_role, author in page:
        role = (
            greatest_role(flow.created_by, principal.user_id, member_role, share_role)
            or Role.VIEWER
        )
        items.append(_info(flow, role, author, runs.get(flow.id)))
    more = len(rows) > limit
    return FlowList(items=items, next_cursor=repository.write_cursor(page[-1][0]) if more else None)


def get_flow(session: Session, principal: Principal, last_runs: LastRuns, flow_id: str) -> FlowInfo:
    """What is known of one flow."""
    access = flow_access(session, principal, flow_id)
    return info_of(session, access, last_runs(session, [flow_id]))


def info_of(
    session: Session, access: FlowAccess, runs: Mapping[str, LastRun] | None = None
) -> FlowInfo:
    """A flow as an answer."""
    author = repository.author_name(session, access.flow.created_by)
    return _info(access.flow, access.role, author, (runs or {}).get(access.flow.id))


def target_workspace(session: Session, principal: Principal, workspace_id: str | None) -> str:
    """The workspace a new flow goes into: the one asked for, else the person's oldest."""
    if workspace_id is not None:
        require_role(session, principal, workspace_id, Role.EDITOR)
        return workspace_id
    found = repository.first_workspace(session, principal.user_id)
    if found is None:
        raise Conflict(
            "You have no workspace in which you may make flows.",
            code="flow.no_workspace",
            hint="Make a workspace, or ask an owner of one to make you an editor.",
        )
    return found


def workspace_of_copy(
    session: Session, principal: Principal, source: Flow, workspace_id: str | None
) -> str:
    """Where a copy goes: beside its original if one may write there."""
    if workspace_id is None:
        member = session.get(Member, (source.workspace_id, principal.user_id))
        if member is not None and Role(member.role).at_least(Role.EDITOR):
            return source.workspace_id
    return target_workspace(session, principal, workspace_id)


def create_flow(
    session: Session,
    documents: DocumentStore,
    catalogue: Catalogue,
    *,
    workspace_id: str,
    user_id: str,
    flow: FlowModel,
) -> Flow:
    """Make a flow with its document, in the caller's transaction."""
    row = Flow(
        id=new_id("flw"),
        workspace_id=workspace_id,
        name=flow.name,
        description=flow.description or "",
        mode=flow.mode,
        created_by=user_id,
        thumbnail=preview_of(flow, catalogue),
    )
    session.add(row)
    session.flush()
    documents.create(session, row.id, flow)
    return row


def change_flow(
    session: Session, principal: Principal, flow_id: str, changes: Mapping[str, Any]
) -> FlowInfo:
    """Write a new name or description into the row; the document has it already."""
    access = flow_access(session, principal, flow_id, Role.EDITOR)
    for field, value in changes.items():
        setattr(access.flow, field, value)
    access.flow.updated_at = utc_now()
    session.add(access.flow)
    return info_of(session, access)


def delete_flow(session: Session, principal: Principal, flow_id: str) -> Flow:
    """Take a flow out of sight; its data stays."""
    access = flow_access(session, principal, flow_id, Role.OWNER)
    access.flow.deleted_at = utc_now()
    session.add(access.flow)
    return access.flow


def update_preview(session: Session, flow_id: str, flow: FlowModel, catalogue: Catalogue) -> None:
    """Bring the row up to date with the document: name, description, mode and thumbnail.

    The rooms call this when a document was stored.
    """
    row = session.get(Flow, flow_id)
    if row is None:
        return
    row.name = flow.name
    row.description = flow.description or ""
    row.mode = flow.mode
    row.thumbnail = preview_of(flow, catalogue)
    row.updated_at = utc_now()
    session.add(row)


def list_shares(session: Session, principal: Principal, flow_id: str) -> ShareList:
    """With whom a flow is shared."""
    flow_access(session, principal, flow_id)
    return ShareList(
        items=[
            Share(user=user_info(user), role=Role(role))
            for user, role in repository.shares_of(session, flow_id)
        ]
    )


def replace_shares(
    session: Session, principal: Principal, flow_id: str, shares: Sequence[ShareBody]
) -> tuple[ShareList, set[str]]:
    """Share a flow with exactly these people; also the ids of those whose role changed."""
    flow_access(session, principal, flow_id, Role.OWNER)
    before = {user.id: role for user, role in repository.shares_of(session, flow_id)}
    after = {_person(session, share): share.role.value for share in shares}
    repository.drop_shares(session, flow_id)
    for user_id, role in after.items():
        session.add(FlowShare(flow_id=flow_id, user_id=user_id, role=role))
    session.flush()
    changed = {user_id for user_id in before | after if before.get(user_id) != after.get(user_id)}
    return list_shares(session, principal, flow_id), changed


@when_somebody_leaves
def _end_shares(session: Session, workspace_id: str, user_id: str) -> None:
    """Whoever leaves a workspace keeps no way into its flows, not even one they made themselves."""
    repository.drop_shares_in(session, workspace_id, user_id)


def _person(session: Session, share: ShareBody) -> str:
    if share.role is Role.OWNER:
        raise invalid_field(
            "role",
            "A flow is shared with viewers and editors.",
            code="share.role",
            hint="Owners of the workspace own its flows.",
        )
    user = user_by_email(session, share.email)
    if user is None:
        raise invalid_field(
            "email",
            f"Nobody with the address {share.email} has an account here.",
            code="share.unknown_person",
            hint="Invite them to a workspace first.",
            email=share.email,
        )
    return user.id


def _info(flow: Flow, role: Role, author: str, last_run: LastRun | None) -> FlowInfo:
    return FlowInfo(
        id=flow.id,
        workspace_id=flow.workspace_id,
        name=flow.name,
        description=flow.description,
        mode=flow.mode,
        role=role,
        created_at=flow.created_at,
        updated_at=flow.updated_at,
        created_by=Author(id=flow.created_by, name=author),
        last_run=last_run,
        preview=Preview.model_validate(flow.thumbnail or {}),
    )
