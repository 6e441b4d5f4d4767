"""The back-off of wrong passwords."""

import pytest

from weft_server.accounts.throttle import (
    FREE_ATTEMPTS,
    FREE_ATTEMPTS_OF_ADDRESS,
    SignInThrottle,
)
from weft_server.errors import TooMany


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def throttle(clock: Clock) -> SignInThrottle:
    return SignInThrottle(clock)


def wait(throttle: SignInThrottle, account: str = "ada", address: str = "1.1.1.1") -> int:
    try:
        throttle.check(account, address)
    except TooMany as error:
        return int(error.headers["Retry-After"])
    return 0


def test_waits_double(throttle: SignInThrottle, clock: Clock) -> None:
    waits = []
    for _ in range(FREE_ATTEMPTS + 12):
        clock.now += wait(throttle)
        throttle.failed("ada", "1.1.1.1")
        waits.append(wait(throttle))
    assert waits[: FREE_ATTEMPTS - 1] == [0] * (FREE_ATTEMPTS - 1)
    assert waits[FREE_ATTEMPTS - 1 : FREE_ATTEMPTS + 3] == [2, 4, 8, 16]
    assert waits[-1] == 900


def test_success_and_time_forgive(throttle: SignInThrottle, clock: Clock) -> None:
    for _ in range(FREE_ATTEMPTS):
        throttle.failed("ada", "1.1.1.1")
    assert wait(throttle) > 0
    throttle.succeeded("ada", "1.1.1.1")
    assert wait(throttle) == 0
    for _ in range(FREE_ATTEMPTS):
        throttle.failed("ada", "1.1.1.1")
    clock.now += 3601
    assert wait(throttle) == 0


def test_others_are_not_held_up(throttle: SignInThrottle) -> None:
    for _ in range(FREE_ATTEMPTS):
        throttle.failed("ada", "1.1.1.1")
    assert wait(throttle, "grace", "1.1.1.1") == 0
    assert wait(throttle, "ada", "2.2.2.2") == 0


def test_one_address_trying_many_accounts_is_held_up(throttle: SignInThrottle) -> None:
    for number in range(FREE_ATTEMPTS_OF_ADDRESS):
        throttle.failed(f"account{number}", "1.1.1.1")
    assert wait(throttle, "somebody else") > 0
    assert wait(throttle, "somebody else", "2.2.2.2") == 0


def test_memory_is_bounded(throttle: SignInThrottle, clock: Clock) -> None:
    for number in range(50_000):
        clock.now += 0.001
        throttle.failed(f"account{number}", f"address{number}")
    assert len(throttle._failures) <= 20_002


@pytest.mark.parametrize(
    ("address", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("fe80::1%eth0", "fe80::2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("1.1.1.1", "1.1.1.2", False),
        ("", "nonsense:", False),
    ],
)
def test_a_network_of_ipv6_counts_as_one(
    throttle: SignInThrottle, address: str, other: str, same: bool
) -> None:
    for _ in range(FREE_ATTEMPTS):
        throttle.failed("ada", address)
    assert wait(throttle, address=address) > 0
    assert (wait(throttle, address=other) > 0) is same
