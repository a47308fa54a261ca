"""What was last done to the books as a whole."""

from typing import ClassVar, Literal

from csmsd.profiles.record import Milliseconds, Record

MilestoneName = Literal["export", "backup", "prune"]


class Milestone(Record, kw_only=True):
    """The newest of its kind. `number` is the last booking exported, the bytes of the backup, or the rows pruned."""

    table: ClassVar[str] = "milestone"
    key: ClassVar[tuple[str, ...]] = ("name",)

    name: MilestoneName
    at: Milliseconds
    number: int
    user: str | None = None  # None: csmsd by itself
