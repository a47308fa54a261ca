"""What speaks against circuits as they are described."""

from typing import Any

import pytest

from csmsd.profiles.load_management.circuits import Circuit, Member
from csmsd.profiles.load_management.manners import LoadManner
from csmsd.profiles.load_management.misdescriptions import misdescriptions_of_site
from tests.csmsd.profiles.scene import Scene
from tests.csmsd.profiles.smart_charging.installing import configure

A = 1000


def line(name: str, amperes: int, **more: Any) -> Circuit:
    return Circuit(name=name, l1_ma=amperes * A, l2_ma=amperes * A, l3_ma=amperes * A, **more)


def found(scene: Scene, circuits: list[Circuit], *members: Member) -> list[tuple[str, str | None, str]]:
    scene.site.smart_charging.load.replace(circuits, list(members))
    return [(one.circuit, one.charge_point, one.text) for one in misdescriptions_of_site(scene.site)]


def test_a_site_that_is_described_well_has_none() -> None:
    scene = Scene()
    circuits = [line("main", 63), line("garage", 32, parent="main")]
    assert found(scene, circuits, Member(circuit="garage", charge_point="CP1")) == []


def test_a_line_that_is_stronger_than_the_one_above_it() -> None:
    assert found(Scene(), [line("main", 32), line("garage", 63, parent="MAIN")]) == [
        ("garage", None, "its limit of 63A on L1 is more than 32A of main, on which it hangs")
    ]


@pytest.mark.parametrize("member", [{"fallback_ma": 11 * A}, {"floor_ma": 11 * A, "minimum_ma": 11 * A}])
def test_fallbacks_that_were_told_and_do_not_fit(member: dict[str, int]) -> None:
    scene = Scene()
    scene.register("CP2")
    members = [Member(circuit="main", charge_point=name, **member) for name in ("CP1", "CP2")]  # type: ignore[arg-type]
    assert found(scene, [line("main", 22)], *members) == []
    [(circuit, nobody, text)] = found(scene, [line("main", 22, reserve_l2_ma=A)], *members)
    assert (circuit, nobody) == ("main", None)
    assert "more than it carries on L2 beside its reserve" in text


@pytest.mark.parametrize(
    ("key", "value", "member", "text"),
    [
        ("NumberOfConnectors", "2", {"connector": 3}, "CP1 has no connector 3, but 1, 2"),
        (
            "SupportedFeatureProfiles",
            "Core,RemoteTrigger",
            {},
            "it does not support Smart Charging (C 9.1.29), and takes no limits",
        ),
        (
            "ConnectorPhaseRotation",
            "0.RST, 1.STR",
            {},
            "its ConnectorPhaseRotation says L2L3L1, the circuit L1L2L3",
        ),
        ("ConnectorPhaseRotation", "1.STR", {"phases": "L2"}, None),
        (
            "MaxChargingProfilesInstalled",
            "1",
            {},
            "it has room for one charging profile (C 9.4.5): it can only be a member as a whole, as connector 0",
        ),
        ("MaxChargingProfilesInstalled", "1", {"connector": 0}, None),
        ("MaxChargingProfilesInstalled", "2", {}, None),
        ("ConnectorPhaseRotation", "1.Unknown", {}, None),
        ("ConnectorPhaseRotation", "0.TRS, 1.STR", {}, None),
        ("SupportedFeatureProfiles", "Core, SmartCharging", {}, None),
    ],
)
def test_what_its_charge_point_says_against_it(key: str, value: str, member: dict[str, Any], text: str | None) -> None:
    scene = Scene()
    configure(scene, **{key: value})
    told = [] if text is None else [("main", "CP1", text)]
    assert found(scene, [line("main", 32)], Member(circuit="main", charge_point="CP1", **member)) == told


@pytest.mark.parametrize(
    ("room", "purpose", "told"),
    [("3", None, True), ("4", None, False), ("3", "TxDefaultProfile", False), ("1", "ChargePointMaxProfile", False)],
)
def test_two_connectors_need_room_for_the_profiles_of_both(room: str, purpose: Any, told: bool) -> None:
    scene = Scene()
    configure(scene, MaxChargingProfilesInstalled=room)
    scene.site.smart_charging.load.note_manner(LoadManner(charge_point="CP1", purpose=purpose))
    members = [Member(circuit="main", charge_point="CP1", connector=number) for number in (1, 2)]
    texts = [text for _, _, text in found(scene, [line("main", 32)], *members)]
    needs = "it has room for 3 charging profiles (C 9.4.5), and its connectors need 4"
    assert [text.startswith(needs) for text in texts if "room for one" not in text] == [True] * told
