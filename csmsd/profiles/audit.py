"""The audit: who gave which command to csmsd, through which socket; and who was refused it."""

from typing import ClassVar

from csmsd.profiles.record import Milliseconds, Record


class Audited(Record, kw_only=True):
    """A command, kept before anything comes of it; or a refusal, with how often it was repeated within an hour."""

    table: ClassVar[str] = "audit"
    key: ClassVar[tuple[str, ...]] = ("id",)

    id: int
    time: Milliseconds
    last_time: Milliseconds
    uid: int | None
    user: str | None
    socket: str
    command: str  # the method of the control socket, or the command of OCPP
    about: str  # what it was about, as far as that is no secret
    refused: bool
    times: int = 1
