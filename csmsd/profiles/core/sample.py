"""A number that was measured, as `status` shows it."""

import msgspec

from csmsd.profiles.record import Milliseconds


class Sample(msgspec.Struct, frozen=True):
    """The newest reading of one measurand, in its base unit (Wh, W, A, V, percent)."""

    value: float
    unit: str
    time: Milliseconds
