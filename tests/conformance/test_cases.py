"""The certification cases, a test for each, named after its id; with the JSON schemas as oracle."""

import pytest

from csmsctl.conformance.case import Case, run_case
from csmsctl.conformance.cases import all_cases
from csmsctl.conformance.site import Site
from tests.conformance.conftest import oracle


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.id)
async def test_case(case: Case, private_csmsd: Site) -> None:
    outcome = await run_case(case, private_csmsd, oracle)
    print("\n".join(outcome.observations.conversation))  # pytest shows it when the test failed
    assert outcome.problem is None, outcome.problem
    assert outcome.observations.timestamps > 0
