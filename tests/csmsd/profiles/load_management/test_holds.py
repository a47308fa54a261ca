"""What a member may draw, given all that it may or may not have received."""

from csmsd.profiles.load_management.holds import NEVER, Hold, Ledger, certainly_lent, most_of, spans_of

A = 1000
KEY = ("cp1", 1)
ALL = (0, 1, 2)


def hold(ledger: Ledger, ma: int, *, transaction: int | None = None, end: int = NEVER, fallback: int = 0) -> int:
    """A lease that is sent; its serial."""
    serial = ledger.new_serial()
    ledger.add(
        KEY,
        Hold(
            serial=serial,
            slot="default" if transaction is None else "transaction",
            transaction=transaction,
            ma=ma * A,
            fallback_ma=fallback * A,
            earliest=end - 10 if end < NEVER else NEVER,
            latest=end + 10 if end < NEVER else NEVER,
            phases=ALL,
        ),
    )
    return serial


def most(ledger: Ledger, now: int = 0) -> list[tuple[int, int]]:
    """When, and A on a phase from then on."""
    return [(moment, lanes[0] // A) for moment, lanes in ledger.most(KEY, now)]


def installed() -> Ledger:
    """A member that has a limit for all transactions: nothing until 1000, then 8 A."""
    ledger = Ledger()
    ledger.begin(KEY, 32 * A, ALL, 0)
    ledger.accepted(KEY, hold(ledger, 0, end=1000, fallback=8), 0, 0)
    ledger.tidy(0)
    return ledger


def test_who_has_accepted_nothing_may_draw_its_rating() -> None:
    ledger = Ledger()
    ledger.begin(KEY, 32 * A, ALL, 0)
    serial = hold(ledger, 0, end=1000, fallback=8)
    assert most(ledger) == [(0, 32)]
    assert ledger.in_doubt(KEY)
    ledger.accepted(KEY, serial, 5, 10)
    assert most(ledger, 5) == [(5, 32), (15, 0), (990, 8)]
    assert not ledger.in_doubt(KEY)


def test_by_its_clock_a_lease_ends_earlier_or_later() -> None:
    ledger = installed()
    ledger.begun(KEY, 7, 0)
    ledger.accepted(KEY, hold(ledger, 16, transaction=7, end=500, fallback=8), 0, 0)
    assert most(ledger) == [(0, 16), (510, 8)]
    assert most(installed()) == [(0, 0), (990, 8)]


def test_what_was_sent_may_have_arrived_and_what_was_before_may_still_hold() -> None:
    ledger = installed()
    ledger.begun(KEY, 7, 0)
    first = hold(ledger, 16, transaction=7)
    lower = hold(ledger, 6, transaction=7)
    assert most(ledger)[0] == (0, 16)
    ledger.accepted(KEY, first, 0, 5)
    assert most(ledger)[0] == (0, 16)
    ledger.accepted(KEY, lower, 10, 5)
    assert most(ledger, 10)[:2] == [(10, 16), (15, 6)]


def test_a_late_or_doubled_answer_brings_nothing_back() -> None:
    ledger = installed()
    ledger.begun(KEY, 7, 0)
    first, lower = hold(ledger, 16, transaction=7), hold(ledger, 6, transaction=7)
    ledger.accepted(KEY, lower, 0, 5)
    ledger.accepted(KEY, first, 1, 5)
    ledger.accepted(KEY, lower, 3, 5)
    assert most(ledger, 3)[:2] == [(3, 16), (5, 6)]
    ledger.tidy(5)
    ledger.accepted(KEY, first, 6, 5)
    assert most(ledger, 6)[0] == (6, 6)


def test_a_transaction_that_ends_leaves_what_holds_for_the_next() -> None:
    ledger = installed()
    ledger.begun(KEY, 7, 0)
    ledger.accepted(KEY, hold(ledger, 16, transaction=7), 0, 0)
    ledger.ended(KEY, 6, 0)
    assert most(ledger)[0] == (0, 16)
    assert ledger.running(KEY) == 7
    ledger.ended(KEY, 7, 0)
    assert most(ledger)[0] == (0, 0)
    assert ledger.running(KEY) is None
    ledger.accepted(KEY, hold(ledger, 16, transaction=7), 0, 0)
    ledger.begun(KEY, 8, 0)
    assert most(ledger)[0] == (0, 0)


def test_after_a_boot_it_may_have_lost_all_limits_until_they_are_accepted_again() -> None:
    ledger = installed()
    ledger.begun(KEY, 7, 0)
    before = hold(ledger, 10, transaction=7)
    ledger.begin(KEY, 32 * A, ALL, 0)
    ledger.accepted(KEY, before, 0, 0)  # it was on its way when the charge point booted
    assert most(ledger) == [(0, 32)]
    ledger.accepted(KEY, hold(ledger, 0), 0, 0)
    assert most(ledger) == [(0, 32)], "a default binds new transactions, not the one that runs"
    ledger.accepted(KEY, hold(ledger, 6, transaction=7), 0, 0)
    assert most(ledger) == [(0, 6)]


def test_the_end_of_the_transaction_ends_that_doubt_too() -> None:
    ledger = installed()
    ledger.begun(KEY, 7, 0)
    ledger.begin(KEY, 32 * A, ALL, 0)
    ledger.accepted(KEY, hold(ledger, 0), 0, 0)
    ledger.ended(KEY, 7, 0)
    assert most(ledger) == [(0, 32), (30_000, 0)], "when it has obeyed"


def test_what_is_drawn_above_all_limits_counts_until_they_are_kept_again() -> None:
    ledger = installed()
    ledger.measured(KEY, 20 * A, ALL, 0)
    assert ledger.in_doubt(KEY)
    assert most(ledger) == [(0, 20)]
    ledger.measured(KEY, 22 * A, ALL, 0)
    assert most(ledger) == [(0, 22)]
    ledger.measured(KEY, None, ALL, 0)
    assert most(ledger)[0] == (0, 0)


def test_a_meter_that_shows_obedience_ends_the_waiting() -> None:
    ledger = installed()
    hold(ledger, 16)
    ledger.accepted(KEY, hold(ledger, 6), 0, 100)
    ledger.obeyed(KEY, 20)
    assert most(ledger, 20) == [(20, 6)]


def test_when_our_clock_is_set_leases_may_end_earlier_and_later() -> None:
    ledger = installed()
    ledger.clock_moved(-100, 0)
    assert most(ledger) == [(0, 0), (890, 8)]
    ledger.begun(KEY, 7, 0)
    ledger.accepted(KEY, hold(ledger, 16, transaction=7, end=500, fallback=8), 0, 0)
    ledger.clock_moved(100, 100)
    assert most(ledger, 100) == [(100, 16), (610, 8)]


def test_when_our_clock_is_set_what_was_is_as_long_ago_as_before() -> None:
    ledger = installed()
    ledger.begun(KEY, 7, 0)
    first, lower = hold(ledger, 16, transaction=7), hold(ledger, 6, transaction=7)
    ledger.accepted(KEY, first, 0, 0)
    ledger.accepted(KEY, lower, 20, 10)
    ledger.clock_moved(-1000, -975)
    assert most(ledger, -975)[:2] == [(-975, 16), (-970, 6)]
    newest = ledger.newest(KEY, "transaction", 7)
    assert newest is not None
    assert (newest.sent_at, newest.accepted_at) == (-1000, -980)
    ledger.clock_moved(1005, 5)
    assert (newest.sent_at, newest.accepted_at) == (5, 5), "nothing is still to come"


def test_how_long_csmsd_was_dead_a_clock_that_may_have_been_set_does_not_tell() -> None:
    ledger = installed()
    ledger.begun(KEY, 7, 0)
    ledger.accepted(KEY, hold(ledger, 16, transaction=7, end=500, fallback=8), 0, 0)
    again = Ledger(list(ledger))
    again.read_again(600, 0)
    assert most(again, 600) == [(600, 16), (600 + 510, 8)]
    again = Ledger(list(installed()))
    again.read_again(-5, 0)
    assert most(again, -5) == [(-5, 8)], "it was set back, nobody knows how far"
    assert [held.accepted_at for _, held in again] == [-5]


def test_that_a_clock_was_set_back_also_shows_in_what_csmsd_saw_last() -> None:
    for seen_at, then in ((600, 0), (601, 8)):
        again = Ledger(list(installed()))
        assert again.read_again(600, seen_at) == (seen_at > 600)
        assert most(again, 600)[0] == (600, then)


def test_one_that_another_has_replaced_is_accepted_late_in_vain() -> None:
    ledger = installed()
    ledger.begun(KEY, 7, 0)
    first, second = hold(ledger, 16, transaction=7), hold(ledger, 6, transaction=7)
    ledger.accepted(KEY, second, 20, 0)
    ledger.accepted(KEY, first, 30, 0)
    ledger.tidy(40)
    assert most(ledger, 40)[0] == (40, 6)


def test_what_had_still_to_be_obeyed_is_waited_for_again() -> None:
    ledger = installed()
    ledger.begun(KEY, 7, 0)
    first, lower = hold(ledger, 16, transaction=7), hold(ledger, 6, transaction=7)
    ledger.accepted(KEY, first, 0, 0)
    ledger.accepted(KEY, lower, 20, 10)
    ledger.read_again(50, 0)
    assert most(ledger, 50)[:2] == [(50, 16), (30_050, 8)], "then its default may have ended, too"


def test_what_is_on_its_way_to_a_transaction_may_be_taken_for_the_next_one() -> None:
    ledger = installed()
    ledger.begun(KEY, 7, 0)
    ledger.accepted(KEY, hold(ledger, 20, transaction=7), 0, 0)
    late = hold(ledger, 16, transaction=7)
    ledger.ended(KEY, 7, 10)
    assert most(ledger, 10)[0] == (10, 16), "not the one that has ceased with it"
    ledger.begun(KEY, 8, 20)
    assert most(ledger, 20)[0] == (20, 16)
    ledger.accepted(KEY, late, 30, 0)
    assert most(ledger, 30)[0] == (30, 16), "by which transaction it was taken, it does not say"
    ledger.accepted(KEY, hold(ledger, 6, transaction=8), 40, 5)
    assert most(ledger, 45)[0] == (45, 6)
    assert most(ledger, 200_000) == [(200_000, 8)]


def test_a_member_that_is_described_anew() -> None:
    ledger = installed()
    assert not ledger.described_anew(KEY, 32 * A, ALL)
    ledger.begin(KEY, 32 * A, ALL, 0)
    assert not ledger.described_anew(KEY, 20 * A, ALL)
    assert most(ledger)[0] == (0, 20)
    assert ledger.described_anew(KEY, 20 * A, (1,))
    assert ledger.most(KEY, 0)[0][1] == (0, 20 * A, 0, 20 * A)
    held = Hold(serial=90, slot="transaction", transaction=7, ma=30 * A, fallback_ma=0, phases=(1,))
    ledger.add(KEY, held)
    assert not ledger.described_anew(KEY, 20 * A, (1,))
    assert ledger.described_anew(KEY, 20 * A, (2, 0))
    assert ledger.most(KEY, 0)[0][1] == (30 * A, 0, 30 * A, 60 * A)


def test_one_that_is_limited_as_a_whole_has_no_limit_of_a_transaction() -> None:
    ledger = installed()
    ledger.begun(KEY, 7, 0)
    ledger.accepted(KEY, hold(ledger, 16, transaction=7), 0, 0)
    ledger.limited_as_a_whole(KEY)
    assert ledger.running(KEY) is None
    assert most(ledger) == [(0, 0), (990, 8)]


def test_on_fewer_phases_less_is_taken_of_the_sum() -> None:
    held = Hold(serial=1, slot="transaction", ma=10 * A, fallback_ma=0, phases=(1,))
    both = [held, Hold(serial=2, slot="default", ma=4 * A, fallback_ma=0, phases=ALL)]
    assert most_of(both, 0) == [(0, (4 * A, 10 * A, 4 * A, 12 * A))]
    assert list(spans_of(most_of([held], 0))) == [(0, NEVER, (0, 10 * A, 0, 10 * A))]


def test_what_is_accepted_after_the_end_of_its_transaction_may_be_taken_for_the_next_one() -> None:
    """Matching is a MAY (C 7.8), and of the next one nobody may have heard: it holds until it did not run, or ends."""

    def accepted_after_the_end() -> Ledger:
        ledger = Ledger()
        ledger.begun(KEY, 7, 0)
        serial = hold(ledger, 20, transaction=7, end=900_000, fallback=8)
        ledger.ended(KEY, 7, 1_000)
        ledger.accepted(KEY, serial, 2_000, 10)
        return ledger

    ledger = accepted_after_the_end()
    assert most(ledger) == [(0, 20), (900_010, 8)], "also when it was on its way for long"
    ledger.found_idle(KEY, 2_000)
    assert most(ledger) == [(0, 20), (900_010, 8)], "that was said before"
    ledger.ended(KEY, 7, 3_000)
    assert most(ledger) == [(0, 20), (900_010, 8)], "nor is it that of the one that is over"
    ledger.found_idle(KEY, 2_001)
    assert most(ledger) == [(0, 0)]

    ledger = accepted_after_the_end()
    ledger.begun(KEY, 8, 3_000)
    assert most(ledger) == [(0, 20), (900_010, 8)]
    lent = ledger.newest(KEY, "transaction", 8)
    assert lent is not None
    assert lent.accepted_at is None, "whether it has it nobody knows"


def test_what_is_read_again_goes_on_with_its_numbers() -> None:
    ledger = installed()
    again = Ledger(list(ledger))
    assert most(again) == most(ledger)
    assert again.new_serial() == ledger.new_serial()
    again.forget(KEY)
    assert KEY not in again
    assert KEY in ledger


def test_what_is_certainly_lent_is_the_least_that_it_may_have() -> None:
    ledger = Ledger()
    ledger.begin(KEY, 32 * A, ALL, 0)
    assert certainly_lent(ledger.of(KEY), 0) == [(0, (0, 0, 0, 0))], "a rating is lent by nobody"

    def send(ma: int, fallback: int, accepted: bool) -> None:
        serial = ledger.new_serial()
        hold = Hold(serial=serial, slot="default", ma=ma, fallback_ma=fallback, earliest=900, latest=1000, phases=ALL)
        ledger.add(KEY, hold)
        if accepted:
            ledger.accepted(KEY, serial, 0, 10)

    send(20 * A, 8 * A, accepted=True)
    assert [(at, lanes[0] // A) for at, lanes in certainly_lent(ledger.of(KEY), 20)] == [(20, 20), (900, 8), (1000, 8)]
    send(6 * A, 10 * A, accepted=False)
    found = certainly_lent(ledger.of(KEY), 20)
    assert [(at, lanes[0] // A) for at, lanes in found] == [(20, 6), (900, 6), (1000, 8)]
    send(16 * A, 0, accepted=True)
    found = certainly_lent(ledger.of(KEY), 20)
    assert [(at, lanes[0] // A) for at, lanes in found] == [(20, 16), (900, 0), (1000, 0)]


def test_what_was_on_its_way_to_the_one_before_may_be_taken_for_this_one_and_lasts_as_long() -> None:
    ledger = installed()
    ledger.begun(KEY, 7, 0)
    sent = hold(ledger, 16, transaction=7)
    ledger.ended(KEY, 7, 0)
    ledger.begun(KEY, 8, 0)
    assert most(ledger) == [(0, 16)]
    ledger.accepted(KEY, sent, 0, 0)
    assert most(ledger) == [(0, 16)]
    ledger.accepted(KEY, hold(ledger, 6, transaction=8), 0, 0)
    assert most(ledger)[0] == (0, 6)
