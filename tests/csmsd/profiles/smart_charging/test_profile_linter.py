"""What the linter says, and what it lets pass."""

import msgspec
import pytest

from csmsd.ocpp.types import ChargingProfile
from csmsd.profiles.smart_charging.installed_profiles import InstalledProfile, profile_installed_now
from csmsd.profiles.smart_charging.profile_linter import (
    Finding,
    Known,
    lint_for_remote_start,
    lint_profile,
    lint_profile_for,
    linter_objection,
)
from tests.csmsd.profiles.smart_charging.profiles import DAY, HOUR, MONDAY, profile

GOOD = profile((0, 16), (3600, 8.1), duration=7200)


def with_text(**fields: str) -> ChargingProfile:
    return msgspec.structs.replace(GOOD, **fields)


@pytest.mark.parametrize(
    "good",
    [
        GOOD,
        profile((0, 6.0, 1), valid_from=MONDAY, valid_to=MONDAY + DAY),
        profile((0, 6), valid_to=MONDAY + 1),
        profile((0, 6), kind="Recurring", recurrency="Weekly", minimum=6.5),
        profile((0, 6), kind="Relative", start=None, purpose="TxProfile", transaction=7),
        profile((0, 0)),
    ],
)
def test_a_good_profile_passes(good: ChargingProfile) -> None:
    assert lint_profile(good, MONDAY) == []


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (profile((60, 16)), "first period starts at 60 s; it must start at 0 (CE 3.45)"),
        (profile((0, 16), (60, 8), (30, 6)), "period at 30 s stands after that at 60 s; they ascend (C 7.14)"),
        (profile((0, 16), (0, 8)), "period at 0 s stands after that at 0 s"),
        (profile((0, 16.25)), "limit 16.25 has more than one decimal (C 7.14, CE 3.70)"),
        (profile((0, 16), minimum=0.15), "minChargingRate 0.15 has more than one decimal (C 7.13)"),
        (profile((0, 16), recurrency="Daily"), "recurrencyKind is only for profiles of the kind Recurring (CE 3.56)"),
        (profile((0, 16), kind="Recurring"), "needs a recurrencyKind, Daily or Weekly (C 7.8)"),
        (profile((0, 16), start=None), "Absolute needs a startSchedule (C 7.9)"),
        (profile((0, 16), kind="Relative"), "Relative profile begins with its transaction and has no startSchedule"),
        (profile((0, 16), transaction=7), "transactionId is only for profiles of the purpose TxProfile (C 7.8)"),
        (profile((0, 16), valid_from=MONDAY, valid_to=MONDAY), "never valid (C 7.8)"),
        (with_text(valid_to="tomorrow"), "validTo 'tomorrow' is no time (C 3.14)"),
    ],
)
def test_what_a_charge_point_rejects(bad: ChargingProfile, words: str) -> None:
    text = linter_objection(lint_profile(bad, MONDAY))
    assert text is not None
    assert words in text


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        (profile((0, 16), valid_to=MONDAY - HOUR), "validTo is over"),
        (profile((0, 16), valid_to=MONDAY), "validTo is over"),
        (profile((0, 16), start=MONDAY + HOUR), "startSchedule lies in the future"),
        (profile((0, 16), (7200, 8), duration=7200), "beyond the duration of the schedule and is not executed"),
        (profile((0, 16), (90000, 8), kind="Recurring", recurrency="Daily"), "beyond the recurrence"),
    ],
)
def test_what_is_odd_is_told_and_does_not_stop(odd: ChargingProfile, words: str) -> None:
    [finding] = lint_profile(odd, MONDAY)
    assert words in finding.text
    assert linter_objection([finding]) is None


def known(**fields: object) -> Known:
    return msgspec.structs.replace(Known(MONDAY), **fields)


def there(connector: int, body: ChargingProfile, **fields: object) -> InstalledProfile:
    return msgspec.structs.replace(profile_installed_now("CP1", connector, body, MONDAY), **fields)


TX = profile((0, 16), purpose="TxProfile", kind="Relative", start=None, transaction=7)
MAX = profile((0, 16), purpose="ChargePointMaxProfile")


@pytest.mark.parametrize(
    ("body", "connector", "what", "words"),
    [
        (MAX, 1, known(), "ChargePointMaxProfile is set on connector 0 only (C 3.13.1)"),
        (TX, 0, known(running={1: 7}), "TxProfile is set on a connector above 0 only (C 3.13.1)"),
        (TX, 1, known(), "No transaction is running on connector 1"),
        (TX, 1, known(running={1: 8, 2: 7}), "Transaction 7 is not on connector 1; 8 is (C 3.13.1)"),
        (
            msgspec.structs.replace(TX, transaction_id=None),
            1,
            known(running={1: 7}),
            "needs the transactionId of its transaction (C 5.16)",
        ),
        (GOOD, 3, known(connectors=2), "There is no connector 3; 2 are reported (CE 3.39)"),
        (
            GOOD,
            1,
            known(quantities=frozenset({"power"})),
            "are in A; its ChargingScheduleAllowedChargingRateUnit is Power",
        ),
        (GOOD, 1, known(feature_profiles=frozenset({"core"})), "do not have SmartCharging"),
        (profile((0, 16), level=4), 1, known(max_stack_level=3), "level 4 is above its ChargeProfileMaxStackLevel 3"),
        (GOOD, 1, known(max_periods=1), "2 periods are more than its ChargingScheduleMaxPeriods 1 (C 9.4.3)"),
        (
            profile((0, 16), level=1, id=2),
            1,
            known(max_profiles=1, installed=[there(1, GOOD)]),
            "1 profiles are installed; its MaxChargingProfilesInstalled is 1 (C 9.4.5)",
        ),
        (
            GOOD,
            2,
            known(installed=[there(1, GOOD)]),
            "installed on connector 1: the charge point would take it from there",
        ),
    ],
)
def test_what_this_charge_point_rejects(body: ChargingProfile, connector: int, what: Known, words: str) -> None:
    text = linter_objection(lint_profile_for(body, connector, what))
    assert text is not None
    assert words in text


@pytest.mark.parametrize(
    ("body", "connector", "what"),
    [
        (MAX, 0, known()),
        (TX, 1, known(running={1: 7})),
        (GOOD, 2, known(connectors=2, quantities=frozenset({"current", "power"}), max_periods=2, max_stack_level=0)),
        (GOOD, 1, known(quantities=frozenset({"a"}))),  # some report the unit instead of the quantity (CE 3.86)
        (GOOD, 1, known(max_profiles=1, installed=[there(1, GOOD)])),  # it replaces that one
        (GOOD, 1, known(feature_profiles=frozenset({"core", "smartcharging"}))),
    ],
)
def test_what_this_charge_point_takes(body: ChargingProfile, connector: int, what: Known) -> None:
    assert lint_profile_for(body, connector, what) == []


def test_an_endless_profile_above_another_is_told() -> None:
    # CE 3.7
    found = lint_profile_for(profile((0, 16), level=2, id=2), 1, known(installed=[there(0, GOOD)]))
    assert found == [Finding("Without a duration it never gives way to the profile on stack level 0 (CE 3.7).", False)]


def test_a_profile_in_a_remote_start() -> None:
    # C 5.16.2
    inside = msgspec.structs.replace(TX, transaction_id=None)
    assert lint_for_remote_start(inside, 1, known()) == []
    assert "must not have a transactionId (C 5.16.2, CE 3.41)" in (
        linter_objection(lint_for_remote_start(TX, 1, known())) or ""
    )
    assert "must be a TxProfile (C 5.16.2)" in (linter_objection(lint_for_remote_start(GOOD, None, known())) or "")
    limited = known(quantities=frozenset({"power"}))
    assert "ChargingRateUnit is Power" in (linter_objection(lint_for_remote_start(inside, 1, limited)) or "")


def test_what_waits_for_any_connector_may_be_replaced_on_one() -> None:
    """A remote start's profile on connector 0 is not installed anywhere yet: nothing is taken from there."""
    waiting = there(0, msgspec.structs.replace(TX, transaction_id=None), id_tag="TAG1")
    assert waiting.pending
    assert lint_profile_for(TX, 1, known(running={1: 7}, installed=[waiting])) == []
    settled = there(0, GOOD)
    assert "installed on connector 0" in (linter_objection(lint_profile_for(GOOD, 1, known(installed=[settled]))) or "")
    assert (
        lint_for_remote_start(msgspec.structs.replace(TX, transaction_id=None), None, known(installed=[waiting])) == []
    )


ABOVE = profile((0, 16), level=2, id=2)


@pytest.mark.parametrize(
    ("body", "below"),
    [
        (ABOVE, there(2, GOOD)),  # of another connector
        (ABOVE, there(0, MAX)),  # of another purpose
        (ABOVE, there(1, profile((0, 16), level=2, id=3))),  # on the same level: it is replaced
        (ABOVE, there(1, profile((0, 16), level=3, id=3))),  # above it
        (ABOVE, there(1, profile((0, 16), level=1, id=2))),  # the same profile, which moves
        (profile((0, 16), level=2, id=2, duration=60), there(1, GOOD)),
        (profile((0, 16), level=2, id=2, valid_to=MONDAY + DAY), there(1, GOOD)),
        (profile((0, 16), level=2, id=2, kind="Recurring", recurrency="Daily"), there(1, GOOD)),
    ],
)
def test_what_gives_way_or_hides_nothing(body: ChargingProfile, below: InstalledProfile) -> None:
    assert lint_profile_for(body, 1, known(installed=[below])) == []
