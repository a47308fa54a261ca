"""DeleteCertificate (whitepaper 5.3, M04; TC_076): exactly what was reported, and not what csmsd is known by."""

import json
from typing import Any

import pytest

from csmsd.ocpp.payloads import encode_payload, read_payload
from csmsd.ocpp.types import Message
from csmsd.profiles import outgoing
from csmsd.profiles.refusal import CannotSend, NotThere
from csmsd.profiles.security.delete_certificate import DeleteCertificate, DeleteCertificateReq
from tests.csmsd.profiles.messages import assert_valid
from tests.csmsd.profiles.scene import Scene
from tests.csmsd.profiles.security.roots import OWN, ROOT, TestRoots
from tests.csmsd.profiles.security.test_get_installed_certificate_ids import (
    MANUFACTURER,
    hash_data,
    reported,
    serials,
)


def named(text: str, algorithm: str = "SHA256", *, upper: bool = False) -> dict[str, str]:
    """A root as a charge point names it."""
    length = {"SHA256": 32, "SHA384": 48, "SHA512": 64}[algorithm]
    serial = "0001ab" if text == OWN else "00c0ffee"
    data = hash_data(serial, algorithm, issuerNameHash="aa" * length, issuerKeyHash="bb" * length)
    return {key: value.upper() if upper else value for key, value in data.items()}


@pytest.fixture
def scene() -> Scene:
    found = Scene()
    found.site.security.roots = TestRoots()
    return found


def sent(scene: Scene, command: DeleteCertificate) -> list[dict[str, Any]]:
    """What is asked, and then sent; what it has was reported before."""
    steps = command.steps(scene.target())
    found: list[Message] = [next(steps)]
    while True:
        try:
            found.append(steps.send(None))
        except StopIteration:
            return [json.loads(encode_payload(request)) for request in found]


@pytest.mark.parametrize("algorithm", ["SHA256", "SHA384", "SHA512"])
@pytest.mark.parametrize("upper", [True, False])
def test_what_it_reported_is_sent_back_to_the_letter(scene: Scene, algorithm: str, upper: bool) -> None:
    data = named(ROOT, algorithm, upper=upper)
    reported(scene, hash_data("77"), data)
    for command in (DeleteCertificate(match=ROOT), DeleteCertificate(serial="C0:FF:EE")):
        asked = sent(scene, command)
        assert [one.get("certificateType") for one in asked[:2]] == [
            "CentralSystemRootCertificate",
            "ManufacturerRootCertificate",
        ]
        assert asked[2] == {"certificateHashData": data}
        assert_valid(DeleteCertificateReq, asked[2])


def test_one_that_is_not_there_or_not_the_only_one(scene: Scene) -> None:
    reported(scene, hash_data("77"))
    for command in (DeleteCertificate(match=ROOT), DeleteCertificate(serial="78")):
        with pytest.raises(NotThere, match="no such certificate"):
            sent(scene, command)
    reported(scene, hash_data("0077", "SHA384"), use=MANUFACTURER)
    with pytest.raises(CannotSend, match="2 certificates"):
        sent(scene, DeleteCertificate(serial="77"))
    for fields in ({}, {"match": ROOT, "serial": "1"}):
        with pytest.raises(CannotSend, match="either"):
            sent(scene, DeleteCertificate(**fields))
    with pytest.raises(CannotSend, match="no serial number"):
        sent(scene, DeleteCertificate(serial="xyz"))
    with pytest.raises(CannotSend, match="issued by another"):
        sent(scene, DeleteCertificate(match="a leaf"))


def objection(scene: Scene, data: dict[str, str]) -> str | None:
    declared = outgoing()["DeleteCertificate"]
    assert declared.check is not None
    return declared.check(_request(data), scene.target())


def _request(data: dict[str, str]) -> Message:
    return read_payload(DeleteCertificateReq, json.dumps({"certificateHashData": data}).encode())[0]


@pytest.mark.parametrize(("profile", "protected"), [(0, False), (1, False), (2, True), (3, True)])
def test_the_root_of_our_own_certificate_is_protected_where_it_is_needed(
    scene: Scene, profile: int, protected: bool
) -> None:
    scene.cp.record.security_profile = profile
    reported(scene, named(OWN, upper=True), named(ROOT))
    assert (objection(scene, named(OWN)) is not None) == protected
    assert objection(scene, named(ROOT)) is None


def test_the_last_root_is_asked_about(scene: Scene) -> None:
    reported(scene, named(ROOT), use=MANUFACTURER)
    assert "signed firmware" in (objection(scene, named(ROOT)) or "")
    reported(scene, named(ROOT), hash_data("1"), use=MANUFACTURER)
    assert objection(scene, named(ROOT)) is None
    scene.cp.record.security_profile = 2
    reported(scene, hash_data("2"))
    assert "cannot connect" in (objection(scene, hash_data("2")) or "")


@pytest.mark.parametrize(
    ("status", "left"),
    [("Accepted", ["77"]), ("Success", ["77"]), ("NotFound", ["77"]), ("Failed", ["77", "00c0ffee"])],
)
def test_what_is_left(scene: Scene, status: str, left: list[str]) -> None:
    reported(scene, hash_data("77"), named(ROOT))
    scene.confirmed("DeleteCertificate", {"certificateHashData": named(ROOT)}, {"status": status})
    assert serials(scene) == left
    why = scene.why("DeleteCertificate", {"certificateHashData": named(ROOT)}, {"status": status})
    assert ("M04.FR.06" in (why or "")) == (status == "Failed")
