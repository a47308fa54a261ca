"""The 75 certification cases once more, over wss, with the charge point of each on PyPI `ocpp`: none of it is ours.

The steps are those of `csmsctl conformance`, csmsctl is the operator, the official JSON schemas are the oracle; the
site lets nobody in who comes without TLS (`minimum_profile`, and TC_086 tries it).
"""

import pytest

from csmsctl.conformance import case as case_module
from csmsctl.conformance import player
from csmsctl.conformance.case import Case
from csmsctl.conformance.cases import all_cases
from csmsctl.conformance.conformance_report import Report
from csmsctl.conformance.player import play_all_cases
from tests.conformance.over_tls import SETTINGS, SecuredRun, SecuredSite
from tests.csmsctl.conformance.conftest import assert_passed, oracle
from tests.csmsctl.conformance.document import DOCUMENT


@pytest.fixture(scope="module")
def report() -> Report:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(player, "Site", SecuredSite)
        patched.setattr(case_module, "Run", SecuredRun)
        return play_all_cases(all_cases(), SETTINGS, parallel=4, tell=lambda _: None, oracle=oracle)


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.id)
def test_case(case: Case, report: Report) -> None:
    assert_passed(case, report)


def test_all_75_of_the_document_were_played(report: Report) -> None:
    assert {outcome.case.id: outcome.case.functionality for outcome in report.outcomes if outcome.passed} == DOCUMENT
    assert len(DOCUMENT) == 75
    assert report.as_record()["daemon_problem"] is None
