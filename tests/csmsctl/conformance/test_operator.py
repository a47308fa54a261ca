"""csmsctl, which is the operator of a case: what it says wrongly is found."""

import json
from dataclasses import replace
from typing import Any

import pytest

from csmsctl.conformance.private_csmsd import Ended, Site
from tests.csmsctl.conformance.broken import CASES, play_broken
from tests.csmsctl.conformance.conftest import ForkedOperator


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("unlock-connector", {"code": 0}),
        ("unlock-connector", {"status": "Unlocked"}),
        ("unlock-connector", {"outcome": "accepted"}),
        ("unlock-connector", {"request": {}}),
        ("unlock-connector", {"response": {}}),
        ("unlock-connector", {"action": "Reset"}),
        ("unlock-connector", {"charge_point": "CP"}),
        ("unlock-connector", {"schema_version": 2}),
        ("unlock-connector", {"err": "Traceback (most recent call last)"}),
        ("unlock-connector", {"out": "UnlockFailed"}),
        ("task", {"outcome": "accepted"}),
        ("task", {"state": "sent"}),
        ("task", {"id": 0}),
        ("task", {"code": 1}),
    ],
)
async def test_an_operator_who_is_told_wrong_things_is_found(
    command: str, wrong: dict[str, Any], private_csmsd: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ForkedOperator.csmsctl

    async def lying(self: ForkedOperator, *arguments: str) -> Ended:
        ended = await real(self, *arguments)
        if command not in arguments:
            return ended
        document = ended.json
        for records in (document.get("results"), document.get("tasks")):
            for record in records or []:
                record |= {key: value for key, value in wrong.items() if key in record}
        document |= {key: value for key, value in wrong.items() if key in document}
        out = str(wrong.get("out", json.dumps(document)))
        return replace(ended, code=wrong.get("code", ended.code), out=out, err=wrong.get("err", ended.err))

    monkeypatch.setattr(ForkedOperator, "csmsctl", lying)
    problem = (await play_broken(CASES["TC_030"], private_csmsd)).problem
    assert problem is not None
    assert command in problem
