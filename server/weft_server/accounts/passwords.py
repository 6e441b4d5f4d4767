"""Passwords: which are taken, and how they are kept and compared."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from weft_server.errors import invalid_field, register

T = TypeVar("T")
MIN_LENGTH = 10
MAX_LENGTH = 1_000
_MIN_DISTINCT = 4
_MEMORY_KIB = 46 * 1024
_AT_ONCE = 2

register(
    {
        "auth.password_short": "The password has too few characters.",
        "auth.password_long": "The password has too many characters.",
        "auth.password_is_email": "The password is the e-mail address.",
        "auth.password_simple": "The password repeats few characters or follows the keyboard.",
    }
)

_ROWS = ("abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "qwertyuiopasdfghjklzxcvbnm")


def check_password(password: str, email: str) -> None:
    """Refuse a new password that is easy to guess."""
    if len(password) < MIN_LENGTH:
        raise invalid_field(
            "password",
            f"A password has at least {MIN_LENGTH} characters.",
            code="auth.password_short",
            hint="A few unrelated words are easy to remember and hard to guess.",
            least=MIN_LENGTH,
        )
    if len(password) > MAX_LENGTH:
        raise invalid_field(
            "password",
            f"A password has at most {MAX_LENGTH} characters.",
            code="auth.password_long",
            most=MAX_LENGTH,
        )
    folded = password.casefold()
    if folded in {email.casefold(), email.casefold().partition("@")[0]}:
        raise invalid_field(
            "password",
            "The password must not be the e-mail address.",
            code="auth.password_is_email",
            hint="A few unrelated words are easy to remember and hard to guess.",
        )
    if len(set(folded)) < _MIN_DISTINCT or any(folded in row for row in _ROWS):
        raise invalid_field(
            "password",
            "This password is among the first that anybody tries.",
            code="auth.password_simple",
            hint="A few unrelated words are easy to remember and hard to guess.",
        )


class Passwords:
    """Hashes and compares passwords, few at a time, as each takes 46 MB for a moment."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=1, memory_cost=_MEMORY_KIB, parallelism=1)
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="weft-passwords")
        self._nobody = ""

    async def hash(self, password: str) -> str:
        """What is stored for a password."""
        return await self._in_thread(self._hasher.hash, password)

    async def matches(self, stored: str | None, password: str) -> bool:
        """Whether a password is the stored one; takes as long when there is no such person."""
        if stored is None:
            if not self._nobody:
                self._nobody = await self.hash("nobody has this password")
            await self._in_thread(self._verify, self._nobody, password)
            return False
        return await self._in_thread(self._verify, stored, password)

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=True)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerifyMismatchError, InvalidHashError):
            return False

    async def _in_thread(self, work: Callable[..., T], *values: str) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *values)
