"""The certification cases, a test for each, named after its id; with the JSON schemas as oracle.

They are played as `csmsctl conformance` plays them, several at once.
"""

import pytest

from csmsctl.conformance import player
from csmsctl.conformance.case import Case
from csmsctl.conformance.cases import all_cases
from csmsctl.conformance.conformance_report import Report
from csmsctl.conformance.player import play_all_cases
from tests.csmsctl.conformance.conftest import ForkedOperator, assert_passed, oracle
from tests.csmsctl.conformance.document import DOCUMENT


def test_the_cases_are_those_of_the_document() -> None:
    cases = all_cases()
    assert {case.id: case.functionality for case in cases} == DOCUMENT
    assert len(cases) == 75


@pytest.fixture(scope="module")
def report() -> Report:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(player, "Site", ForkedOperator)
        return play_all_cases(all_cases(), {}, parallel=4, tell=lambda _: None, oracle=oracle)


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.id)
def test_case(case: Case, report: Report) -> None:
    assert_passed(case, report)


def test_all_of_it_passes(report: Report) -> None:
    record = report.as_record()
    assert (record["result"], record["daemon_problem"]) == ("Pass", None)
    assert {row["functionality"]: (row["result"], row["cases"]) for row in record["functionalities"]} == {
        "Core": ("Pass", 34),
        "Firmware Management": ("Pass", 5),
        "Smart Charging": ("Pass", 5),
        "Reservation": ("Pass", 10),
        "Local Authorization List Management": ("Pass", 6),
        "Remote Trigger": ("Pass", 2),
        "Security": ("Pass", 13),
    }
    assert len(record["cases"]) == 75
    assert sum(case["duration_ms"] for case in record["cases"]) > 0
