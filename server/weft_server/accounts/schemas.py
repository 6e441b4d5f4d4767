"""Bodies and answers about people and workspaces."""

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from weft_server.accounts.roles import Role

_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,189}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def _email(text: str) -> str:
    if not _EMAIL.fullmatch(text):
        raise ValueError("this is not an e-mail address")
    return text.lower()


def _one_line(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("line breaks and control characters are not taken here")
    return text


Email = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=254), AfterValidator(_email)
]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(_one_line),
]
Password = Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
Token = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Language = Literal["en", "zh"]
Color = Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")]


class Body(BaseModel):
    """A request body; unknown fields are refused, so that a typing error is noticed."""

    model_config = ConfigDict(extra="forbid")


class SetupBody(Body):
    """Makes the first account."""

    token: Token
    email: Email
    name: Name
    password: Password
    language: Language | None = None


class SignInBody(Body):
    """Signs in."""

    email: Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, max_length=254)]
    password: Password


class ProfileBody(Body):
    """Changes one's own profile; what is left out stays."""

    name: Name | None = None
    language: Language | None = None
    color: Color | None = None


class PasswordBody(Body):
    """Changes one's own password."""

    current: Password
    new: Password


class WorkspaceBody(Body):
    """Makes or renames a workspace."""

    name: Name


class MemberBody(Body):
    """Adds somebody to a workspace."""

    email: Email
    role: Role


class RoleBody(Body):
    """Changes a role."""

    role: Role


class InvitationTokenBody(Body):
    """Looks an invitation up."""

    token: Token


class AcceptBody(Body):
    """Accepts an invitation; the password is new, or the present one of an existing account."""

    token: Token
    name: Name
    password: Password
    language: Language | None = None


class KeyBody(Body):
    """Makes an API key."""

    name: Name


class UserInfo(BaseModel):
    """A person, as others see them."""

    id: str
    name: str
    email: str
    color: str


class OwnInfo(UserInfo):
    """A person, as they see themselves."""

    language: str | None


class WorkspaceInfo(BaseModel):
    """A workspace and one's role in it."""

    id: str
    name: str
    role: Role


class SessionInfo(BaseModel):
    """Who is signed in, and what belongs to them."""

    user: OwnInfo
    workspaces: list[WorkspaceInfo]
    csrf_token: str
    setup_required: Literal[False] = False


class WorkspaceList(BaseModel):
    """One's workspaces."""

    items: list[WorkspaceInfo]


class MemberInfo(BaseModel):
    """A person in a workspace."""

    user: UserInfo
    role: Role


class InvitationInfo(BaseModel):
    """An invitation that nobody has used yet."""

    id: str
    email: str
    role: Role
    expires_at: datetime


class NewInvitation(InvitationInfo):
    """A fresh invitation; its link is shown this once."""

    link: str


class MemberList(BaseModel):
    """Everyone in a workspace; invitations are shown to owners only."""

    items: list[MemberInfo]
    invitations: list[InvitationInfo] = []


class MemberAdded(BaseModel):
    """What became of adding somebody: a member if they have an account, else an invitation."""

    member: MemberInfo | None = None
    invitation: NewInvitation | None = None


class InvitationLook(BaseModel):
    """What the page behind an invitation's link shows."""

    email: str
    workspace: str
    role: Role
    invited_by: str
    has_account: bool


class KeyInfo(BaseModel):
    """An API key, without the key."""

    id: str
    name: str
    prefix: str
    created_at: datetime
    last_used_at: datetime | None


class KeyList(BaseModel):
    """One's API keys."""

    items: list[KeyInfo]


class NewKey(KeyInfo):
    """A fresh API key, shown this once."""

    key: str
