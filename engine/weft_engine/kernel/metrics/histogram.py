"""What histograms by powers of two say: quantiles, and sums of several."""

from collections.abc import Iterable, Sequence


def merged(histograms: Iterable[Sequence[int]]) -> tuple[int, ...]:
    """One histogram of all; shorter ones count as if they had empty buckets at the end."""
    total: list[int] = []
    for histogram in histograms:
        total += [0] * (len(histogram) - len(total))
        for bucket, count in enumerate(histogram):
            total[bucket] += count
    return tuple(total)


def since(now: Sequence[int], before: Sequence[int]) -> tuple[int, ...]:
    """What has been added to a histogram."""
    earlier = [*before, *[0] * (len(now) - len(before))]
    return tuple(max(0, new - old) for new, old in zip(now, earlier, strict=False))


def upper(bucket: int) -> int:
    """What everything in a bucket is below: bucket 0 holds only zeros."""
    return 1 << bucket


def quantile(histogram: Sequence[int], q: float) -> float | None:
    """About the value that a share `q` of all values do not exceed; None when there are none.

    Within a bucket values are taken to be spread evenly, so that the answer is off by less than a
    factor of two.
    """
    total = sum(histogram)
    if not total:
        return None
    wanted, below = q * total, 0
    for bucket, count in enumerate(histogram):
        if count and below + count >= wanted:
            low = upper(bucket) // 2 if bucket else 0
            high = upper(bucket) if bucket else 0
            return low + (high - low) * max(0.0, wanted - below) / count
        below += count
    return float(upper(len(histogram) - 1))
