"""One private csmsd for all conformance tests of a process; each case has its own charge point on it."""

import asyncio
from collections.abc import Iterator

import pytest

from csmsctl.conformance.case import Case
from csmsctl.conformance.conformance_report import Report
from csmsctl.conformance.private_csmsd import Ended, Site
from tests.support.console import run_csmsctl
from tests.support.schemas import violations
from tests.support.site import environment


class ForkedOperator(Site):
    """Its csmsctl need not import everything first; that of `csmsctl conformance` does (test_command.py)."""

    async def csmsctl(self, *arguments: str) -> Ended:
        words = ["--socket", str(self.socket), *arguments]
        ended = await asyncio.to_thread(run_csmsctl, words, environment(), directory=self.directory)
        return Ended(arguments, *ended)


def oracle(action: str, payload: object, confirmation: bool) -> list[str]:
    """The official JSON schemas."""
    return violations(action, payload, response=confirmation)


def assert_passed(case: Case, report: Report) -> None:
    """It was played, passed, and what it was sent had timestamps that were looked at."""
    [outcome] = [outcome for outcome in report.outcomes if outcome.case == case]
    print("\n".join(outcome.observations.conversation))  # pytest shows it when the test failed
    assert outcome.problem is None, outcome.problem
    assert outcome.observations.timestamps > 0


@pytest.fixture(scope="session")
def private_csmsd() -> Iterator[Site]:
    with ForkedOperator() as site:
        yield site
        assert site.stop() == 0
        assert "Traceback" not in site.errors(), site.errors()
