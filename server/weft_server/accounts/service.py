"""What the account routes do: setup, signing in and out, invitations, passwords."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlmodel import Session

from weft_server.accounts import people, repository, workspaces
from weft_server.accounts.authenticator import Authenticator, has_accounts
from weft_server.accounts.passwords import Passwords, check_password
from weft_server.accounts.principal import Principal
from weft_server.accounts.schemas import (
    AcceptBody,
    PasswordBody,
    ProfileBody,
    SessionInfo,
    SetupBody,
    SignInBody,
)
from weft_server.accounts.secrets import hashed
from weft_server.accounts.setup import SetupToken, already_done, not_from_here
from weft_server.accounts.tables import User
from weft_server.accounts.throttle import SignInThrottle
from weft_server.database import Database
from weft_server.errors import Forbidden, SignedOut, invalid_field, register
from weft_server.events import Bus
from weft_server.settings import Settings, is_loopback

register(
    {
        "auth.wrong_password": "The e-mail address or the password is wrong.",
        "auth.session_needed": "This can be done in the browser only, not with an API key.",
    }
)

NewWorkspaceHook = Callable[[Session, str, str, str], None]
"""Called with session, workspace id, owner id and language when the first workspace is made."""


@dataclass(frozen=True)
class SignedIn:
    """A fresh session: what the page is told, and the token for its cookie."""

    info: SessionInfo
    token: str


class Accounts:
    """Everything that signing in needs."""

    def __init__(
        self, settings: Settings, database: Database, bus: Bus, furnish: NewWorkspaceHook
    ) -> None:
        self._settings = settings
        self._database = database
        self._furnish = furnish
        self._passwords = Passwords()
        self._throttle = SignInThrottle()
        self.authenticator = Authenticator(database, bus)
        self.setup_token = SetupToken(settings.setup_token_file)

    def close(self) -> None:
        """Let go of threads."""
        self._passwords.close()

    async def set_up(self, body: SetupBody, address: str) -> SignedIn:
        """Make the first account, its workspace, and what is in it."""
        if not (self._settings.setup_remote or is_loopback(address)):
            raise not_from_here()
        if await self.authenticator.is_set_up():
            raise already_done()
        self.setup_token.check(body.token)
        check_password(body.password, body.email)
        password_hash = await self._passwords.hash(body.password)
        signed_in = await self._database.run(
            lambda session: self._first(session, body, password_hash)
        )
        self.setup_token.use_up()
        return signed_in

    def _first(self, session: Session, body: SetupBody, password_hash: str) -> SignedIn:
        if has_accounts(session):
            raise already_done()
        user = people.create_user(
            session,
            email=body.email,
            name=body.name,
            password_hash=password_hash,
            language=body.language,
        )
        language = body.language or "en"
        name = f"{body.name}的工作区" if language == "zh" else f"{body.name}'s workspace"
        workspace = workspaces.create_workspace(session, name[:100], user.id)
        self._furnish(session, workspace.id, user.id, language)
        return _signed_in(session, user.id)

    async def sign_in(self, body: SignInBody, address: str, former: str | None) -> SignedIn:
        """Start a session for whoever knows the password."""
        user_id = await self._check_password(body.email, body.password, address)

        def renew(session: Session) -> tuple[SignedIn, str | None]:
            left = repository.drop_session(session, hashed(former)) if former else None
            return _signed_in(session, user_id), left

        signed_in, left = await self._database.run(renew)
        if left is not None:
            self.authenticator.forget(user_id=left)
        return signed_in

    async def sign_out(self, principal: Principal, token: str) -> None:
        """End the session of this cookie."""
        await self._database.run(lambda session: repository.drop_session(session, hashed(token)))
        self.authenticator.forget(user_id=principal.user_id, session_id=principal.credential_id)

    async def accept(self, body: AcceptBody, address: str) -> SignedIn:
        """Join a workspace by invitation, with a new account or with the one that is there."""
        look = await self._database.query(
            lambda session: workspaces.look_at_invitation(session, body.token)
        )
        password_hash = None
        if look.has_account:
            await self._check_password(look.email, body.password, address)
        else:
            check_password(body.password, look.email)
            password_hash = await self._passwords.hash(body.password)

        def join(session: Session) -> SignedIn:
            user_id = workspaces.accept_invitation(
                session,
                body.token,
                name=body.name,
                password_hash=password_hash,
                language=body.language,
            )
            return _signed_in(session, user_id)

        return await self._database.run(join)

    async def change_password(self, principal: Principal, body: PasswordBody, address: str) -> None:
        """Set a new password; every other session of this person ends."""
        require_session(principal)
        await self._check_password(principal.email, body.current, address, field="current")
        check_password(body.new, principal.email)
        password_hash = await self._passwords.hash(body.new)

        def change(session: Session) -> None:
            user = session.get_one(User, principal.user_id)
            user.password_hash = password_hash
            session.add(user)
            repository.drop_sessions(session, user.id, but=principal.credential_id)

        await self._database.run(change)
        self.authenticator.forget(user_id=principal.user_id)

    async def change_profile(self, principal: Principal, body: ProfileBody) -> None:
        """Change name, language or colour."""

        def change(session: Session) -> None:
            user = session.get_one(User, principal.user_id)
            for field, value in body.model_dump(exclude_unset=True, exclude_none=True).items():
                setattr(user, field, value)
            session.add(user)

        await self._database.run(change)
        self.authenticator.forget(user_id=principal.user_id)

    async def _check_password(
        self, email: str, password: str, address: str, *, field: str = ""
    ) -> str:
        self._throttle.check(email, address)
        # Counted before anything is waited for, so that many attempts at once do not slip through.
        self._throttle.failed(email, address)
        known = await self._database.query(lambda session: _password_of(session, email))
        user_id, stored = known or ("", None)
        if not await self._passwords.matches(stored, password):
            raise _wrong_password(field)
        self._throttle.succeeded(email, address)
        return user_id


def require_session(principal: Principal) -> None:
    """Refuse API keys, so that a leaked one cannot make others."""
    if principal.via != "session":
        raise Forbidden(
            "This cannot be done with an API key.",
            code="auth.session_needed",
            hint="Sign in with a browser.",
        )


def _signed_in(session: Session, user_id: str) -> SignedIn:
    token = people.start_session(session, user_id)
    session.flush()
    return SignedIn(people.session_info(session, user_id, token), token)


def _password_of(session: Session, email: str) -> tuple[str, str] | None:
    user = repository.user_by_email(session, email)
    return None if user is None else (user.id, user.password_hash)


def _wrong_password(field: str) -> Exception:
    if field:
        return invalid_field(
            field, "This is not your present password.", code="auth.wrong_password"
        )
    return SignedOut(
        "The e-mail address or the password is wrong.",
        code="auth.wrong_password",
        hint="Check both; capital letters matter in the password.",
    )
