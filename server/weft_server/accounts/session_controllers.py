"""Routes: setup, signing in and out, one's own profile and API keys."""

from typing import Any

from litestar import Request, Response, delete, get, patch, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from sqlmodel import Session

from weft_server.accounts import keys, people
from weft_server.accounts.authenticator import ABSOLUTE
from weft_server.accounts.principal import CSRF_COOKIE, SESSION_COOKIE, Principal, public
from weft_server.accounts.schemas import (
    AcceptBody,
    InvitationLook,
    InvitationTokenBody,
    KeyBody,
    KeyList,
    NewKey,
    PasswordBody,
    ProfileBody,
    SessionInfo,
    SetupBody,
    SignInBody,
)
from weft_server.accounts.service import Accounts, SignedIn, require_session
from weft_server.accounts.workspaces import look_at_invitation
from weft_server.database import Database
from weft_server.settings import Settings

AnyRequest = Request[Any, Any, Any]


@post("/api/setup", operation_id="setUp", tags=["accounts"], opt=public(before_setup=True))
async def set_up(
    request: AnyRequest,
    data: JSONBody[SetupBody],
    accounts: NamedDependency[Accounts],
    settings: NamedDependency[Settings],
) -> Response[SessionInfo]:
    """Make the first account with the one-time token of the server's start."""
    signed_in = await accounts.set_up(data, _address(request))
    return _with_cookies(request, settings, signed_in, status=201)


@post("/api/session", operation_id="signIn", tags=["accounts"], opt=public(), status_code=200)
async def sign_in(
    request: AnyRequest,
    data: JSONBody[SignInBody],
    accounts: NamedDependency[Accounts],
    settings: NamedDependency[Settings],
) -> Response[SessionInfo]:
    """Sign in."""
    former = request.cookies.get(SESSION_COOKIE)
    signed_in = await accounts.sign_in(data, _address(request), former)
    return _with_cookies(request, settings, signed_in, status=200)


@get("/api/session", operation_id="getSession", tags=["accounts"])
async def get_session(
    request: AnyRequest,
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
) -> SessionInfo:
    """Who is signed in."""
    return await _session_info(request, principal, database)


@delete("/api/session", operation_id="signOut", tags=["accounts"])
async def sign_out(
    request: AnyRequest,
    principal: NamedDependency[Principal],
    accounts: NamedDependency[Accounts],
) -> Response[None]:
    """Sign out."""
    if principal.via == "session":
        await accounts.sign_out(principal, request.cookies.get(SESSION_COOKIE, ""))
    response: Response[None] = Response(None, status_code=204)
    response.delete_cookie(SESSION_COOKIE)
    response.delete_cookie(CSRF_COOKIE)
    return response


@patch("/api/user", operation_id="updateProfile", tags=["accounts"])
async def update_profile(
    request: AnyRequest,
    data: JSONBody[ProfileBody],
    principal: NamedDependency[Principal],
    accounts: NamedDependency[Accounts],
    database: NamedDependency[Database],
) -> SessionInfo:
    """Change one's own name, language or colour."""
    await accounts.change_profile(principal, data)
    return await _session_info(request, principal, database)


@post("/api/user/password", operation_id="changePassword", tags=["accounts"], status_code=204)
async def change_password(
    request: AnyRequest,
    data: JSONBody[PasswordBody],
    principal: NamedDependency[Principal],
    accounts: NamedDependency[Accounts],
) -> None:
    """Change one's own password; all other sessions end."""
    await accounts.change_password(principal, data, _address(request))


@post(
    "/api/invitations/look",
    operation_id="lookAtInvitation",
    tags=["accounts"],
    opt=public(),
    status_code=200,
)
async def look(
    data: JSONBody[InvitationTokenBody], database: NamedDependency[Database]
) -> InvitationLook:
    """What an invitation says."""
    return await database.query(lambda session: look_at_invitation(session, data.token))


@post(
    "/api/invitations/accept",
    operation_id="acceptInvitation",
    tags=["accounts"],
    opt=public(),
)
async def accept(
    request: AnyRequest,
    data: JSONBody[AcceptBody],
    accounts: NamedDependency[Accounts],
    settings: NamedDependency[Settings],
) -> Response[SessionInfo]:
    """Join by invitation, and be signed in."""
    signed_in = await accounts.accept(data, _address(request))
    return _with_cookies(request, settings, signed_in, status=201)


@get("/api/keys", operation_id="listKeys", tags=["accounts"])
async def list_keys(
    principal: NamedDependency[Principal], database: NamedDependency[Database]
) -> KeyList:
    """One's own API keys."""
    return await database.query(lambda session: keys.list_keys(session, principal))


@post("/api/keys", operation_id="createKey", tags=["accounts"])
async def create_key(
    data: JSONBody[KeyBody],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
) -> NewKey:
    """Make an API key; it is shown this once."""
    require_session(principal)
    return await database.run(lambda session: keys.create_key(session, principal, data.name))


@delete("/api/keys/{key_id:str}", operation_id="deleteKey", tags=["accounts"])
async def delete_key(
    key_id: FromPath[str],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    accounts: NamedDependency[Accounts],
) -> None:
    """Delete an API key; it opens nothing from then on."""

    def remove(session: Session) -> None:
        keys.delete_key(session, principal, key_id)

    await database.run(remove)
    accounts.authenticator.forget(user_id=principal.user_id)


async def _session_info(
    request: AnyRequest, principal: Principal, database: Database
) -> SessionInfo:
    token = request.cookies.get(SESSION_COOKIE, "") if principal.via == "session" else ""
    return await database.query(
        lambda session: people.session_info(session, principal.user_id, token)
    )


def _address(request: AnyRequest) -> str:
    return request.client.host if request.client else ""


def _with_cookies(
    request: AnyRequest, settings: Settings, signed_in: SignedIn, *, status: int
) -> Response[SessionInfo]:
    secure = settings.secure_cookies or request.url.scheme == "https"
    lasts = int(ABSOLUTE.total_seconds())
    values = {SESSION_COOKIE: signed_in.token, CSRF_COOKIE: signed_in.info.csrf_token}
    cookies = [
        Cookie(
            key=name,
            value=value,
            # A page reads its CSRF token from the other one.
            httponly=name == SESSION_COOKIE,
            secure=secure,
            samesite="lax",
            max_age=lasts,
        )
        for name, value in values.items()
    ]
    return Response(signed_in.info, status_code=status, cookies=cookies)


route_handlers: list[Any] = [
    set_up,
    sign_in,
    get_session,
    sign_out,
    update_profile,
    change_password,
    look,
    accept,
    list_keys,
    create_key,
    delete_key,
]
