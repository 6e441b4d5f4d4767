"""Workspaces, their members, and invitations into them."""

from collections.abc import Callable
from datetime import timedelta

from sqlmodel import Session

from weft_server.accounts import repository
from weft_server.accounts.people import create_user, user_info
from weft_server.accounts.principal import Principal
from weft_server.accounts.roles import Role
from weft_server.accounts.schemas import (
    InvitationInfo,
    InvitationLook,
    MemberAdded,
    MemberInfo,
    MemberList,
    NewInvitation,
)
from weft_server.accounts.secrets import hashed, new_token
from weft_server.accounts.tables import Invitation, Member, User, Workspace
from weft_server.database import utc_now
from weft_server.errors import Conflict, Forbidden, Missing, register
from weft_server.ids import new_id

INVITATION_LASTS = timedelta(days=7)

Leaving = Callable[[Session, str, str], None]
"""Called with session, workspace id and user id when somebody leaves a workspace."""
_leaving: list[Leaving] = []


def when_somebody_leaves(work: Leaving) -> Leaving:
    """Let another module take away what somebody had in a workspace, in the same transaction."""
    _leaving.append(work)
    return work


register(
    {
        "workspace.not_found": "There is no such workspace, or it is not visible.",
        "member.not_found": "This person is not in the workspace.",
        "member.exists": "This person is in the workspace already.",
        "member.last_owner": "A workspace keeps at least one owner.",
        "invitation.account_exists": "Somebody made the account while the invitation was accepted.",
        "invitation.not_found": "The invitation was used, taken back or is too old.",
    }
)


def create_workspace(session: Session, name: str, owner_id: str) -> Workspace:
    """Make a workspace with its first owner."""
    workspace = Workspace(id=new_id("wsp"), name=name)
    session.add(workspace)
    session.flush()
    join(session, workspace.id, owner_id, Role.OWNER)
    return workspace


def require_role(
    session: Session, principal: Principal, workspace_id: str, at_least: Role = Role.VIEWER
) -> Role:
    """The role of somebody in a workspace.

    Raises:
        Missing: no such workspace, or they are not in it (404 ``workspace.not_found``).
        Forbidden: their role is too small (403 ``auth.forbidden``).
    """
    member = session.get(Member, (workspace_id, principal.user_id))
    if member is None:
        raise Missing.of("workspace", workspace_id)
    role = Role(member.role)
    if not role.at_least(at_least):
        raise Forbidden(
            f"Your role in this workspace is {role}; this needs {at_least}.",
            hint="Ask an owner of the workspace.",
            params={"role": role.value, "needed": at_least.value},
        )
    return role


def list_members(session: Session, principal: Principal, workspace_id: str) -> MemberList:
    """Everyone in a workspace."""
    role = require_role(session, principal, workspace_id)
    invitations = repository.open_invitations(session, workspace_id) if role is Role.OWNER else []
    return MemberList(
        items=[
            MemberInfo(user=user_info(user), role=Role(held))
            for user, held in repository.members_of(session, workspace_id)
        ],
        invitations=[_invitation_info(invitation) for invitation in invitations],
    )


def add_member(
    session: Session, principal: Principal, workspace_id: str, email: str, role: Role, address: str
) -> MemberAdded:
    """Add somebody who has an account; invite somebody who has none."""
    require_role(session, principal, workspace_id, Role.OWNER)
    user = repository.user_by_email(session, email)
    if user is None:
        invitation = _invite(session, principal, workspace_id, email, role, address)
        return MemberAdded(invitation=invitation)
    if session.get(Member, (workspace_id, user.id)) is not None:
        raise Conflict(
            f"{user.name} is in this workspace already.",
            code="member.exists",
            hint="Change their role instead.",
            params={"email": email},
        )
    join(session, workspace_id, user.id, role)
    return MemberAdded(member=MemberInfo(user=user_info(user), role=role))


def join(session: Session, workspace_id: str, user_id: str, role: Role) -> None:
    """Put somebody into a workspace."""
    session.add(Member(workspace_id=workspace_id, user_id=user_id, role=role.value))
    session.flush()


def change_role(
    session: Session, principal: Principal, workspace_id: str, user_id: str, role: Role
) -> MemberInfo:
    """Give a member another role."""
    require_role(session, principal, workspace_id, Role.OWNER)
    member = _member(session, workspace_id, user_id)
    if role is not Role.OWNER:
        _keep_an_owner(session, member)
    member.role = role.value
    session.add(member)
    return MemberInfo(user=user_info(_user(session, user_id)), role=role)


def remove_member(session: Session, principal: Principal, workspace_id: str, user_id: str) -> None:
    """Take somebody out of a workspace; everyone may leave by themselves."""
    leaving = user_id == principal.user_id
    require_role(session, principal, workspace_id, Role.VIEWER if leaving else Role.OWNER)
    member = _member(session, workspace_id, user_id)
    _keep_an_owner(session, member)
    session.delete(member)
    for work in _leaving:
        work(session, workspace_id, user_id)


def revoke_invitation(
    session: Session, principal: Principal, workspace_id: str, invitation_id: str
) -> None:
    """Take an invitation back."""
    require_role(session, principal, workspace_id, Role.OWNER)
    invitation = session.get(Invitation, invitation_id)
    if invitation is None or invitation.workspace_id != workspace_id:
        raise Missing.of("invitation", invitation_id)
    session.delete(invitation)


def look_at_invitation(session: Session, token: str) -> InvitationLook:
    """What an invitation says, for whoever holds its link."""
    invitation = find_invitation(session, token)
    workspace = session.get_one(Workspace, invitation.workspace_id)
    return InvitationLook(
        email=invitation.email,
        workspace=workspace.name,
        role=Role(invitation.role),
        invited_by=_user(session, invitation.invited_by).name,
        has_account=repository.user_by_email(session, invitation.email) is not None,
    )


def find_invitation(session: Session, token: str) -> Invitation:
    """The invitation of a token."""
    invitation = repository.invitation_by_hash(session, hashed(token))
    if invitation is None:
        raise Missing(
            "This invitation was used, taken back, or is too old.",
            code="invitation.not_found",
            hint="Ask an owner of the workspace for a new one.",
        )
    return invitation


def accept_invitation(
    session: Session, token: str, *, name: str, password_hash: str | None, language: str | None
) -> str:
    """Use an invitation up; the id of whoever joined.

    With a hash it makes an account; without one the caller has seen the right password of the
    account that is there.
    """
    invitation = find_invitation(session, token)
    user = repository.user_by_email(session, invitation.email)
    if password_hash is not None:
        # The account came into being a moment ago; whoever asks has not shown its password.
        if user is not None:
            raise _account_exists(invitation.email)
        user = create_user(
            session,
            email=invitation.email,
            name=name,
            password_hash=password_hash,
            language=language,
        )
    elif user is None:
        raise Missing.of("member", invitation.email)
    if session.get(Member, (invitation.workspace_id, user.id)) is None:
        join(session, invitation.workspace_id, user.id, Role(invitation.role))
    session.delete(invitation)
    return user.id


def _account_exists(email: str) -> Conflict:
    return Conflict(
        f"There is an account of {email} now.",
        code="invitation.account_exists",
        hint="Open the link again and give the password of that account.",
        params={"email": email},
    )


def _invite(
    session: Session, principal: Principal, workspace_id: str, email: str, role: Role, address: str
) -> NewInvitation:
    repository.drop_invitations(session, workspace_id, email)
    token = new_token()
    invitation = Invitation(
        id=new_id("inv"),
        workspace_id=workspace_id,
        email=email,
        role=role.value,
        token_hash=hashed(token),
        invited_by=principal.user_id,
        expires_at=utc_now() + INVITATION_LASTS,
    )
    session.add(invitation)
    link = f"{address}/join#token={token}"
    return NewInvitation(**_invitation_info(invitation).model_dump(), link=link)


def _invitation_info(invitation: Invitation) -> InvitationInfo:
    return InvitationInfo(
        id=invitation.id,
        email=invitation.email,
        role=Role(invitation.role),
        expires_at=invitation.expires_at,
    )


def _member(session: Session, workspace_id: str, user_id: str) -> Member:
    member = session.get(Member, (workspace_id, user_id))
    if member is None:
        raise Missing.of("member", user_id)
    return member


def _user(session: Session, user_id: str) -> User:
    return session.get_one(User, user_id)


def _keep_an_owner(session: Session, member: Member) -> None:
    is_owner = member.role == Role.OWNER.value
    if is_owner and repository.count_owners(session, member.workspace_id) == 1:
        raise Conflict(
            "A workspace keeps at least one owner.",
            code="member.last_owner",
            hint="Make somebody else an owner first.",
        )
