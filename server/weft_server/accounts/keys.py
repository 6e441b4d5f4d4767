"""API keys, with which programs act for a person."""

from sqlmodel import Session

from weft_server.accounts import repository
from weft_server.accounts.principal import Principal
from weft_server.accounts.schemas import KeyInfo, KeyList, NewKey
from weft_server.accounts.secrets import SHOWN_KEY_CHARACTERS, hashed, new_api_key
from weft_server.accounts.tables import ApiKey
from weft_server.errors import Conflict, Missing, register
from weft_server.ids import new_id

MOST_KEYS = 100

register(
    {
        "key.not_found": "There is no such API key.",
        "key.too_many": "One person keeps a limited number of API keys.",
    }
)


def list_keys(session: Session, principal: Principal) -> KeyList:
    """The keys of a person."""
    return KeyList(items=[_info(key) for key in repository.keys_of(session, principal.user_id)])


def create_key(session: Session, principal: Principal, name: str) -> NewKey:
    """Make a key; only its hash is kept."""
    if len(repository.keys_of(session, principal.user_id)) >= MOST_KEYS:
        raise Conflict(
            f"You have {MOST_KEYS} API keys already.",
            code="key.too_many",
            hint="Delete those that nobody uses any more.",
        )
    secret = new_api_key()
    key = ApiKey(
        id=new_id("key"),
        user_id=principal.user_id,
        name=name,
        prefix=secret[:SHOWN_KEY_CHARACTERS],
        key_hash=hashed(secret),
    )
    session.add(key)
    return NewKey(**_info(key).model_dump(), key=secret)


def delete_key(session: Session, principal: Principal, key_id: str) -> None:
    """Make a key worthless."""
    key = session.get(ApiKey, key_id)
    if key is None or key.user_id != principal.user_id:
        raise Missing.of("key", key_id)
    session.delete(key)


def _info(key: ApiKey) -> KeyInfo:
    return KeyInfo(
        id=key.id,
        name=key.name,
        prefix=key.prefix,
        created_at=key.created_at,
        last_used_at=key.last_used_at,
    )
