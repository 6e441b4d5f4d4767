"""One thread waits for others; and its timers are precise while it does."""

import ctypes
import sys
import threading

import pytest

from weft_engine.kernel.runtime.bell import Bell
from weft_engine.kernel.runtime.timer_slack import precise_timers


@pytest.mark.parametrize("timeout", [0, 0.0, -1, 1e-9])
def test_nobody_rings(timeout: float) -> None:
    lock = threading.Lock()
    bell = Bell(lock)
    with lock:
        for _ in range(3):
            bell.wait(timeout)
            assert not bell.waiting
        assert lock.locked()


def test_who_does_not_wait_is_not_woken_the_next_time() -> None:
    lock = threading.Lock()
    bell = Bell(lock)
    with lock:
        bell.ring()
        bell.wait(0)
    waits = threading.Thread(target=_wait, args=(lock, bell, None))
    waits.start()
    while not bell.waiting:
        pass
    with lock:
        bell.ring()
        bell.ring()
    waits.join(60)
    assert not waits.is_alive()
    with lock:
        bell.wait(0)  # the second ring has left nothing behind
        assert not bell._sleeper.acquire(blocking=False)


def _wait(lock: threading.Lock, bell: Bell, timeout: float | None) -> None:
    with lock:
        bell.wait(timeout)


@pytest.mark.parametrize(
    "timeout", [None, 0, 1e-6, 1e-4], ids=["for ever", "none", "1 us", "0.1 ms"]
)
def test_nothing_is_lost_when_it_rings_just_when_the_time_is_over(timeout: float | None) -> None:
    """Numbers are handed over one by one; whoever misses one waits for ever."""
    lock = threading.Lock()
    there, room = Bell(lock), Bell(lock)
    box: list[int] = []
    count, got = (5000 if timeout is None or timeout >= 1e-4 else 500), []

    def give() -> None:
        for number in range(count):
            with lock:
                while box:
                    room.wait(timeout)
                box.append(number)
                there.ring()

    giver = threading.Thread(target=give, daemon=True)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        giver.start()
        for _ in range(count):
            with lock:
                while not box:
                    there.wait(timeout)
                got.append(box.pop())
                room.ring()
    finally:
        sys.setswitchinterval(interval)
    giver.join(60)
    assert got == list(range(count))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has slack")
def test_timers_are_precise_for_as_long_as_it_was_asked_for() -> None:
    libc = ctypes.CDLL(None)

    def slack() -> int:
        return int(libc.prctl(30, 0, 0, 0, 0))

    before = slack()
    if before <= 0:
        pytest.skip("this system does not tell its slack")
    with precise_timers():
        assert slack() == min(before, 1000)
        with precise_timers():
            assert slack() == min(before, 1000)
        assert slack() == min(before, 1000)
    assert slack() == before
