"""A circuit breaker of one phase: what flows warms it, and it opens when that was too much for too long. Pure."""

from math import expm1

NEVER_TRIPS_AT = 1.13  # times its rating (IEC 60898-1): that is borne for ever
TRIPS_AT_ONCE_AT = 5.0  # times its rating: what the magnetic release of type B takes for a short circuit
WARMS_IN_S = 600.0  # time constant
UNSEEN_A = 0.05  # what no meter sees


class Breaker:
    """Rated in A. Cold, it bears 1.15 times its rating for half an hour, 1.45 times for 9 minutes, twice for 4."""

    def __init__(self, rated_a: float) -> None:
        self.rated_a = rated_a
        self.heat = 0.0  # square of the load, as a share of the rating, that it has got used to
        self.tripped = False
        self.most_a = 0.0
        self.over_s = 0.0  # how long there was more than its rating

    def carry(self, a: float, seconds: float) -> bool:
        """So much flows for so long; whether it opens now."""
        if self.tripped:
            return False
        self.most_a = max(self.most_a, a)
        if a > self.rated_a + UNSEEN_A:
            self.over_s += seconds
        load = a / self.rated_a if self.rated_a else (TRIPS_AT_ONCE_AT if a > UNSEEN_A else 0.0)
        self.heat -= (load * load - self.heat) * expm1(-seconds / WARMS_IN_S)
        if self.heat <= NEVER_TRIPS_AT**2 and load < TRIPS_AT_ONCE_AT:
            return False
        self.tripped = True
        return True

    def close(self) -> None:
        """Somebody has closed it again, after it has cooled down."""
        self.tripped, self.heat = False, 0.0
