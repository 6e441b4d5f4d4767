"""Credits: the window follows what the receiver can take, and nothing gets stuck or lost."""

from hypothesis import given
from hypothesis import strategies as st

from weft_engine.kernel.transport.credits import FRAMES, Account, Window


@given(
    st.integers(1, 50),
    st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60), st.integers(1, 60)), max_size=60),
)
def test_the_window_is_what_the_receiver_wants(
    first: int, steps: list[tuple[int, int, int]]
) -> None:
    """A sender that is not held up is only ever waited for by records that are under way."""
    window, account = Window(first, 10**9), Account(first, 10**9)
    sent = taken = 0
    most = first
    for send, take, wanted in steps:
        if window.open() and window.frames > 0:
            count = min(send, window.records)
            window.spend(count, 1)
            account.fed(count, 1)
            sent += count
        count = min(take, sent - taken)
        if count:
            taken += count
            most = max(most, wanted)
            credit = account.taken(count, wanted)
            if credit is not None:
                window.refill(memoryview(credit))
        assert sent - taken <= most
        if sent == taken:
            assert window.open(), "the sender waits for credits that never come"
            assert window.frames >= FRAMES // 2
    while sent > taken:
        taken += 1
        credit = account.taken(1, 7)
        if credit is not None:
            window.refill(memoryview(credit))
    assert window.open()
    assert window.records <= max(window.whole, 1)
