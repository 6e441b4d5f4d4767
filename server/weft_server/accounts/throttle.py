"""Slows down whoever guesses passwords."""

import ipaddress
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from weft_server.errors import TooMany, register

FREE_ATTEMPTS = 5
FREE_ATTEMPTS_OF_ADDRESS = 50
_FIRST_WAIT = 2.0
_LONGEST_WAIT = 900.0
_FORGET_AFTER = 3_600.0
_MOST_ENTRIES = 20_000

register({"auth.too_many_attempts": "Too many failed attempts to sign in."})


@dataclass
class _Failures:
    count: int
    last: float


class SignInThrottle:
    """Counts failures per account and address, and per address; each further one waits longer."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._failures: dict[tuple[str, str], _Failures] = {}

    def check(self, account: str, address: str) -> None:
        """Refuse an attempt that comes too early.

        Raises:
            TooMany: with Retry-After in seconds.
        """
        address = _network(address)
        wait = max(
            self._wait((account, address), FREE_ATTEMPTS),
            self._wait(("", address), FREE_ATTEMPTS_OF_ADDRESS),
        )
        if wait > 0:
            seconds = math.ceil(wait)
            raise TooMany(
                f"Too many failed attempts. Try again in {seconds} seconds.",
                code="auth.too_many_attempts",
                hint="Wait, or ask an owner of your workspace for help with the password.",
                params={"seconds": seconds},
                headers={"Retry-After": str(seconds)},
            )

    def failed(self, account: str, address: str) -> None:
        """Note a wrong password."""
        if len(self._failures) >= _MOST_ENTRIES:
            self._forget_old()
        address = _network(address)
        for key in ((account, address), ("", address)):
            count = self._count(key) + 1
            self._failures[key] = _Failures(count, self._now())

    def succeeded(self, account: str, address: str) -> None:
        """Note a right password; the account starts afresh."""
        address = _network(address)
        self._failures.pop((account, address), None)
        of_address = self._failures.get(("", address))
        if of_address is not None:
            of_address.count -= 1

    def _count(self, key: tuple[str, str]) -> int:
        failures = self._failures.get(key)
        if failures is None or self._now() - failures.last > _FORGET_AFTER:
            return 0
        return failures.count

    def _wait(self, key: tuple[str, str], free: int) -> float:
        over = self._count(key) - free
        if over < 0:
            return 0.0
        pause = min(_FIRST_WAIT * 2.0 ** min(over, 20), _LONGEST_WAIT)
        return self._failures[key].last + pause - self._now()

    def _forget_old(self) -> None:
        oldest_first = sorted(self._failures, key=lambda key: self._failures[key].last)
        for key in oldest_first[: len(oldest_first) // 2]:
            del self._failures[key]


def _network(address: str) -> str:
    """The part of an address that its holder cannot change at will: 64 bits of IPv6."""
    if ":" not in address:
        return address
    try:
        return str(ipaddress.IPv6Network((address.partition("%")[0], 64), strict=False))
    except ValueError:
        return address
