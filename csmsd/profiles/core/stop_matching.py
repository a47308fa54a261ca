"""Which transaction a StopTransaction.req means (C 4.10): the one that it names, else the only one that it can mean.

A stop that names its own transaction beats every guess, also afterwards. A guess is the last resort: a stop names no
connector, so idTag, time and register have to do, and two candidates are one too many (CE 3.18).
"""

from collections.abc import Callable
from typing import Literal

import msgspec

from csmsd.ocpp.identity import fold
from csmsd.profiles.core.energy.plain import UNKNOWN_CONNECTOR_W, plain_reach
from csmsd.profiles.core.transaction_book import TransactionBook
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.record import Milliseconds

ROUNDING_WH = 10  # a register in kWh with two decimals is up to this far off


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What a stop says of its transaction; `claimed` is None where it names none, or nothing that can be an id.

    `id_tag` is None where it is absent or empty: that is "unknown", not "another one". `time` is as it was read.
    """

    claimed: int | None
    id_tag: str | None
    meter_stop: int | None
    time: Milliseconds
    text: str


How = Literal["named", "guessed", "repeated", "contradicted", "nowhere"]


class Meant(msgspec.Struct, frozen=True):
    """`contradicted`: it names a transaction that ended otherwise."""

    how: How
    transaction: Transaction | None = None


def match_stop(claim: Claim, book: TransactionBook, latest_wh: Callable[[Transaction], float | None]) -> Meant:
    """What the stop is about. `latest_wh` tells where a transaction's register was last, None where nobody knows.

    Raises NotRemembered.
    """
    named = book.find(claim.claimed) if claim.claimed is not None else None  # in this charge point's book only
    if named is None:
        again = book.stopped_as(claim.id_tag, claim.text, claim.meter_stop)
        if again is not None:
            return Meant("repeated", again)
        return _match_by_guess(claim, book, latest_wh) or Meant("nowhere")
    if named.state in ("active", "abandoned"):
        return Meant("named", named)
    if named.state == "stopped" and (named.guessed or _match_ended_unread(named, claim)):
        return Meant("named", named)
    if named.stop_text == claim.text and named.meter_stop_wh in (claim.meter_stop, None):
        return Meant("repeated", named)
    if named.state == "stopped" and claim.meter_stop in (named.meter_stop_wh, None):
        return Meant("repeated", named)
    # Some keep the id of a transaction that is over.
    return _match_by_guess(claim, book, latest_wh, after=named) or Meant("contradicted", named)


def stop_matches(claim: Claim, transaction: Transaction) -> bool:
    """Whether a stop that does not name the transaction can mean it by idTag, time and register."""
    return (
        transaction.began <= claim.time
        and (claim.id_tag is None or fold(claim.id_tag) == fold(transaction.id_tag))
        and (claim.meter_stop is None or transaction.meter_start is None or transaction.meter_start <= claim.meter_stop)
    )


def _match_ended_unread(named: Transaction, claim: Claim) -> bool:
    """Whether it ended by a stop without a register, or with 0 for one, and here is one that has it."""
    if "meter_stop:estimated" in named.flags:
        return claim.meter_stop is not None
    return named.meter_stop_wh == 0 and bool(named.meter_start and claim.meter_stop)


def _match_by_guess(
    claim: Claim,
    book: TransactionBook,
    latest_wh: Callable[[Transaction], float | None],
    after: Transaction | None = None,
) -> Meant | None:
    if claim.meter_stop is None and claim.id_tag is None:
        return None  # it says nothing that could fit
    candidates = [known for known in book.active() if stop_matches(claim, known)]
    if after is not None:
        candidates = [known for known in candidates if _came_after_match(known, after)]
    elif not candidates and claim.id_tag is not None:
        candidates = [known for known in book.abandoned() if stop_matches(claim, known)]
    if len(candidates) > 1:
        candidates = [known for known in candidates if _match_in_reach(known, claim, book, latest_wh(known))]
    if len(candidates) == 1:
        book.require(candidates[0])
    if len(candidates) != 1 or book.used(candidates[0]) > claim.time:
        return None
    wh = latest_wh(candidates[0])
    if _match_is_known(candidates[0], claim, after) and not _match_goes_on(candidates[0], claim, after, wh):
        return None
    if claim.id_tag is None and claim.meter_stop is not None and wh is not None and claim.meter_stop + ROUNDING_WH < wh:
        return None
    return Meant("guessed", candidates[0])


def _match_in_reach(transaction: Transaction, claim: Claim, book: TransactionBook, wh: float | None) -> bool:
    """Whether its register can have come to that of the stop since it was read last."""
    if claim.meter_stop is None or transaction.meter_start is None:
        return True
    gained = claim.meter_stop - max(transaction.meter_start, wh or 0)
    passed = claim.time - max(transaction.began, book.used(transaction))
    return -ROUNDING_WH <= gained <= plain_reach(UNKNOWN_CONNECTOR_W, passed)


def _came_after_match(transaction: Transaction, before: Transaction) -> bool:
    """Whether a charge point may have kept the id of the one before; elsewhere than there, when that was over."""
    if transaction.connector == before.connector:
        return transaction.id > before.id
    return before.stop_time is not None and transaction.began >= before.stop_time


def _match_is_known(transaction: Transaction, claim: Claim, after: Transaction | None) -> bool:
    """Whether the charge point knows the transaction's id better than this stop does."""
    foreign = claim.claimed is not None and claim.claimed > 0
    return transaction.named and foreign and (claim.id_tag is None or after is not None)


def _match_goes_on(transaction: Transaction, claim: Claim, after: Transaction | None, wh: float | None) -> bool:
    """Whether the register is the one that goes on from the transaction before, whose id was kept, on its connector."""
    return (
        after is not None
        and transaction.connector == after.connector
        and claim.id_tag is not None
        and claim.meter_stop is not None
        and wh is not None
        and claim.meter_stop + ROUNDING_WH >= wh
        and claim.meter_stop > (after.meter_stop_wh or 0) + ROUNDING_WH
    )
