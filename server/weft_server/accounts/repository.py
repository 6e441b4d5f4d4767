"""Queries on people, sessions, keys and workspaces."""

from collections.abc import Sequence

from sqlmodel import Session, col, delete, func, select

from weft_server.accounts.roles import Role
from weft_server.accounts.tables import ApiKey, Invitation, Member, User, UserSession, Workspace
from weft_server.database import utc_now


def user_by_email(session: Session, email: str) -> User | None:
    """The person with an e-mail address."""
    return session.exec(select(User).where(User.email == email)).first()


def workspaces_of(session: Session, user_id: str) -> Sequence[tuple[Workspace, str]]:
    """The workspaces of a person and their role in each, oldest first."""
    return session.exec(
        select(Workspace, Member.role)
        .join(Member, col(Member.workspace_id) == col(Workspace.id))
        .where(Member.user_id == user_id)
        .order_by(col(Workspace.created_at), col(Workspace.id))
    ).all()


def members_of(session: Session, workspace_id: str) -> Sequence[tuple[User, str]]:
    """The people of a workspace, in the order in which they came."""
    return session.exec(
        select(User, Member.role)
        .join(Member, col(Member.user_id) == col(User.id))
        .where(Member.workspace_id == workspace_id)
        .order_by(col(Member.created_at), col(User.id))
    ).all()


def count_owners(session: Session, workspace_id: str) -> int:
    """How many owners a workspace has."""
    return session.exec(
        select(func.count())
        .select_from(Member)
        .where(Member.workspace_id == workspace_id, Member.role == Role.OWNER.value)
    ).one()


def open_invitations(session: Session, workspace_id: str) -> Sequence[Invitation]:
    """The invitations of a workspace that may still be accepted."""
    return session.exec(
        select(Invitation)
        .where(Invitation.workspace_id == workspace_id, col(Invitation.expires_at) > utc_now())
        .order_by(col(Invitation.id))
    ).all()


def invitation_by_hash(session: Session, token_hash: str) -> Invitation | None:
    """The invitation of a token, unless it is too late."""
    return session.exec(
        select(Invitation).where(
            Invitation.token_hash == token_hash, col(Invitation.expires_at) > utc_now()
        )
    ).first()


def drop_invitations(session: Session, workspace_id: str, email: str) -> None:
    """Take back what was sent to an address."""
    session.exec(
        delete(Invitation).where(
            col(Invitation.workspace_id) == workspace_id, col(Invitation.email) == email
        )
    )


def drop_session(session: Session, token_hash: str) -> str | None:
    """End one sign-in; whose it was."""
    gone = delete(UserSession).where(col(UserSession.token_hash) == token_hash)
    return session.execute(gone.returning(col(UserSession.user_id))).scalar_one_or_none()


def drop_sessions(session: Session, user_id: str, *, but: str = "") -> None:
    """End all sign-ins of a person, save one."""
    session.exec(
        delete(UserSession).where(col(UserSession.user_id) == user_id, col(UserSession.id) != but)
    )


def drop_ended_sessions(session: Session) -> None:
    """Forget sign-ins whose time is over."""
    session.exec(delete(UserSession).where(col(UserSession.expires_at) <= utc_now()))


def keys_of(session: Session, user_id: str) -> Sequence[ApiKey]:
    """The API keys of a person, newest first."""
    return session.exec(
        select(ApiKey).where(ApiKey.user_id == user_id).order_by(col(ApiKey.id).desc())
    ).all()
