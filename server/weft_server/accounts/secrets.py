"""Random secrets that people and programs carry; the database knows their hashes only."""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode

KEY_PREFIX = "weft_"
SHOWN_KEY_CHARACTERS = len(KEY_PREFIX) + 6


def new_token() -> str:
    """256 random bits as text."""
    return secrets.token_urlsafe(32)


def new_api_key() -> str:
    """A fresh API key."""
    return KEY_PREFIX + new_token()


def hashed(token: str) -> str:
    """What is stored in place of a token; the tokens are random, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def csrf_token(session_token: str) -> str:
    """The token that a page sends beside its session cookie.

    It follows from the cookie, so a cookie planted by a neighbouring site proves nothing.
    """
    digest = hmac.digest(session_token.encode(), b"weft csrf", "sha256")
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def same(left: str, right: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(left.encode(), right.encode())
