"""The certification cases, a test for each, named after its id; with the JSON schemas as oracle."""

import pytest

from csmsctl.conformance.case import Case, run_case
from csmsctl.conformance.cases import all_cases
from csmsctl.conformance.site import Site
from tests.conformance.conftest import oracle

# Section 3 of the public test-case document (2024-04), without 3.21, Security.
DOCUMENT = {
    "Core": "001 003 004_1 004_2 005_1 007 061 010 011_1 011_2 012 013 014 017_1 017_2 018_1 019_1 019_2 021 023_1 "
    "023_2 023_3 024 026 028 030 031 032_1 037_1 037_3 039 040_1 040_2 064",
    "Firmware Management": "044_1 044_2 044_3 045_1 045_2",
    "Smart Charging": "056 057 059 066 067",
    "Reservation": "046 047 048_1 048_2 048_3 048_4 049 051 052 053",
    "Local Authorization List Management": "042_1 042_2 043_1 043_3 043_4 043_5",
    "Remote Trigger": "054 055",
}


def test_the_cases_are_those_of_the_document() -> None:
    expected = {f"TC_{number}_CSMS": name for name, numbers in DOCUMENT.items() for number in numbers.split()}
    cases = all_cases()
    assert {case.id: case.functionality for case in cases} == expected
    assert len(cases) == 62


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.id)
async def test_case(case: Case, private_csmsd: Site) -> None:
    outcome = await run_case(case, private_csmsd, oracle)
    print("\n".join(outcome.observations.conversation))  # pytest shows it when the test failed
    assert outcome.problem is None, outcome.problem
    assert outcome.observations.timestamps > 0
