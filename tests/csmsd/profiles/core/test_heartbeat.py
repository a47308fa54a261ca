"""Heartbeat (C 4.6)."""

import pytest

from csmsd.profiles.core.heartbeat import HeartbeatConf, HeartbeatReq
from tests.csmsd.profiles.messages import assert_valid
from tests.csmsd.profiles.scene import HOUR, Scene


def test_valid() -> None:
    assert_valid(HeartbeatReq, {})
    assert_valid(HeartbeatConf, {"currentTime": "2026-03-01T12:00:00.000Z"})


@pytest.mark.parametrize("payload", [{}, None, [], "", 0, {"vendorThing": 1}])
def test_the_time_is_told_whatever_comes_with_the_question(payload: object) -> None:
    scene = Scene()
    scene.now += HOUR + 7

    answer = scene.send("Heartbeat", payload)

    assert answer.payload == {"currentTime": "2026-03-01T13:00:00.007Z"}
    assert (answer.changes, answer.events) == ([], [])
