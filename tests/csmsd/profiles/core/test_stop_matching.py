"""Which transaction a stop means: the one it names, else the only one that it can mean, else none."""

from typing import Any

import pytest

from csmsd.profiles.core.stop_matching import Claim, match_stop
from csmsd.profiles.core.transaction_book import TransactionBook
from csmsd.profiles.core.transactions import Transaction
from tests.csmsd.profiles.scene import NOON, SECOND

SECONDS = SECOND


def transaction(number: int, **fields: Any) -> Transaction:
    return Transaction(
        **{
            "id": number, "charge_point": "CP1", "connector": number, "id_tag": f"TAG{number}",
            "id_tag_status": "Accepted", "start_time": NOON, "start_text": f"start {number}",
            "start_received_at": NOON, "meter_start_wh": 1000, "reply": "{}", **fields,
        }
    )  # fmt: skip


def stopped(number: int, meter_stop: int = 2000, **fields: Any) -> Transaction:
    ended = {"state": "stopped", "stop_time": NOON + 60 * SECONDS, "stop_text": "then", "meter_stop_wh": meter_stop}
    return transaction(number, **ended | fields)


def find(
    book: list[Transaction],
    claimed: int | None,
    *,
    tag: str | None = None,
    meter: int | None = 2000,
    after: int = 120,
    text: str = "now",
    used: dict[int, int] | None = None,
    latest: dict[int, float] | None = None,
) -> tuple[str, int | None]:
    """How it is matched, and with which; `after` and `used` are seconds after noon."""
    kept = TransactionBook()
    for known in book:
        kept.add(known)
    for number, seconds in (used or {}).items():
        running = kept.get(number)
        assert running is not None
        kept.gather(running).newest = NOON + seconds * SECONDS
    claim = Claim(claimed=claimed, id_tag=tag, meter_stop=meter, time=NOON + after * SECONDS, text=text)
    found = match_stop(claim, kept, lambda known: (latest or {}).get(known.id))
    return found.how, found.transaction.id if found.transaction is not None else None


class TestNamed:
    def test_its_own_id_beats_all_else(self) -> None:
        running = [transaction(1), transaction(2)]
        assert find(running, 1, tag="TAG2", meter=500, after=-9) == ("named", 1)

    def test_also_after_it_was_given_up(self) -> None:
        assert find([transaction(1, state="abandoned"), transaction(2)], 1) == ("named", 1)

    def test_also_after_a_guess(self) -> None:
        assert find([stopped(1, flags=["stop:matched_8731"])], 1, meter=9000) == ("named", 1)

    def test_also_after_a_stop_without_a_register(self) -> None:
        unread = stopped(1, flags=["meter_stop:estimated"])
        assert find([unread], 1, meter=2100) == ("named", 1)
        assert find([unread], 1, meter=None) == ("repeated", 1)

    def test_also_after_a_stop_that_told_0_for_a_register_it_did_not_know(self) -> None:
        unknown = stopped(1, 0)
        assert find([unknown], 1, meter=2100) == ("named", 1)
        assert find([unknown], 1, meter=0, text="then") == ("repeated", 1)
        assert find([unknown], 1, meter=0) == ("repeated", 1)
        assert find([stopped(1, 0, meter_start_wh=0)], 1, meter=2100) == ("contradicted", 1)

    @pytest.mark.parametrize(("meter", "text"), [(2000, "then"), (2000, "later"), (None, "later")])
    def test_a_repeat_has_the_figures_of_the_one_that_was_booked(self, meter: int | None, text: str) -> None:
        # The same card charges elsewhere meanwhile, which its repetition must not end.
        book = [stopped(1), transaction(2, id_tag="TAG1")]
        assert find(book, 1, tag="TAG1", meter=meter, text=text) == ("repeated", 1)

    def test_other_figures_contradict_it(self) -> None:
        assert find([stopped(1)], 1, meter=9000) == ("contradicted", 1)
        assert find([stopped(1, state="closed", stop_text=None)], 1) == ("contradicted", 1)


class TestNamedAfterTheOneBefore:
    def test_it_ends_the_one_that_runs_on_that_connector(self) -> None:
        book = [stopped(1), transaction(2, connector=1, meter_start_wh=2000)]
        assert find(book, 1, meter=6000) == ("guessed", 2)

    def test_also_elsewhere_when_it_began_after_the_end_of_that_one(self) -> None:
        began = NOON + 60 * SECONDS
        book = [stopped(1), transaction(2, connector=3, start_time=began, start_received_at=began)]
        assert find(book, 1, meter=6000) == ("guessed", 2)
        assert find([*book, transaction(3, connector=1)], 1, meter=6000) == ("contradicted", 1)

    @pytest.mark.parametrize(
        "running",
        [
            {"connector": 3},  # elsewhere, while the one before still ran
            {"connector": 1, "meter_start_wh": 7000},
            {"connector": 1, "start_time": NOON + 500 * SECONDS, "start_received_at": NOON + 500 * SECONDS},
            {"connector": 1, "named": True},  # it knows the id of that one
        ],
    )
    def test_unless_it_cannot_be_meant(self, running: dict[str, Any]) -> None:
        assert find([stopped(1), transaction(2, **running)], 1, meter=6000) == ("contradicted", 1)

    @pytest.mark.parametrize(
        ("stop", "found"),
        [
            ({}, "guessed"),
            ({"tag": "TAG1"}, "contradicted"),  # the other's card
            ({"tag": None}, "contradicted"),
            ({"meter": 4000}, "contradicted"),  # it was further already
            ({"latest": {}}, "contradicted"),
            ({"used": {2: 130}}, "contradicted"),  # it went on
        ],
    )
    def test_although_it_knows_its_id_where_card_and_register_go_on(self, stop: dict[str, Any], found: str) -> None:
        book = [stopped(1), transaction(2, connector=1, meter_start_wh=2000, named=True)]
        told: dict[str, Any] = {"tag": "TAG2", "meter": 6000, "latest": {2: 5000.0}} | stop
        assert find(book, 1, **told)[0] == found

    def test_a_register_elsewhere_goes_on_from_no_other(self) -> None:
        began = NOON + 60 * SECONDS
        book = [stopped(1), transaction(2, connector=3, named=True, start_time=began, start_received_at=began)]
        assert find(book, 1, tag="TAG2", meter=6000, latest={2: 5000.0}) == ("contradicted", 1)


class TestNamedByNobodysId:
    @pytest.mark.parametrize("claimed", [None, -1, 0, 8731])
    def test_the_only_one_that_fits_is_guessed(self, claimed: int | None) -> None:
        assert find([transaction(1)], claimed) == ("guessed", 1)
        assert find([transaction(1), transaction(2)], claimed, tag="tag2") == ("guessed", 2)
        assert find([transaction(1), transaction(2)], claimed) == ("nowhere", None)

    @pytest.mark.parametrize(
        "stop", [{"tag": "TAG2"}, {"meter": 900}, {"after": -1}, {"meter": None}, {"latest": {1: 3000.0}}]
    )
    def test_nothing_fits(self, stop: dict[str, Any]) -> None:
        assert find([transaction(1)], -1, **stop) == ("nowhere", None)

    @pytest.mark.parametrize(
        ("stop", "found"),
        [
            ({}, ("guessed", 2)),
            ({"latest": {1: 3000, 2: 702_000}, "used": {1: 60, 2: 60}}, ("guessed", 2)),
            ({"meter": 706_000, "latest": {2: 706_100}}, ("nowhere", None)),  # and the first does not come so far
            ({"meter": 9_000_000}, ("nowhere", None)),
            ({"meter": None}, ("nowhere", None)),
        ],
    )
    def test_of_two_with_one_card_the_one_whose_register_comes_to_it(self, stop: dict[str, Any], found: Any) -> None:
        running = [transaction(1, id_tag="TAG"), transaction(2, id_tag="TAG", meter_start_wh=700_000, named=True)]
        sent: dict[str, Any] = {"tag": "TAG", "meter": 705_000} | stop
        assert find(running, None, **sent) == found

    def test_of_two_with_one_card_none_where_both_may_be(self) -> None:
        running = [transaction(1, id_tag="TAG"), transaction(2, id_tag="TAG", meter_start_wh=1500)]
        assert find(running, None, tag="TAG") == ("nowhere", None)

    def test_a_register_that_is_rounded_fits(self) -> None:
        assert find([transaction(1)], -1, latest={1: 2004.0}) == ("guessed", 1)

    def test_the_idtag_counts_for_more_than_a_reading(self) -> None:
        assert find([transaction(1)], -1, tag="TAG1", latest={1: 3000.0}) == ("guessed", 1)

    def test_a_register_that_the_start_did_not_tell_fits_any(self) -> None:
        assert find([transaction(1, meter_start_wh=9999, flags=["meter_start:unknown"])], -1) == ("guessed", 1)

    def test_a_start_that_was_ahead_of_us_began_when_it_came(self) -> None:
        assert find([transaction(1, start_time=NOON + 7200 * SECONDS)], -1) == ("guessed", 1)

    @pytest.mark.parametrize(
        ("claimed", "tag", "used", "found"),
        [
            (8731, None, 60, "nowhere"),  # it knows the id, and names another one
            (8731, "TAG1", 60, "guessed"),
            (-1, None, 60, "guessed"),  # it has lost the id
            (None, None, 60, "guessed"),
            (-1, "TAG1", 130, "nowhere"),  # it went on using the id
            (None, None, 130, "nowhere"),
        ],
    )
    def test_none_that_the_charge_point_goes_on_using(
        self, claimed: int | None, tag: str | None, used: int, found: str
    ) -> None:
        assert find([transaction(1, named=True)], claimed, tag=tag, used={1: used})[0] == found

    def test_one_that_was_given_up_by_its_idtag_alone(self) -> None:
        book = [transaction(1, state="abandoned"), transaction(2)]
        assert find(book, -1, tag="TAG1") == ("guessed", 1)
        assert find([transaction(1, state="abandoned")], -1) == ("nowhere", None)

    def test_a_guess_that_comes_again_is_a_repeat(self) -> None:
        guessed = stopped(1, flags=["stop:matched_-1"], stop_id_tag="TAG1")
        book = [guessed, transaction(2, id_tag="TAG1")]
        assert find(book, -1, tag="TAG1", text="then") == ("repeated", 1)
        assert find(book, -1, tag="TAG1", text="later") == ("guessed", 2)
