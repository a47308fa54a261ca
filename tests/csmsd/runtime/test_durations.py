"""Durations counted into buckets."""

from csmsd.runtime.durations import Durations


def test_buckets_count_what_took_no_longer() -> None:
    durations = Durations((0.1, 1.0))
    for seconds in (0.05, 0.1, 0.5, 2.0):
        durations.add(seconds)

    assert durations.buckets() == [("0.1", 2), ("1.0", 3), ("+Inf", 4)]
    assert (durations.count, durations.total) == (4, 2.65)
