"""GetInstalledCertificateIds (whitepaper 5.7, M03; TC_075, TC_076)."""

from typing import Any

import pytest

from csmsd.profiles.security.get_installed_certificate_ids import (
    GetInstalledCertificateIds,
    GetInstalledCertificateIdsConf,
    GetInstalledCertificateIdsReq,
)
from tests.csmsd.profiles.messages import assert_valid
from tests.csmsd.profiles.scene import Scene

CENTRAL, MANUFACTURER = "CentralSystemRootCertificate", "ManufacturerRootCertificate"


def hash_data(serial: str = "01AB", algorithm: str = "SHA256", **more: str) -> dict[str, str]:
    return {
        "hashAlgorithm": algorithm,
        "issuerNameHash": "AA" * 32,
        "issuerKeyHash": "bb" * 32,
        "serialNumber": serial,
        **more,
    }


def reported(scene: Scene, *data: dict[str, str], use: str = CENTRAL, status: str = "Accepted") -> None:
    answer: dict[str, Any] = {"status": status} | ({"certificateHashData": list(data)} if data else {})
    scene.confirmed("GetInstalledCertificateIds", {"certificateType": use}, answer)


def serials(scene: Scene, use: str = CENTRAL) -> list[str]:
    return [one.serial_number for one in scene.site.security.installed_certificates.of("CP1", use)]


def test_both_types_are_asked_for_unless_one_is_named() -> None:
    both = [{"certificateType": CENTRAL}, {"certificateType": MANUFACTURER}]
    assert Scene().asks(GetInstalledCertificateIds()) == both
    assert Scene().asks(GetInstalledCertificateIds(type="manufacturer")) == both[1:]
    for payload in both:
        assert_valid(GetInstalledCertificateIdsReq, payload)
    assert_valid(GetInstalledCertificateIdsConf, {"status": "Accepted", "certificateHashData": [hash_data()]})


def test_what_it_has_now_takes_the_place_of_what_it_had_to_the_letter() -> None:
    scene = Scene()
    reported(scene, hash_data("01AB"), hash_data("0c"))
    reported(scene, hash_data("ff", "SHA512"), use=MANUFACTURER)
    assert (serials(scene), serials(scene, MANUFACTURER)) == (["01AB", "0c"], ["ff"])
    reported(scene, hash_data("0c"))
    assert (serials(scene), serials(scene, MANUFACTURER)) == (["0c"], ["ff"])
    kept = scene.site.security.installed_certificates.of("CP1", CENTRAL)[0]
    assert (kept.issuer_name_hash, kept.issuer_key_hash) == ("AA" * 32, "bb" * 32)


@pytest.mark.parametrize("answer", [{"status": "NotFound"}, {"status": "Accepted", "certificateHashData": []}])
def test_none_is_said_in_two_ways(answer: dict[str, Any]) -> None:
    scene = Scene()
    reported(scene, hash_data())
    scene.confirmed("GetInstalledCertificateIds", {"certificateType": CENTRAL}, answer)
    assert serials(scene) == []


def test_one_that_is_named_twice_is_one() -> None:
    scene = Scene()
    reported(scene, hash_data("01ab"), hash_data("1AB", issuerNameHash="aa" * 32))
    assert serials(scene) == ["01ab"]


def test_a_name_that_cannot_be_read_costs_itself_alone() -> None:
    scene = Scene()
    reported(scene, {"hashAlgorithm": "SHA256"}, hash_data("02"))
    assert serials(scene) == ["02"]
