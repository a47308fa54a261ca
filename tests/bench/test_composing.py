"""How long csmsd works out a composite schedule, during which it does nothing else."""

from statistics import median
from time import process_time

import pytest

from csmsd.profiles.smart_charging.composite_schedule import Moment, compose_schedule
from tests.csmsd.profiles.smart_charging.profiles import DAY, MONDAY, a_thousand

pytestmark = pytest.mark.bench

ROUNDS = 5


def test_composing() -> None:
    sources, at = a_thousand(), Moment(now=MONDAY, running={})
    print(f"\n\n{'a composite schedule over a week':36}{'CPU, ms':>12}")
    for count in (1, 10, 100, 1000):
        seconds = []
        for _ in range(ROUNDS):
            begun = process_time()
            compose_schedule(sources[:count], 1, MONDAY, MONDAY + 7 * DAY, "A", at)
            seconds.append(process_time() - begun)
        print(f"{f'of {count} charging profiles':36}{median(seconds) * 1000:12.1f}")
