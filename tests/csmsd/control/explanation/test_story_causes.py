"""Who started a transaction, and who stopped it, as its story says."""

from typing import Any

import pytest

from csmsd.control.explanation.facts import Presented
from csmsd.control.explanation.story import Story
from tests.csmsd.control.explanation.told import ADA, MINUTE, conclusion, facts, lines, task, told
from tests.csmsd.profiles.scene import NOON

# --- who started it

START = task(5, -0.1, "RemoteStartTransaction", {"idTag": "ada", "connectorId": 1})


@pytest.mark.parametrize(
    ("known", "sentence"),
    [
        ({"tasks": [START]}, "jo started it from afar (task 5)."),
        ({"tasks": [START], "presented": [ADA]}, "jo started it from afar (task 5)."),
        ({"presented": [ADA]}, "It was started at the charge point with idTag ADA; csmsd answered Accepted."),
        (
            {"presented": [Presented(NOON, "BOB", "Accepted")]},
            "It was started at the charge point, which did not ask csmsd about the idTag first.",
        ),
        ({"in_local_list": True}, "first; the idTag stands in its Local Authorization List now."),
        ({"start_is_logged": False}, "How it was started is not known: the records of that time are not kept."),
        ({"tasks_since": NOON + 1}, "How it was started is not known: the records of that time are not kept."),
        ({"tasks_since": NOON - 20 * MINUTE}, "did not ask csmsd"),
        # remote starts that led to something else
        ({"tasks": [task(5, -0.1, "RemoteStartTransaction", {"idTag": "BOB"})]}, "did not ask csmsd"),
        ({"tasks": [task(5, -0.1, "RemoteStartTransaction", {"idTag": "ADA", "connectorId": 2})]}, "did not ask csmsd"),
        ({"tasks": [task(5, -60, "RemoteStartTransaction", {"idTag": "ADA"})]}, "did not ask csmsd"),
        (
            {"tasks": [task(5, -0.1, "RemoteStartTransaction", {"idTag": "ADA"}, outcome="rejected")]},
            "did not ask csmsd",
        ),
    ],
)
def test_who_started_it(known: dict[str, Any], sentence: str) -> None:
    assert sentence in Story(facts(**known)).conclusion[0]


def test_a_start_that_was_told_late_was_made_offline() -> None:
    found = facts({"start_received_at": NOON + 20 * MINUTE})
    assert Story(found).conclusion[0] == (
        "It was started at the charge point while that was offline: the charge point decided by itself."
    )
    assert (20, "start", "csmsd hears of the beginning, 20 min later") in lines(found)


# --- who stopped it

STOP = task(8, 59.9, "RemoteStopTransaction", {"transactionId": 17})


@pytest.mark.parametrize(
    ("transaction", "known", "sentence"),
    [
        (
            {"stop_reason": "Remote"},
            {"tasks": [STOP]},
            "it was stopped from afar by jo (Remote, task 8)",
        ),
        (
            {"stop_reason": "Remote"},
            {},
            "it was stopped from afar, but not by a command that is on record here (Remote)",
        ),
        ({"stop_id_tag": "ada"}, {}, "it was stopped at the charge point with the same idTag (Local)"),
        ({"stop_id_tag": "BOB"}, {}, "it was stopped at the charge point with idTag BOB (Local)"),
        ({"stop_reason": "EVDisconnected"}, {}, "the vehicle was unplugged (EVDisconnected)"),
        (
            {"stop_reason": "PowerLoss"},
            {"tasks": [STOP]},
            "the charge point lost its power (PowerLoss), 6 s after jo asked for RemoteStopTransaction (task 8)",
        ),
        (
            {"stop_reason": "UnlockCommand"},
            {
                "tasks": [
                    task(8, 59, "UnlockConnector", {"connectorId": 1}),
                    task(9, 59, "UnlockConnector", {"connectorId": 2}),
                ]
            },
            "the connector was unlocked by jo (UnlockCommand, task 8)",
        ),
        (
            {"stop_reason": "HardReset"},
            {"tasks": [task(8, 59, "Reset", {"type": "Hard"}, user=None, uid=None)]},
            "the charge point was reset (hard) by csmsd (HardReset, task 8)",
        ),
        ({"stop_reason": "Whim"}, {}, "the charge point gave a reason of its own (Whim)"),
    ],
)
def test_who_stopped_it(transaction: dict[str, Any], known: dict[str, Any], sentence: str) -> None:
    assert f"It ended because {sentence}." in conclusion(facts(transaction, **known))


def test_a_transaction_that_was_given_up_says_what_to_do() -> None:
    found = facts(
        {"state": "abandoned", "stop_time": None, "stop_reason": None, "flags": ["abandoned_for:18"]},
        events=[told(60, "transaction.abandoned", transaction=17, successor=18)],
    )
    assert "another one began on its connector" in conclusion(found)
    assert Story(found).conclusion[-1] == "Close its books with: csmsctl tx close 17 --reason TEXT"
    assert (60, "abandoned", "transaction 18 begins on its connector: this one is given up") in lines(found)


def test_a_transaction_whose_charge_point_was_removed_has_no_successor() -> None:
    text = conclusion(facts({"state": "abandoned", "flags": ["charge_point_removed"], "stop_time": None}))
    assert "It was never stopped, and its charge point was removed; it counts up to its last reading." in text
    assert "another one" not in text


def test_books_that_an_operator_closed_say_who() -> None:
    found = facts({"state": "closed", "note": "closed by jo: meter replaced", "flags": ["meter_stop:estimated"]})
    assert "its books were closed by jo: meter replaced." in conclusion(found)
    assert "The register at its end is an estimate" in conclusion(found)
    assert (60, "closed", "closed by jo: meter replaced") in lines(found)


def test_one_that_runs_and_of_which_nothing_was_read() -> None:
    story = Story(facts({"state": "active", "stop_time": None, "stop_reason": None}, energy_wh=0, basis="nothing"))

    assert "It has run for 1 h 0 min; nothing tells what it has delivered." in story.conclusion


def test_one_that_runs() -> None:
    text = conclusion(facts({"state": "active", "stop_time": None, "stop_reason": None}))
    assert (
        "It has run for 1 h 0 min and delivered 7.000 kWh, 7.0 kW on average; the battery went from 0 to 60 %." in text
    )
    assert text.endswith("It is still running.")
