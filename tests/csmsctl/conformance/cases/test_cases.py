"""The certification cases, a test for each, named after its id; with the JSON schemas as oracle.

They are played as `csmsctl conformance` plays them, several at once.
"""

import pytest

from csmsctl.conformance import player
from csmsctl.conformance.case import Case
from csmsctl.conformance.cases import all_cases
from csmsctl.conformance.conformance_report import Report
from csmsctl.conformance.player import play_all_cases
from tests.csmsctl.conformance.conftest import ForkedOperator, oracle

# Section 3 of the public test-case document (2024-04).
DOCUMENT = {
    "Core": "001 003 004_1 004_2 005_1 007 061 010 011_1 011_2 012 013 014 017_1 017_2 018_1 019_1 019_2 021 023_1 "
    "023_2 023_3 024 026 028 030 031 032_1 037_1 037_3 039 040_1 040_2 064",
    "Firmware Management": "044_1 044_2 044_3 045_1 045_2",
    "Smart Charging": "056 057 059 066 067",
    "Reservation": "046 047 048_1 048_2 048_3 048_4 049 051 052 053",
    "Local Authorization List Management": "042_1 042_2 043_1 043_3 043_4 043_5",
    "Remote Trigger": "054 055",
    "Security": "073 074 075_1 075_2 076 077 078 079 080 081 085 086 087",
}


def test_the_cases_are_those_of_the_document() -> None:
    expected = {f"TC_{number}_CSMS": name for name, numbers in DOCUMENT.items() for number in numbers.split()}
    cases = all_cases()
    assert {case.id: case.functionality for case in cases} == expected
    assert len(cases) == 75


@pytest.fixture(scope="module")
def report() -> Report:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(player, "Site", ForkedOperator)
        return play_all_cases(all_cases(), {}, parallel=4, tell=lambda _: None, oracle=oracle)


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.id)
def test_case(case: Case, report: Report) -> None:
    [outcome] = [outcome for outcome in report.outcomes if outcome.case == case]
    print("\n".join(outcome.observations.conversation))  # pytest shows it when the test failed
    assert outcome.problem is None, outcome.problem
    assert outcome.observations.timestamps > 0


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
