"""ChangeConfiguration (C 5.3; TC_021, TC_040, TC_073)."""

from typing import Any

import pytest

from csmsd.ocpp.secrets import MASK
from csmsd.profiles import outgoing
from csmsd.profiles.core.change_configuration import (
    ChangeConfiguration,
    ChangeConfigurationConf,
    ChangeConfigurationReq,
)
from csmsd.profiles.core.charge_points import MAX_CONFIGURATION_KEYS
from csmsd.profiles.refusal import CannotSend
from tests.csmsd.profiles.messages import assert_valid
from tests.csmsd.profiles.scene import NOON, Scene


@pytest.mark.parametrize(
    ("message_type", "payload"),
    [
        (ChangeConfigurationReq, {"key": "k" * 50, "value": "v" * 500}),
        (ChangeConfigurationReq, {"key": "MeterValueSampleInterval", "value": ""}),
        *((ChangeConfigurationConf, {"status": status})
          for status in ("Accepted", "Rejected", "RebootRequired", "NotSupported")),
    ],
)  # fmt: skip
def test_valid(message_type: Any, payload: dict[str, Any]) -> None:
    assert_valid(message_type, payload)


@pytest.mark.parametrize(
    ("set_", "requests"),
    [
        (["MeterValueSampleInterval=60"], [("MeterValueSampleInterval", "60")]),
        (["MeterValueSampleInterval=-1"], [("MeterValueSampleInterval", "-1")]),
        (["A=1", "B=2", "A=3"], [("A", "1"), ("B", "2"), ("A", "3")]),
        (["Url=http://h/?a=b&c=d"], [("Url", "http://h/?a=b&c=d")]),
        (["A="], [("A", "")]),
        ([" A =1"], [("A", "1")]),
        (["A= 1 "], [("A", " 1 ")]),
    ],
)
def test_each_key_is_a_request_of_its_own(set_: list[str], requests: list[tuple[str, str]]) -> None:
    assert Scene().asks(ChangeConfiguration(set=set_)) == [{"key": key, "value": value} for key, value in requests]


@pytest.mark.parametrize("set_", [["A"], [""], ["=1"], [" =1"], ["A=1", "B"]])
def test_nothing_is_sent_when_one_of_them_is_no_key_and_value(set_: list[str]) -> None:
    with pytest.raises(CannotSend, match="KEY=VALUE"):
        Scene().asks(ChangeConfiguration(set=set_))


def test_a_secret_without_its_key_is_not_repeated() -> None:
    with pytest.raises(CannotSend) as refused:
        Scene().asks(ChangeConfiguration(set=['{"AuthorizationKey": "abc"}']))
    assert "abc" not in str(refused.value)


def test_reboot_required_counts_as_done_and_shows_until_the_next_boot() -> None:
    scene = Scene()

    changes = scene.confirmed("ChangeConfiguration", {"key": "A", "value": "1"}, {"status": "RebootRequired"})

    assert outgoing()["ChangeConfiguration"].accepted == {"Accepted", "RebootRequired"}
    assert changes == [scene.cp.record]
    assert scene.cp.record.reboot_required
    assert scene.cp.configured("A") is None

    scene.send("BootNotification", {"chargePointVendor": "ACME", "chargePointModel": "One"})
    assert not scene.cp.record.reboot_required


def test_what_was_accepted_is_known() -> None:
    scene = Scene()
    reports = {"configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}]}
    scene.confirmed("GetConfiguration", {}, reports)

    (changed,) = scene.confirmed(
        "ChangeConfiguration", {"key": "heartbeatinterval", "value": "60"}, {"status": "Accepted"}
    )

    assert scene.cp.configuration == {"heartbeatinterval": changed}
    known = scene.cp.configuration["heartbeatinterval"]
    assert (known.name, known.value, known.reported_at) == ("HeartbeatInterval", "60", NOON)


@pytest.mark.parametrize("status", ["Rejected", "NotSupported", "Perhaps"])
def test_what_was_not_accepted_changes_nothing(status: str) -> None:
    scene = Scene()

    assert scene.confirmed("ChangeConfiguration", {"key": "A", "value": "1"}, {"status": status}) == []
    assert scene.cp.configured("A") is None


@pytest.mark.parametrize("name", ["AuthorizationKey", "AUTHORIZATIONKEY", "WifiPassword"])
def test_secrets_are_masked_before_they_are_kept(name: str) -> None:
    scene = Scene()

    (kept,) = scene.confirmed("ChangeConfiguration", {"key": name, "value": "s3cret"}, {"status": "Accepted"})

    assert "s3cret" not in repr(kept)
    assert scene.cp.configured(name) == MASK


def forbidden(scene: Scene, payload: dict[str, Any]) -> str | None:
    forbids = outgoing()["ChangeConfiguration"].forbids
    assert forbids is not None
    return forbids(payload, scene.target("CP1"))


@pytest.mark.parametrize("name", ["AuthorizationKey", "authorizationkey", " Authorization_Key\n"])
def test_a_key_is_not_sent_alone(name: str) -> None:
    """csmsd would go on asking for the one of before."""
    scene = Scene()
    scene.cp.record.security_profile = 1
    asked = ChangeConfiguration(set=["A=1", f"{name}=0123456789abcdef"])
    for while_another_is_on_its_way in (False, True):
        if while_another_is_on_its_way:
            scene.cp.record.password_hash_next = "sha256$00$00"
        with pytest.raises(CannotSend, match="cp rotate-key CP1") as refused:
            scene.asks(asked)
        assert "0123456789abcdef" not in str(refused.value)


@pytest.mark.parametrize(
    "payload",
    [
        {"key": "AuthorizationKey", "value": "x"},
        {"Key": "AUTHORIZATIONKEY", "value": "x"},
        {"key": "A", "KEY": "AuthorizationKey", "value": "x"},
        {"key": "AuthorizationKey"},
    ],
)
def test_nor_in_a_raw_payload_however_it_is_spelled(payload: dict[str, Any]) -> None:
    scene = Scene()
    for profile, helps in enumerate(
        ("cp secure CP1 --to 1", "cp rotate-key CP1", "cp rotate-key CP1", "cert renew CP1")
    ):
        scene.cp.record.security_profile = profile
        assert helps in (forbidden(scene, payload) or ""), profile


def test_a_security_profile_is_never_changed_at_one_end_alone() -> None:
    scene = Scene()
    scene.cp.record.security_profile = 2
    lowered, raised = "A00.FR.005", "cp secure CP1 --to 3"
    for value, says in (("0", lowered), (" 1 ", lowered), ("01", lowered), ("none", lowered), ("3", raised)):
        with pytest.raises(CannotSend, match=says):
            scene.asks(ChangeConfiguration(set=["A=1", f"securityprofile={value}"]))
    assert scene.asks(ChangeConfiguration(set=["SecurityProfile=2"])) == [{"key": "SecurityProfile", "value": "2"}]
    for odd in (1, 1.9, "1.0", True, None, [1]):
        assert lowered in (forbidden(scene, {"key": "SecurityProfile", "VALUE": odd}) or ""), odd
    assert forbidden(scene, {"key": "HeartbeatInterval", "value": "1"}) is None


def test_keys_are_bounded() -> None:
    scene = Scene()
    for number in range(MAX_CONFIGURATION_KEYS + 10):
        request = {"key": f"Key{number}", "value": "1"}
        scene.confirmed("ChangeConfiguration", request, {"status": "Accepted"})

    assert len(scene.cp.configuration) == MAX_CONFIGURATION_KEYS


@pytest.mark.parametrize(
    ("key", "status", "says"),
    [
        ("numberofconnectors", "Rejected", "numberofconnectors is read-only (C 9)"),
        ("HeartbeatInterval", "Rejected", "is that a valid value? all that it has: csmsctl get-configuration CP1"),
        ("Foo", "NotSupported", "it has no key Foo; all that it has: csmsctl get-configuration CP1"),
        ("Foo", "Accepted", None),
    ],
)
def test_what_is_known_of_keys_that_were_never_read(key: str, status: str, says: str | None) -> None:
    assert Scene().why("ChangeConfiguration", {"key": key, "value": "1"}, {"status": status}) == says
