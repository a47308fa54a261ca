"""The story of a transaction: facts in, sentences out."""

from typing import Any

import pytest

from csmsd.control.explanation.facts import Measured, Presented, Told
from csmsd.control.explanation.story import Story
from csmsd.ocpp.timestamps import format_timestamp
from csmsd.profiles.reservation.reservations import Reservation
from tests.csmsd.control.explanation.told import ADA, MINUTE, conclusion, facts, lines, set_profile, status, task, told
from tests.csmsd.profiles.scene import NOON

# --- why it was suspended


def test_the_vehicle_suspended_it() -> None:
    found = facts(events=[status(0, "Charging"), status(40, "SuspendedEV"), status(60, "Finishing")])
    assert "The vehicle paused it for 20 min (SuspendedEV), up to its end; its battery was at 60 %." in conclusion(
        found
    )
    assert (40, "suspended", "SuspendedEV: the vehicle takes nothing; its battery was at 40 %") in lines(found)


def test_a_limit_suspended_it() -> None:
    sent = [set_profile(6, -100, 16), set_profile(7, 20, 0)]
    found = facts(
        profile_tasks=sent,
        profile_names={3: "pause"},
        tasks=[sent[1]],
        events=[status(0, "Charging"), status(20.2, "SuspendedEVSE"), status(30, "Charging")],
    )
    why = "0 A by pause (TxDefaultProfile, level 0)"
    assert f"The charge point paused it for 10 min (SuspendedEVSE): the limit was {why}." in conclusion(found)
    told = lines(found)
    assert (20.2, "suspended", f"SuspendedEVSE: the charge point gives nothing; the limit was {why}") in told
    assert (0, "limit", "limit: 16 A by pause (TxDefaultProfile, level 0)") in told
    assert (20, "limit", f"limit: {why}") in told
    command = "jo asked for SetChargingProfile (pause, TxDefaultProfile, level 0): Accepted (task 7)"
    assert (20, "command", command) in told


@pytest.mark.parametrize(("limit", "explains"), [(0, True), (5.9, True), (6, False), (16, False)])
def test_a_limit_explains_a_suspension_when_no_vehicle_can_charge_with_it(limit: float, explains: bool) -> None:
    found = facts(profile_tasks=[set_profile(6, -100, limit)], events=[status(20, "SuspendedEVSE")])
    assert ("no limit from here explains that" in conclusion(found)) != explains


def test_an_id_tag_that_was_refused_explains_a_suspension() -> None:
    found = facts({"id_tag_status": "Blocked"}, events=[status(10, "SuspendedEVSE")])
    assert "explains that: its idTag was Blocked, which is reason enough." in conclusion(found)


def test_a_suspension_without_any_limit_is_the_charge_points_own() -> None:
    found = facts(events=[status(10, "SuspendedEVSE"), status(20, "Charging"), status(30, "SuspendedEVSE")])
    assert "paused it for 40 min (SuspendedEVSE), and no limit from here explains that" in conclusion(found)


# --- what was not seen, and what is odd


def test_lost_connections_and_missing_readings() -> None:
    measured = [Measured(NOON + minute * MINUTE) for minute in (*range(0, 20), *range(40, 61))]
    found = facts(
        measured=measured,
        events=[
            told(-5, "charge_point.connected"),  # long before: no part of it
            told(20, "charge_point.disconnected", reason="connection lost"),
            told(38, "charge_point.connected"),
            told(39, "daemon.started"),
            told(50, "charge_point.connected", replaced=True),
        ],
    )
    assert "The charge point was offline for 18 min of it." in conclusion(found)
    assert "No meter values cover 21 min of it." in conclusion(found)
    told_lines = lines(found)
    assert (20, "offline", "the connection ends: connection lost") in told_lines
    assert (38, "offline", "the charge point connects, after 18 min without") in told_lines
    assert (50, "offline", "the charge point connects, in place of a connection that it gave up") in told_lines
    assert (19, "gap", "no meter values for 21 min") in told_lines
    assert not [line for line in told_lines if line[0] == -5]


def test_the_reservation_and_other_connectors() -> None:
    reservation = Reservation(
        id=4, charge_point="CP1", connector=0, id_tag="ADA", state="used", created_at=NOON - MINUTE, expires_at=NOON
    )
    found = facts(
        {"reservation": 4},
        reservation=reservation,
        events=[status(5, "Charging", connector=2), status(6, "Faulted", 0)],
    )
    told_lines = lines(found)
    assert told_lines[:1] == [(-1, "reservation", "reservation 4: connector 0 for idTag ADA")]
    assert (6, "status", "the whole charge point: Faulted") in told_lines
    assert 5 not in [minute for minute, _, _ in told_lines]
    assert "which is not on record here" in str(lines(facts({"reservation": 4})))


@pytest.mark.parametrize(("reason", "comes_back"), [("Local", False), ("PowerLoss", True)])
def test_what_followed_belongs_to_it_as_long_as_the_connector_was_not_free(reason: str, comes_back: bool) -> None:
    found = facts(
        {"stop_reason": reason},
        events=[
            status(60, "Finishing"),
            told(61, "charge_point.booted"),
            status(62, "Available"),
            status(63, "Preparing"),
        ],
        tasks=[task(9, 64, "RemoteStartTransaction", {"idTag": "ADA"})],
    )
    after = [minute for minute, _, _ in lines(found) if minute > 60]
    assert after == ([61, 62] if comes_back else [62])


OF_ITS_CONNECTOR = ("ChangeAvailability", {"connectorId": 1, "type": "Operative"})


@pytest.mark.parametrize(
    ("known", "begins"),
    [
        ({"events": [status(-2, "Preparing")]}, -2),
        ({"tasks": [task(1, -8, *OF_ITS_CONNECTOR), task(2, -3, "RemoteStartTransaction", {"idTag": "ADA"})]}, -3),
        ({"presented": [Presented(NOON - 9 * MINUTE, "ADA", "Accepted"), Presented(NOON - MINUTE, "ADA", None)]}, -1),
        ({"presented": [Presented(NOON - 9 * MINUTE, "BOB", "Blocked")]}, 0),
        ({"tasks": [task(1, -1, *OF_ITS_CONNECTOR)]}, 0),
    ],
)
def test_it_begins_with_its_cause(known: dict[str, Any], begins: float) -> None:
    before = [status(-9, "Preparing"), status(-8, "Finishing"), status(-7, "Available")]
    found = facts(**known | {"events": before + known.get("events", [])})
    assert lines(found)[0][0] == begins


def test_a_connector_that_was_reserved_for_it_leads_to_it() -> None:
    events = [status(-9, "Available"), status(-5, "Reserved"), status(-1, "Preparing")]
    assert lines(facts({"reservation": 4}, events=events))[0][:2] == (-5, "status")
    assert lines(facts(events=events))[0][:2] == (-1, "status")


@pytest.mark.parametrize("freed", [True, False])
def test_it_ends_when_the_connector_is_free_again(freed: bool) -> None:
    found = facts(
        {"stop_reason": "HardReset"},
        events=[
            status(60.1, "Finishing"),
            status(60.2, "Available", connector=0),
            *[status(60.4, "Available")] * freed,
            told(64, "charge_point.booted"),
        ],
        tasks=[
            task(1, 60.2, "UnlockConnector", {"connectorId": 1}),
            task(2, 60.3, "Reset", {"type": "Soft"}),
            task(3, 60.6, "UnlockConnector", {"connectorId": 1}),
            task(4, 62, "UnlockConnector", {"connectorId": 1}),
        ],
    )
    after = [minute for minute, _, _ in lines(found) if minute > 60]
    assert after == ([60.1, 60.2, 60.4] if freed else [60.1, 60.2, 60.6, 64])


def test_what_ended_it_is_told_whatever_the_clock_of_the_charge_point_says() -> None:
    found = facts(
        {"stop_reason": "Remote", "stop_received_at": NOON + 63 * MINUTE},
        events=[status(60, "Available")],
        tasks=[task(1, 62.9, "RemoteStopTransaction", {"transactionId": 17})],
    )
    assert (62.9, "command") in [line[:2] for line in lines(found)]


def test_cards_of_others_belong_to_other_connectors_unless_they_were_refused() -> None:
    cards = [Presented(NOON - 3000, "BOB", "Blocked"), Presented(NOON - 2000, "EVE", "Accepted"), ADA]
    shown = [text for _, kind, text in lines(facts(presented=cards)) if kind == "authorization"]
    assert [text.split()[1] for text in shown] == ["BOB", "ADA"]


def test_a_fault_says_which() -> None:
    found = facts(events=[status(5, "Faulted", error_code="GroundFailure", info="wet")])
    assert (5, "status", "Faulted, GroundFailure (wet)") in lines(found)


@pytest.mark.parametrize(
    ("request_", "told_of"),
    [
        (("RemoteStopTransaction", {"transactionId": 17}), True),
        (("RemoteStopTransaction", {"transactionId": 18}), False),
        (("RemoteStartTransaction", {"idTag": "BOB"}), False),
        (("SetChargingProfile", {"connectorId": 2, "csChargingProfiles": {}}), False),
        (("SetChargingProfile", {"connectorId": 0, "csChargingProfiles": {}}), True),
        (("Reset", {"type": "Soft"}), True),
        (("GetConfiguration", {}), False),
    ],
)
def test_commands_that_have_to_do_with_it(request_: tuple[str, Any], told_of: bool) -> None:
    found = facts(tasks=[task(1, 5, *request_, status=None, outcome="timeout")])
    commands = [line for line in lines(found) if line[1] == "command"]
    assert bool(commands) == told_of
    assert all("no answer in time (task 1)" in text for _, _, text in commands)


def test_a_command_that_was_queued_counts_when_it_was_sent() -> None:
    queued = task(5, -200, "RemoteStartTransaction", {"idTag": "ADA"}, sent_at=NOON - 6000)
    found = facts(tasks=[queued])
    assert Story(found).conclusion[0] == "jo started it from afar (task 5)."
    asked = "jo asked, 3 h 20 min before, for RemoteStartTransaction (ADA): Accepted (task 5)"
    assert (-0.1, "command", asked) in lines(found)


def test_what_is_not_kept_any_more_is_said() -> None:
    assert Story(facts()).missing == []
    gone = Story(facts(events_since=None, tasks_since=NOON, measured=[], start_is_logged=False)).missing
    assert [sentence.split()[0] for sentence in gone] == ["Events", "Commands", "The", "There"]
    assert "from its beginning" in Story(facts(events_since=NOON + 1)).missing[0]


def test_a_doubt_comes_with_what_the_figure_is_based_on() -> None:
    found = facts(doubts=["went_back", "stop_guessed"], bounds=(6900, 7100), basis="readings")

    assert Story(found).conclusion[-3:] == [
        "The register went back, and no restart of the charge point explains it.",
        "The stop did not name this transaction; it fits no other one.",
        "The figure is by the readings of the register: at least 6.900 kWh, at most 7.100 kWh.",
    ]


def test_what_is_not_in_doubt_needs_no_basis_and_what_was_settled_says_who() -> None:
    plain = facts(bounds=(7000, 7000), basis="start_and_stop")
    assert not any("figure is by" in line for line in Story(plain).conclusion)

    settled = facts(
        {"settled_at": 1, "settled_by": "ada", "settled_reason": "read there", "reckoned_wh": 9000, "energy_wh": 4200}
    )
    assert Story(settled).conclusion[-1] == "ada settled its energy: 4.200 kWh instead of 9.000 kWh (read there)."


class TestSaysOnlyWhatIsSo:
    def test_what_was_closed_did_not_go_on_beside_its_successor_although_its_books_did(self) -> None:
        closed = {"state": "closed", "flags": ["abandoned_for:18", "meter_stop:estimated"], "meter_stop_wh": 1000}
        story = Story(facts(closed, end=NOON + 10 * MINUTE, measured=[], energy_wh=500))
        assert "It ran for 10 min and delivered 0.500 kWh." in story.conclusion
        counted = [sentence for sentence in story.conclusion if "in lists and reports" in sentence]
        assert [sentence.split(": ")[1] for sentence in counted] == [
            "in lists and reports it lasts until it was closed, 1 h 0 min."
        ]
        alone = Story(facts(closed | {"flags": ["meter_stop:estimated"]}, measured=[]))
        assert "It ran for 1 h 0 min" in alone.conclusion[1]
        assert not any("in lists and reports" in sentence for sentence in alone.conclusion)

    @pytest.mark.parametrize(
        ("settled_at", "said"), [(None, "7.000 kWh (in doubt)"), (NOON + 61 * MINUTE, "7.000 kWh, 7.0 kW")]
    )
    def test_a_figure_in_doubt_is_marked_until_it_is_settled(self, settled_at: int | None, said: str) -> None:
        story = Story(facts({"doubts": ["impossible"], "settled_at": settled_at, "settled_by": "jo"}))
        assert any(said in sentence for sentence in story.conclusion)

    @pytest.mark.parametrize(
        ("energy", "said"),
        [
            (7000, "what the registers of start and stop differ by"),
            (300, "the registers of start and stop, as far as they can be right"),
        ],
    )
    def test_registers_give_a_figure_by_their_difference_only_where_it_is_that(self, energy: int, said: str) -> None:
        story = Story(facts({"doubts": ["impossible"]}, energy_wh=energy, basis="start_and_stop", bounds=(0, 9000)))
        assert f"The figure is by {said}: at least 0.000 kWh, at most 9.000 kWh." in story.conclusion

    def test_a_guessed_stop_without_an_id_is_told_once(self) -> None:
        story = Story(facts({"doubts": ["stop_guessed"], "flags": ["stop:matched_no_id"]}))
        assert [sentence for sentence in story.conclusion if "fits no other" in sentence] == [
            "Its stop named no transaction; it fits no other than this one."
        ]

    def test_what_comes_in_one_millisecond(self) -> None:
        heard = NOON + 5 * MINUTE
        events = [Told(heard, "charge_point.connected", {}), Told(heard, "charge_point.booted", {})]
        story = Story(facts({"start_received_at": heard}, events=events))
        assert [entry.text for entry in story.entries if entry.time == heard] == [
            "the charge point connects", "the charge point has booted", "csmsd hears of the beginning, 5 min later"
        ]  # fmt: skip

    def test_a_start_by_a_clock_of_long_ago_was_not_told_years_later(self) -> None:
        story = Story(facts({"start_time": NOON - 4_000_000 * MINUTE, "doubts": ["start_clock"]}))
        (heard,) = (entry.text for entry in story.entries if entry.time == NOON)
        assert heard == "csmsd hears of the beginning, whose time is by a clock that is not believed"
        assert story.conclusion[0].startswith("It was started at the charge point, which did not ask csmsd")
        assert "It ran for 1 h 0 min and delivered 7.000 kWh (in doubt), 7.0 kW on average" in " ".join(
            story.conclusion
        )

    @pytest.mark.parametrize(("registered", "when"), [(0, "while that was offline"), (5, "before csmsd knew that")])
    def test_what_csmsd_had_never_seen_was_not_offline(self, registered: int, when: str) -> None:
        heard = NOON + 5 * MINUTE
        known_since = NOON + registered * MINUTE if registered else 0
        story = Story(facts({"start_received_at": heard}, registered_at=known_since, events_since=known_since))
        assert story.conclusion[0] == f"It was started at the charge point {when}: the charge point decided by itself."
        assert story.missing == []

    @pytest.mark.parametrize(
        ("pruned_at", "said"),
        [(None, "none were sent."), (NOON - 1, "none were sent."), (NOON + 1, "none were sent, or they are pruned.")],
    )
    def test_pruned_is_only_what_can_be(self, pruned_at: int | None, said: str) -> None:
        assert Story(facts(measured=[], pruned_at=pruned_at)).missing == [f"There are no meter values: {said}"]


# --- by another clock


EIGHT_YEARS = 8 * 365 * 24 * 60 * MINUTE


def test_a_stop_by_another_clock_is_told_of_as_of_its_arrival() -> None:
    flag = f"stop_time:told_{format_timestamp(NOON - EIGHT_YEARS)}"
    found = facts({"flags": [flag], "doubts": ["stop_clock"]})

    assert "It ran for 1 h 0 min and delivered 7.000 kWh (in doubt);" in conclusion(found)
    assert "The timestamp of its stop, 2018-" in conclusion(found)
    assert not [text for _, _, text in lines(found) if "hears of the end" in text]


@pytest.mark.parametrize("began", [NOON - EIGHT_YEARS, NOON - 60 * MINUTE])
def test_start_and_stop_by_one_other_clock_tell_how_long_it_lasted(began: int) -> None:
    ended = {"start_time": began, "start_text": format_timestamp(began), "start_received_at": NOON + 60 * MINUTE}
    flag = f"stop_time:told_{format_timestamp(began + 30 * MINUTE)}"
    found = facts({**ended, "flags": [flag], "doubts": ["start_clock", "stop_clock"]})

    assert "It ran for 30 min and delivered 7.000 kWh (in doubt), 14.0 kW on average" in conclusion(found)


def test_start_and_stop_of_1970_tell_how_long_it_lasted() -> None:
    texts = {
        "start_text": "1970-01-01T00:05:00Z",
        "stop_text": "1970-01-01T00:35:00Z",
        "start_time": NOON + 60 * MINUTE,
    }
    flags = ["start_time:before_2010", "stop_time:before_2010"]
    found = facts({**texts, "flags": flags, "doubts": ["start_clock", "stop_clock"]})

    assert "It ran for 30 min and delivered 7.000 kWh" in conclusion(found)


def test_no_power_is_made_of_a_moment() -> None:
    found = facts({"start_time": NOON + 60 * MINUTE - 2, "start_received_at": NOON + 60 * MINUTE - 2})

    assert "It ran for 0 s and delivered 7.000 kWh;" in conclusion(found)


def test_it_was_offline_while_it_ran_by_the_clock_of_csmsd() -> None:
    """Its own was two hours ahead."""
    ahead = {"start_time": NOON + 120 * MINUTE, "stop_time": NOON + 180 * MINUTE}
    away = [told(20, "charge_point.disconnected"), told(30, "charge_point.connected")]
    after = [told(125, "charge_point.disconnected"), told(135, "charge_point.connected")]
    found = facts(ahead, events=[*away, *after], now=NOON + 180 * MINUTE)

    assert "The charge point was offline for 10 min of it." in conclusion(found)
