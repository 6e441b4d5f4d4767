"""Looks credentials up, and remembers the answers for a moment."""

import logging
import time
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlmodel import Session, col, select, update

from weft_server.accounts.principal import Credential, Principal
from weft_server.accounts.secrets import hashed
from weft_server.accounts.tables import ApiKey, User, UserSession
from weft_server.database import Database, utc_now
from weft_server.errors import StorageError
from weft_server.events import ACCESS, Bus

IDLE = timedelta(hours=12)
ABSOLUTE = timedelta(days=14)
_REMEMBER_SECONDS = 30.0
_REMEMBER_MOST = 2_000
_TOUCH_AFTER = timedelta(minutes=5)
logger = logging.getLogger("weft.server")


class _Found(NamedTuple):
    principal: Principal
    used_at: datetime | None


class Authenticator:
    """Turns credentials into people; whoever ends a session or a key tells it so."""

    def __init__(self, database: Database, bus: Bus) -> None:
        self._database = database
        self._bus = bus
        self._remembered: dict[str, tuple[float, Principal]] = {}
        self._set_up = False
        self._forgotten = 0
        """How often something was forgotten."""

    async def is_set_up(self) -> bool:
        """Whether the first account exists."""
        if not self._set_up:
            self._set_up = await self._database.query(has_accounts)
        return self._set_up

    async def principal(self, credential: Credential) -> Principal | None:
        """The person a credential belongs to, unless it has ended."""
        token_hash = hashed(credential.token)
        until, known = self._remembered.get(token_hash, (0.0, None))
        if known is not None and until > time.monotonic():
            return known
        self._remembered.pop(token_hash, None)
        find = _find_session if credential.via == "session" else _find_key
        forgotten = self._forgotten
        found = await self._database.query(lambda session: find(session, token_hash))
        if found is None:
            return None
        await self._touch(found)
        # What was read may have ended while it was read; only the next look can tell.
        if forgotten == self._forgotten:
            self._remember(token_hash, found.principal)
        return found.principal

    async def still_valid(self, principal: Principal) -> bool:
        """Whether the session or key of somebody connected is still good."""
        return await self._database.query(lambda session: _is_valid(session, principal))

    def forget(self, *, user_id: str, session_id: str | None = None) -> None:
        """Drop what is remembered of a person and tell those who hold connections open."""
        self._forgotten += 1
        self._remembered = {
            token_hash: entry
            for token_hash, entry in self._remembered.items()
            if entry[1].user_id != user_id
        }
        self._bus.publish(ACCESS, {"user_id": user_id, "session_id": session_id})

    def _remember(self, token_hash: str, principal: Principal) -> None:
        if len(self._remembered) >= _REMEMBER_MOST:
            self._remembered.clear()
        self._remembered[token_hash] = (time.monotonic() + _REMEMBER_SECONDS, principal)

    async def _touch(self, found: _Found) -> None:
        if found.used_at is not None and utc_now() - found.used_at <= _TOUCH_AFTER:
            return
        try:
            await self._database.run(lambda session: _note_use(session, found.principal))
        except StorageError as error:
            # Nobody is kept from reading because a full disk takes no notes.
            logger.warning("the use of a session or a key could not be noted: %s", error)


def has_accounts(session: Session) -> bool:
    """Whether anybody has an account."""
    return session.exec(select(User.id).limit(1)).first() is not None


def _find_session(session: Session, token_hash: str) -> _Found | None:
    row = session.exec(
        select(UserSession, User)
        .join(User, col(User.id) == col(UserSession.user_id))
        .where(UserSession.token_hash == token_hash)
    ).first()
    if row is None or _has_ended(row[0]):
        return None
    signed_in, user = row
    return _Found(_principal(user, "session", signed_in.id), signed_in.seen_at)


def _find_key(session: Session, token_hash: str) -> _Found | None:
    row = session.exec(
        select(ApiKey, User)
        .join(User, col(User.id) == col(ApiKey.user_id))
        .where(ApiKey.key_hash == token_hash)
    ).first()
    if row is None:
        return None
    key, user = row
    return _Found(_principal(user, "key", key.id), key.last_used_at)


def _principal(user: User, via: str, credential_id: str) -> Principal:
    return Principal(
        user_id=user.id,
        name=user.name,
        email=user.email,
        color=user.color,
        via="session" if via == "session" else "key",
        credential_id=credential_id,
    )


def _has_ended(signed_in: UserSession) -> bool:
    now = utc_now()
    return signed_in.expires_at <= now or signed_in.seen_at + IDLE <= now


def _is_valid(session: Session, principal: Principal) -> bool:
    if principal.via == "key":
        return session.get(ApiKey, principal.credential_id) is not None
    signed_in = session.get(UserSession, principal.credential_id)
    return signed_in is not None and not _has_ended(signed_in)


def _note_use(session: Session, principal: Principal) -> None:
    now = utc_now()
    if principal.via == "key":
        session.exec(
            update(ApiKey).where(col(ApiKey.id) == principal.credential_id).values(last_used_at=now)
        )
    else:
        session.exec(
            update(UserSession)
            .where(col(UserSession.id) == principal.credential_id)
            .values(seen_at=now)
        )
