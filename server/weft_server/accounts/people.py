"""Accounts and sign-ins."""

import hashlib

from sqlmodel import Session

from weft_server.accounts import repository
from weft_server.accounts.authenticator import ABSOLUTE
from weft_server.accounts.roles import Role
from weft_server.accounts.schemas import OwnInfo, SessionInfo, UserInfo, WorkspaceInfo
from weft_server.accounts.secrets import csrf_token, hashed, new_token
from weft_server.accounts.tables import User, UserSession
from weft_server.database import utc_now
from weft_server.errors import SignedOut
from weft_server.ids import new_id

COLORS = (
    "#4c6ef5",
    "#0c8599",
    "#2f9e44",
    "#e8590c",
    "#c2255c",
    "#7048e8",
    "#1971c2",
    "#a61e4d",
    "#5c940d",
    "#b45309",
)
"""Colours of people's cursors; each is readable on white and on black."""


def create_user(
    session: Session, *, email: str, name: str, password_hash: str, language: str | None = None
) -> User:
    """Make an account."""
    digest = hashlib.sha256(email.encode()).digest()
    user = User(
        id=new_id("usr"),
        email=email,
        name=name,
        color=COLORS[digest[0] % len(COLORS)],
        language=language,
        password_hash=password_hash,
    )
    session.add(user)
    session.flush()
    return user


def start_session(session: Session, user_id: str) -> str:
    """Sign somebody in; the token goes into their cookie."""
    repository.drop_ended_sessions(session)
    token = new_token()
    session.add(
        UserSession(
            id=new_id("ses"),
            user_id=user_id,
            token_hash=hashed(token),
            expires_at=utc_now() + ABSOLUTE,
        )
    )
    return token


def session_info(session: Session, user_id: str, token: str) -> SessionInfo:
    """What a signed-in page needs to know."""
    user = session.get(User, user_id)
    if user is None:
        raise SignedOut("Your account does not exist any more.", hint="Ask for a new invitation.")
    return SessionInfo(
        user=OwnInfo(**user_info(user).model_dump(), language=user.language),
        workspaces=workspace_infos(session, user_id),
        csrf_token=csrf_token(token),
    )


def user_info(user: User) -> UserInfo:
    """A person, as others see them."""
    return UserInfo(id=user.id, name=user.name, email=user.email, color=user.color)


def workspace_infos(session: Session, user_id: str) -> list[WorkspaceInfo]:
    """The workspaces of a person."""
    return [
        WorkspaceInfo(id=workspace.id, name=workspace.name, role=Role(role))
        for workspace, role in repository.workspaces_of(session, user_id)
    ]
