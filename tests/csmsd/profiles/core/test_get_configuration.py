"""GetConfiguration (C 5.8; FIELD-NOTES "Commands")."""

from typing import Any

import pytest

from csmsd.ocpp.secrets import MASK
from csmsd.profiles.core.charge_points import MAX_CONFIGURATION_KEYS
from csmsd.profiles.core.get_configuration import GetConfiguration, GetConfigurationConf, GetConfigurationReq
from tests.csmsd.profiles.messages import assert_valid
from tests.csmsd.profiles.scene import NOON, SECOND, Scene


def key(name: str, value: str | None = None, *, readonly: bool = False) -> dict[str, Any]:
    return {"key": name, "readonly": readonly} | ({} if value is None else {"value": value})


@pytest.mark.parametrize(
    ("message_type", "payload"),
    [
        (GetConfigurationReq, {}),
        (GetConfigurationReq, {"key": ["k" * 50]}),
        (GetConfigurationReq, {"key": []}),
        (GetConfigurationConf, {}),
        (GetConfigurationConf, {"configurationKey": [key("A", "1"), key("B", readonly=True)], "unknownKey": ["C"]}),
        (GetConfigurationConf, {"configurationKey": [], "unknownKey": []}),
    ],
)
def test_valid(message_type: Any, payload: dict[str, Any]) -> None:
    assert_valid(message_type, payload)


def names(count: int) -> list[str]:
    return [f"Key{number}" for number in range(count)]


@pytest.mark.parametrize(
    ("reported", "asked", "sizes"),
    [
        (None, 3, [3]),
        (None, 50, [50]),
        (None, 51, [50, 1]),
        ("10", 3, [3]),
        ("2", 5, [2, 2, 1]),
        ("1", 3, [1, 1, 1]),
        ("0", 3, [1, 1, 1]),
        ("-1", 2, [1, 1]),
        ("many", 2, [1, 1]),
        ("", 2, [1, 1]),
        (" 2 ", 3, [2, 1]),
        ("9" * 5000, 2, [1, 1]),
    ],
)
def test_keys_are_asked_for_in_as_many_requests_as_the_charge_point_demands(
    reported: str | None, asked: int, sizes: list[int]
) -> None:
    scene = Scene()
    if reported is not None:
        reports = {"configurationKey": [key("getconfigurationmaxkeys", reported, readonly=True)]}
        scene.confirmed("GetConfiguration", {}, reports)

    requests = scene.asks(GetConfiguration(key=names(asked)))

    assert [len(request["key"]) for request in requests] == sizes
    assert [name for request in requests for name in request["key"]] == names(asked)


def test_without_keys_all_are_asked_for() -> None:
    assert Scene().asks(GetConfiguration()) == [{}]  # C 5.8; TC_019_1


def test_what_is_reported_is_remembered() -> None:
    scene = Scene()
    reports = {"configurationKey": [key("HeartbeatInterval", "300"), key("Serial", readonly=True)], "unknownKey": ["X"]}

    changes = scene.confirmed("GetConfiguration", {"key": ["HeartbeatInterval", "Serial", "X"]}, reports)

    assert changes == list(scene.cp.configuration.values())
    known = scene.cp.configuration
    assert {name: (found.name, found.value, found.readonly, found.reported_at) for name, found in known.items()} == {
        "heartbeatinterval": ("HeartbeatInterval", "300", False, NOON),
        "serial": ("Serial", None, True, NOON),
    }

    scene.now += SECOND
    scene.confirmed("GetConfiguration", {}, {"configurationKey": [key("heartbeatinterval", "60")]})
    assert (scene.cp.configured("HeartbeatInterval"), len(known)) == ("60", 2)


@pytest.mark.parametrize("reports", [{}, {"configurationKey": None}, {"unknownKey": ["HeartbeatInterval"]}])
def test_a_key_in_neither_list_is_not_reported(reports: dict[str, object]) -> None:
    scene = Scene()

    assert scene.confirmed("GetConfiguration", {"key": ["HeartbeatInterval"]}, reports) == []
    assert scene.cp.configured("HeartbeatInterval") is None


@pytest.mark.parametrize("name", ["AuthorizationKey", "authorizationkey", "WiFiPassword", "ClientSecret"])
def test_secrets_are_masked_before_they_are_kept(name: str) -> None:
    scene = Scene()

    (kept,) = scene.confirmed("GetConfiguration", {}, {"configurationKey": [key(name, "s3cret")]})

    assert "s3cret" not in repr(kept)
    assert scene.cp.configured(name) == MASK


@pytest.mark.parametrize("value", [None, ""])
def test_a_secret_that_is_not_set_is_not_masked(value: str | None) -> None:
    scene = Scene()
    scene.confirmed("GetConfiguration", {}, {"configurationKey": [key("AuthorizationKey", value)]})

    assert scene.cp.configured("AuthorizationKey") == value


def test_keys_are_bounded_in_number_and_length_and_known_ones_still_move() -> None:
    scene = Scene()
    endless = [key(f"Key{number}", "1") for number in range(MAX_CONFIGURATION_KEYS + 100)]
    scene.confirmed("GetConfiguration", {}, {"configurationKey": endless})
    scene.confirmed("GetConfiguration", {}, {"configurationKey": [key("k" * 60_000), key("Key0", "v" * 60_000)]})

    assert len(scene.cp.configuration) == MAX_CONFIGURATION_KEYS
    assert scene.cp.configured("Key0") == "v" * 5000


def test_a_value_of_another_type_costs_nothing_and_an_entry_that_is_none_itself_alone() -> None:
    scene = Scene()
    reported = [
        {"key": "HeartbeatInterval", "value": 60},
        {"key": "LocalPreAuthorize", "readonly": 1, "value": True},
        {"key": "MeterValuesSampledData", "readonly": None, "value": ["Voltage", "SoC"]},
        {"readonly": True, "value": "x"},
        None,
        {"key": "Blink", "readonly": "perhaps", "value": None},
    ]

    scene.confirmed("GetConfiguration", {}, {"configurationKey": reported, "unknownKey": ["A", None]})

    assert {known.name: (known.value, known.readonly) for known in scene.cp.configuration.values()} == {
        "HeartbeatInterval": ("60", False),
        "LocalPreAuthorize": ("true", True),
        "MeterValuesSampledData": ('["Voltage","SoC"]', False),
        "Blink": (None, False),
    }


def test_keys_may_be_written_with_commas() -> None:
    scene = Scene()
    assert scene.asks(GetConfiguration(key=["A,B", " C ,", "A"])) == [{"key": ["A", "B", "C"]}]
