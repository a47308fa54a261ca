"""Transactions: the records that bills are made of, and what of them may have to be looked up."""

from collections.abc import Collection
from typing import ClassVar, Literal

import msgspec

from csmsd.ocpp.identity import fold
from csmsd.ocpp.timestamps import parse_timestamp
from csmsd.profiles.core.energy.evidence import Boot, Start, Stop
from csmsd.profiles.core.moments import TOLD_WITHIN
from csmsd.profiles.record import Milliseconds, Record

TransactionState = Literal["active", "stopped", "abandoned", "closed"]

StartKey = tuple[int, str, str, int]

STOP_TOLD = "stop_time:told_"  # a flag, with what a clock showed that is not believed


class Transaction(Record, kw_only=True):
    """A transaction.

    `abandoned`: never stopped, and another one began on its connector. `closed`: the operator closed the books.
    `reply` is the first StartTransaction.conf, which a repeated StartTransaction.req gets again. `flags` names what
    was odd, for example `start_time:in_the_future` or `stop:matched_-1`. `named`: its charge point has used its id.
    `booking` grows in the order of commits; `revision` is how often it was booked: the last time counts.
    """

    table: ClassVar[str] = "transactions"
    key: ClassVar[tuple[str, ...]] = ("id",)

    id: int
    charge_point: str
    connector: int
    id_tag: str
    id_tag_status: str
    state: TransactionState = "active"
    reservation: int | None = None
    start_time: Milliseconds
    start_text: str  # as the charge point wrote it
    start_received_at: Milliseconds
    meter_start_wh: int
    stop_time: Milliseconds | None = None
    stop_text: str | None = None
    stop_received_at: Milliseconds | None = None
    meter_stop_wh: int | None = None
    stop_reason: str | None = None
    stop_id_tag: str | None = None
    energy_wh: int = 0  # the figure that counts
    at_least_wh: int | None = None
    at_most_wh: int | None = None
    basis: str | None = None  # None: an older version has judged it
    doubts: list[str] = []
    boots: list[Boot] = []  # of its charge point, since it began
    flags: list[str] = []
    note: str | None = None
    reply: str
    booking: int | None = None  # its last number among what ended, also while it runs again

    revision: int = 0
    named: bool = False
    settled_at: Milliseconds | None = None
    settled_by: str | None = None
    settled_reason: str | None = None
    reckoned_wh: int | None = None  # what the evidence says, where the operator has settled another figure

    @property
    def energy_suspect(self) -> bool:
        """Whether its figure is in doubt: as long as nobody has settled it, knowing its end."""
        settled = self.settled_at is not None and self.settled_at >= (self.stop_received_at or 0)
        return bool(self.doubts) and not settled

    @property
    def start(self) -> Start:
        """What its StartTransaction says of its energy."""
        register = self.meter_start
        return Start(
            time=self.start_time,
            received_at=self.start_received_at,
            register=None if register is None else float(register),
            oddity=self._oddity("start_time:"),
        )

    @property
    def stop(self) -> Stop | None:
        """What the stop that it ended by says of its energy."""
        if self.state != "stopped" or self.stop_time is None:
            return None
        estimated = self.meter_stop_wh is None or "meter_stop:estimated" in self.flags
        told = self.stop_told_at
        return Stop(
            time=self.stop_time if told is None else told,
            received_at=self.stop_received_at or self.stop_time,
            register=None if estimated or self.meter_stop_wh is None else float(self.meter_stop_wh),
            oddity=self._oddity("stop_time:"),
        )

    def _oddity(self, beginning: str) -> str | None:
        odd = (flag.removeprefix(beginning) for flag in self.flags if flag.startswith(beginning))
        return next((oddity for oddity in odd if oddity != "before_start" and not oddity.startswith("told_")), None)

    @property
    def stop_told_at(self) -> Milliseconds | None:
        """When it ended by a clock that is not believed, so that `stop_time` is when csmsd heard of it; else None."""
        told = next((flag for flag in self.flags if flag.startswith(STOP_TOLD)), None)
        return parse_timestamp(told.removeprefix(STOP_TOLD)) if told is not None else None

    @property
    def meter_start(self) -> int | None:
        """Its register at the start, None where the start did not tell it."""
        return None if "meter_start:unknown" in self.flags else self.meter_start_wh

    @property
    def guessed(self) -> bool:
        """Whether it ended by a StopTransaction that did not name it; its own may still come."""
        return self.state == "stopped" and any(flag.startswith("stop:matched_") for flag in self.flags)

    @property
    def began(self) -> Milliseconds:
        """When it began at the latest: a clock that is ahead tells a start from after its arrival."""
        return min(self.start_time, self.start_received_at)

    def lasts_from(self, doubts: Collection[str]) -> Milliseconds:
        """From when its length counts: a clock that is not believed, or is years behind while it runs, gives none.

        Where it began and ended by one such clock, that tells how long it lasted.
        """
        lasted = self._told_length if "start_clock" in doubts else None
        if lasted is not None and self.stop_time is not None:
            return self.stop_time - lasted
        behind = self.state == "active" and self.start_received_at - self.start_time > TOLD_WITHIN
        return self.start_received_at if behind or "start_clock" in doubts else self.start_time

    @property
    def _told_length(self) -> Milliseconds | None:
        """How long it lasted by one clock that shows another time, where it began and ended by that."""
        began: Milliseconds | None = self.start_time
        ended = self.stop_told_at
        if {"start_time:before_2010", "stop_time:before_2010"} <= set(self.flags):
            began, ended = parse_timestamp(self.start_text), parse_timestamp(self.stop_text or "")
        if began is None or ended is None or not began <= ended <= began + TOLD_WITHIN:
            return None
        return ended - began

    @property
    def unfinished(self) -> bool:
        """Whether it may still be measured, or stopped by its charge point."""
        return self.state in ("active", "abandoned") or self.guessed

    def flag(self, *flags: str) -> None:
        """Marks what was odd about it, each oddity once."""
        self.flags = self.flags + [flag for flag in flags if flag not in self.flags]

    def unflag(self, *beginnings: str) -> None:
        """Takes back what turned out not to be so."""
        self.flags = [flag for flag in self.flags if not flag.startswith(beginnings)]

    @property
    def start_key(self) -> StartKey:
        return transaction_start_key(self.connector, self.id_tag, self.start_text, self.meter_start_wh)


def transaction_start_key(connector: int, id_tag: str, timestamp: str, meter_start: int) -> StartKey:
    """What makes two StartTransaction.req of a charge point one and the same start."""
    return (connector, fold(id_tag), timestamp, meter_start)


class History(msgspec.Struct):
    """What a charge point has left on disk.

    `newest_start` is None where it has no transaction; `awaited` are those whose own stop may still come.
    """

    newest_start: Milliseconds | None
    awaited: list[Transaction]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Transactions of a charge point that memory does not hold, or not with what was measured of them.

    Those with the `ids`; the one that began with the start `start`, at that time or, since either clock may be wrong,
    among the newest; or, among these, those that ended by a stop with the timestamp `stop_text`.
    """

    ids: tuple[int, ...] = ()
    start: tuple[StartKey, Milliseconds | None] | None = None
    stop_text: str | None = None


class NotRemembered(Exception):
    """Whoever handles a message has to be told first what is on disk: then it is handled anew. Nothing was changed."""

    def __init__(self, wanted: Wanted) -> None:
        super().__init__(repr(wanted))
        self.wanted = wanted
