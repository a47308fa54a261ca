"""FIELD-NOTES "Commands", on the operations and on what charge points answer."""

import pytest

from csmsd.profiles.core.get_configuration import GetConfiguration
from tests.csmsd.profiles.scene import Scene


def reported(scene: Scene, **keys: object) -> None:
    found = [{"key": name, "readonly": False, "value": value} for name, value in keys.items()]
    scene.confirmed("GetConfiguration", {}, {"configurationKey": found})


@pytest.mark.parametrize(("limit", "requests"), [("0", 3), ("-1", 3), ("1", 3), ("2", 2), ("50", 1), (2, 2)])
def test_keys_are_asked_in_batches_that_the_charge_point_can_take(limit: object, requests: int) -> None:
    scene = Scene()
    reported(scene, GetConfigurationMaxKeys=limit)

    assert len(scene.asks(GetConfiguration(key=["A", "B", "C"]))) == requests


@pytest.mark.parametrize(
    "confirmation",
    [
        {"configurationKey": [{"key": "A", "readonly": "false", "value": 5}]},
        {"configurationKey": {"key": "A", "readonly": False, "value": "5"}},
        {"configurationKey": [{"key": "A", "readonly": False, "value": "5", "type": "int"}], "unknownKey": None},
        {"ConfigurationKey": [{"Key": "A", "Readonly": False, "Value": "5"}]},
    ],
)
def test_a_report_may_deviate(confirmation: dict[str, object]) -> None:
    scene = Scene()

    scene.confirmed("GetConfiguration", {}, confirmation)

    assert scene.cp.configured("A") == "5"


def test_a_charge_point_that_ignores_the_filter_tells_more_than_it_was_asked() -> None:
    scene = Scene()
    both = {"configurationKey": [{"key": name, "readonly": True, "value": "1"} for name in ("A", "B")]}

    scene.confirmed("GetConfiguration", {"key": ["A"]}, both)

    assert (scene.cp.configured("A"), scene.cp.configured("B")) == ("1", "1")


def test_a_reboot_stays_required_until_the_next_boot_even_if_more_is_changed() -> None:
    scene = Scene()
    scene.confirmed("ChangeConfiguration", {"key": "A", "value": "1"}, {"status": "RebootRequired"})
    scene.confirmed("ChangeConfiguration", {"key": "B", "value": "1"}, {"status": "Accepted"})

    assert scene.cp.record.reboot_required


@pytest.mark.parametrize("name", ["AuthorizationKey", "wifiPassword", "APN_Passphrase", "clientSecret"])
def test_no_secret_is_kept_whichever_way_it_is_learnt(name: str) -> None:
    scene = Scene()
    reported(scene, **{name: "s3cret"})
    scene.confirmed("ChangeConfiguration", {"key": name, "value": "s3cret"}, {"status": "Accepted"})

    assert "s3cret" not in repr(scene.cp.configuration)
