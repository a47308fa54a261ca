"""What last happened to the books as a whole."""

from typing import ClassVar, Literal

from csmsd.profiles.record import Milliseconds, Record

MilestoneName = Literal["export", "backup", "prune", "clock_jump", "check", "ca_export", "event_numbers"]


class Milestone(Record, kw_only=True):
    """The newest of its kind. `number` is the last booking exported, the bytes of the backup, the rows pruned, by how
    many ms the clock jumped, whether a check found damage (1) or none (0), which CA was exported, or the number beyond
    which no event was told."""

    table: ClassVar[str] = "milestone"
    key: ClassVar[tuple[str, ...]] = ("name",)

    name: MilestoneName
    at: Milliseconds
    number: int
    user: str | None = None  # None: csmsd by itself
