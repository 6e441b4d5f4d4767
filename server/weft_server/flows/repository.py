"""Queries on flows."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlmodel import Session, and_, col, delete, or_, select

from weft_server.accounts.roles import Role
from weft_server.accounts.tables import Member, User
from weft_server.errors import Malformed
from weft_server.flows.access import visible_flows
from weft_server.flows.tables import Flow, FlowShare

FlowRow = tuple[Flow, str | None, str | None, str]
"""A flow, the role in its workspace, the role it is shared with, and the name of its author."""


def list_flows(
    session: Session,
    user_id: str,
    *,
    workspace_id: str | None,
    query: str,
    limit: int,
    cursor: str | None,
) -> Sequence[FlowRow]:
    """A page of the flows that a person sees, the last changed first."""
    statement = (
        select(Flow, Member.role, FlowShare.role, User.name)
        .join(User, col(User.id) == col(Flow.created_by))
        .outerjoin(
            Member,
            and_(
                col(Member.workspace_id) == col(Flow.workspace_id), col(Member.user_id) == user_id
            ),
        )
        .outerjoin(
            FlowShare,
            and_(col(FlowShare.flow_id) == col(Flow.id), col(FlowShare.user_id) == user_id),
        )
        .where(col(Flow.id).in_(visible_flows(user_id)))
    )
    if workspace_id is not None:
        statement = statement.where(Flow.workspace_id == workspace_id)
    for word in query.split():
        statement = statement.where(
            or_(
                col(Flow.name).icontains(word, autoescape=True),
                col(Flow.description).icontains(word, autoescape=True),
            )
        )
    if cursor:
        at, flow_id = read_cursor(cursor)
        statement = statement.where(
            or_(
                col(Flow.updated_at) < at,
                and_(col(Flow.updated_at) == at, col(Flow.id) < flow_id),
            )
        )
    order = (col(Flow.updated_at).desc(), col(Flow.id).desc())
    return session.exec(statement.order_by(*order).limit(limit)).all()


def write_cursor(flow: Flow) -> str:
    """The place in the list after a flow."""
    place = json.dumps([flow.updated_at.isoformat(), flow.id])
    return urlsafe_b64encode(place.encode()).rstrip(b"=").decode()


def read_cursor(cursor: str) -> tuple[datetime, str]:
    """The place in the list that a cursor names."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        at, flow_id = json.loads(urlsafe_b64decode(padded.encode("ascii")))
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None or not isinstance(flow_id, str):
            raise ValueError(cursor)
        flow_id.encode()
        return moment.astimezone(UTC), flow_id
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise Malformed(
            "The cursor does not come from this list.",
            code="request.bad_cursor",
            hint="Start again without a cursor.",
        ) from None


def first_workspace(session: Session, user_id: str) -> str | None:
    """The oldest workspace in which a person may make flows."""
    return session.exec(
        select(Member.workspace_id)
        .where(
            Member.user_id == user_id,
            col(Member.role).in_([Role.OWNER.value, Role.EDITOR.value]),
        )
        .order_by(col(Member.created_at), col(Member.workspace_id))
        .limit(1)
    ).first()


def author_name(session: Session, user_id: str) -> str:
    """The name of whoever made a flow."""
    user = session.get(User, user_id)
    return user.name if user else ""


def shares_of(session: Session, flow_id: str) -> Sequence[tuple[User, str]]:
    """Everybody with whom a flow is shared."""
    return session.exec(
        select(User, FlowShare.role)
        .join(FlowShare, col(FlowShare.user_id) == col(User.id))
        .where(FlowShare.flow_id == flow_id)
        .order_by(col(User.name), col(User.id))
    ).all()


def drop_shares(session: Session, flow_id: str) -> None:
    """Share a flow with nobody."""
    session.exec(delete(FlowShare).where(col(FlowShare.flow_id) == flow_id))


def drop_shares_in(session: Session, workspace_id: str, user_id: str) -> None:
    """Share none of a workspace's flows with a person."""
    flows = select(Flow.id).where(Flow.workspace_id == workspace_id)
    session.exec(
        delete(FlowShare).where(
            col(FlowShare.user_id) == user_id, col(FlowShare.flow_id).in_(flows)
        )
    )
