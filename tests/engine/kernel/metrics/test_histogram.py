"""Histograms by powers of two."""

import math

from hypothesis import given
from hypothesis import strategies as st

from weft_engine.kernel.metrics.counters import BUCKETS, SubtaskCounters
from weft_engine.kernel.metrics.histogram import merged, quantile, since

TIMES = st.lists(st.integers(1, 10**12), min_size=1, max_size=200)


def histogram(times: list[int]) -> tuple[int, ...]:
    counters = SubtaskCounters(["a"])
    for time in times:
        counters.worked(time)
    return tuple(counters.batch_ns)


@given(TIMES, st.floats(0.01, 1))
def test_a_quantile_is_in_the_bucket_of_the_true_one(times: list[int], q: float) -> None:
    true = sorted(times)[math.ceil(q * len(times)) - 1]
    found = quantile(histogram(times), q)
    assert found is not None
    assert 2 ** (true.bit_length() - 1) <= found <= 2 ** true.bit_length()


@given(TIMES, TIMES)
def test_two_are_as_one_of_all(one: list[int], other: list[int]) -> None:
    both = histogram(one + other)
    assert merged([histogram(one), histogram(other)]) == both
    assert since(both, histogram(one)) == histogram(other)


def test_nothing_has_no_quantile() -> None:
    assert quantile((), 0.5) is None
    assert quantile((0,) * BUCKETS, 0.5) is None


def test_lengths_may_differ() -> None:
    assert merged([(1,), (1, 2), ()]) == (2, 2)
    assert since((1, 5), (1,)) == (0, 5)
