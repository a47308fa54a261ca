"""No case that cannot fail: cases, played with a csmsd that does something wrong."""

import re
from dataclasses import replace
from itertools import count
from types import ModuleType

import pytest
from _pytest.mark import ParameterSet

from csmsctl.conformance import case as case_module
from csmsctl.conformance.case import Case, Outcome
from csmsctl.conformance.cases import all_cases
from csmsctl.conformance.private_csmsd import Site
from tests.csmsctl.conformance.spoiling import Frame, changed, spoil_connections

ID_TAG_STATUS = "idTagInfo.status"

# Case → what csmsd would do wrong: (action, part of its payload, the wrong value). A `.conf` is an answer of csmsd.
Wrong = dict[str, list[tuple[str, str, object]]]

CASES = {case.id.removesuffix("_CSMS"): case for case in all_cases()}


_numbers = count(1)


async def play_broken(case: Case, private_csmsd: Site) -> Outcome:
    """Plays the case on a charge point of its own."""
    return await case_module.run_case(replace(case, id=f"BROKEN-{next(_numbers)}"), private_csmsd)


def cases_of(room: ModuleType) -> set[str]:
    """The names of the cases that a module declares."""
    return {name for name, case in CASES.items() if case.play.__module__ == room.__name__}


def wrong_values(wrong: Wrong) -> list[ParameterSet]:
    """Name, action, path and value of everything that is wrong."""
    return [pytest.param(name, *one, id=f"{name}-{one[0]}-{one[1]}") for name, every in wrong.items() for one in every]


async def find(
    name: str, action: str, path: str, value: object, private_csmsd: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plays the case with the wrong value, which must be what is complained of."""
    spoilt = 0

    def spoil(of: str, frame: Frame) -> Frame:
        nonlocal spoilt
        if of == action.removesuffix(".conf") and frame[0] == (3 if action.endswith(".conf") else 2):
            wrong = changed(frame[-1], path, value)
            spoilt += wrong != frame[-1]
            return [*frame[:-1], wrong]
        return frame

    spoil_connections(monkeypatch, spoil)
    problem = (await play_broken(CASES[name], private_csmsd)).problem
    assert spoilt, f"no {action} came"
    assert problem is not None
    # A wrong listVersion that is a good one shows in what csmsctl says was sent.
    command = "-".join(word.lower() for word in re.findall("[A-Z][a-z]+", action))
    assert action.removesuffix(".conf") in problem or f" {command} " in problem, problem
