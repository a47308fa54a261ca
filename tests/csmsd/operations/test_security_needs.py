"""What a charge point is given for TLS before its profile is raised, on a csmsd that is killed at each step."""

import asyncio
from typing import Any

from csmsctl.link.certificates import hash_data_of, new_key_and_request
from tests.conftest import MakeSite
from tests.support.certificates import device_context
from tests.support.raw_charge_point import Frame, RawChargePoint
from tests.support.site import Site
from tests.support.wire import WAIT

ORGANIZATION = "My CPO"
ROOT, CERTIFICATE = "root of csmsd's certificate", "certificate of its own"
# What it is sent on its way from profile 0 to 3, and what was under way then, in the words of the record.
STEPS = (
    ("GetInstalledCertificateIds", ROOT),
    ("InstallCertificate", ROOT),
    ("CpoName", CERTIFICATE),
    ("ExtendedTriggerMessage", CERTIFICATE),
    ("CertificateSigned", CERTIFICATE),
    ("SecurityProfile", None),
)


class Device:
    """A charge point that keeps what it is given, whatever becomes of its connection."""

    def __init__(self) -> None:
        self.roots: list[str] = []
        self.organization = ""
        self.key = ""
        self.chain = ""
        self.sent: list[str] = []

    async def until(self, point: RawChargePoint, step: str) -> Frame:
        """Takes and answers all that comes before that step, which is taken and not answered."""
        while True:
            asked: Frame = await asyncio.wait_for(point.calls.get(), WAIT)
            name = asked[3]["key"] if asked[2] == "ChangeConfiguration" else asked[2]
            self.sent.append(name)
            confirmation = self.take(name, asked[3])
            if name == step:
                return asked
            await point.answer(asked, confirmation)
            if name == "ExtendedTriggerMessage":
                self.key, csr = new_key_and_request("CP1", self.organization)
                assert (await point.ask("SignCertificate", {"csr": csr}))[2] == {"status": "Accepted"}

    def take(self, name: str, payload: dict[str, Any]) -> dict[str, Any]:
        if name == "GetInstalledCertificateIds":
            if not self.roots:
                return {"status": "NotFound"}
            data = hash_data_of(self.roots[0])
            fields = ("hashAlgorithm", "issuerNameHash", "issuerKeyHash", "serialNumber")
            values = (data.hash_algorithm, data.issuer_name_hash, data.issuer_key_hash, data.serial_number)
            return {"status": "Accepted", "certificateHashData": [dict(zip(fields, values, strict=True))]}
        if name == "InstallCertificate":
            self.roots.append(payload["certificate"])
        elif name == "CpoName":
            self.organization = payload["value"]
        elif name == "CertificateSigned":
            self.chain = payload["certificateChain"]
        return {"status": "Accepted"}


async def upgrade(site: Site) -> dict[str, Any]:
    (found,) = (await site.call("security_upgrade.list", targets=["CP1"]))["security_upgrades"]
    assert isinstance(found, dict)
    return found


async def test_killed_in_each_step_it_comes_in_as_before_and_the_next_attempt_goes_on(make_site: MakeSite) -> None:
    site = await make_site({"ocpp": {"hold_after_reconnect": 0}})
    await site.call("certificate.init", organization=ORGANIZATION, names=["localhost", "127.0.0.1"])
    await site.register("CP1")
    device = Device()
    for step, under_way in STEPS:
        point = await site.raw("CP1", register=False)
        device.sent.clear()
        running = asyncio.create_task(site.call("charge_point.secure", targets=["CP1"], to=3))
        await device.until(point, step)
        assert device.sent.count("InstallCertificate") == (step == "InstallCertificate"), "what it has is not sent anew"
        await site.kill()
        await asyncio.gather(running, return_exceptions=True)
        await site.start()
        found = await upgrade(site)
        if under_way is None:
            assert found["state"] == "asked"
        else:
            assert found["state"] == "interrupted"
            assert found["reason"].startswith("csmsd ended while"), found
            assert under_way in found["reason"]

    # The last one it had taken: it comes back with its certificate, and nothing less is good any more.
    watcher = await site.watch("security.upgrade")
    context = device_context(site.directory, device.roots[0], device.chain, device.key)
    back = await RawChargePoint.connect(site.url("CP1").replace("ws:", "wss:"), tls=context)
    assert (await watcher.event("security.upgrade"))["data"]["state"] == "confirmed"
    assert (await back.boot())[2]["status"] == "Accepted"
    await back.disconnect()


async def test_a_certificate_that_was_not_taken_is_no_certificate_of_its_own(make_site: MakeSite) -> None:
    """It was issued, and is good: but the charge point has said that it has none."""
    site = await make_site({"ocpp": {"hold_after_reconnect": 0}})
    await site.call("certificate.init", organization=ORGANIZATION, names=["localhost", "127.0.0.1"])
    point = await site.raw("CP1")
    device = Device()
    for _ in range(2):
        running = asyncio.create_task(site.call("charge_point.secure", targets=["CP1"], to=3))
        await point.answer(await device.until(point, "CertificateSigned"), {"status": "Rejected"})
        assert (await running)["results"][-1]["outcome"] == "not_sent"
        assert "SecurityProfile" not in device.sent
        found = await upgrade(site)
        assert (found["state"], "no certificate of its own" in found["reason"]) == ("refused", True)
    await site.asked_nothing(point)


async def test_one_that_cannot_ask_is_raised_with_what_it_was_given_by_hand(make_site: MakeSite) -> None:
    site = await make_site({"ocpp": {"hold_after_reconnect": 0}})
    await site.call("certificate.init", organization=ORGANIZATION, names=["localhost", "127.0.0.1"])
    point = await site.raw("CP1")
    _, csr = new_key_and_request("CP1", ORGANIZATION)
    await site.call("certificate.sign", charge_point="CP1", csr=csr)
    running = asyncio.create_task(site.call("charge_point.secure", targets=["CP1"], to=3))
    device = Device()
    asked = await device.until(point, "ExtendedTriggerMessage")
    await point.answer(asked, {"status": "NotImplemented"})
    await point.answer(await device.until(point, "SecurityProfile"), {"status": "Accepted"})
    await running
    assert (await upgrade(site))["state"] == "accepted"


async def test_where_an_operator_signs_the_next_attempt_goes_on_with_what_it_has_taken(make_site: MakeSite) -> None:
    site = await make_site({"ocpp": {"hold_after_reconnect": 0}, "ca": {"auto_sign": False}})
    await site.call("certificate.init", organization=ORGANIZATION, names=["localhost", "127.0.0.1"])
    point = await site.raw("CP1")
    device = Device()
    securing = asyncio.create_task(site.call("charge_point.secure", targets=["CP1"], to=3))
    playing = asyncio.create_task(device.until(point, "CertificateSigned"))
    assert (await securing)["results"][-1]["error"].startswith("its request for a certificate waits")
    signing = asyncio.create_task(site.call("certificate.sign", charge_point="CP1"))
    await point.answer(await playing, {"status": "Accepted"})
    assert (await signing)["results"][-1]["outcome"] == "accepted"
    (issued,) = (await site.call("certificate.list", targets=["CP1"]))["certificates"]
    assert (issued["state"], issued["taken_at"] is None) == ("issued", False)
    await site.restart()
    point = await site.raw("CP1", register=False)
    device.sent.clear()
    securing = asyncio.create_task(site.call("charge_point.secure", targets=["CP1"], to=3))
    await point.answer(await device.until(point, "SecurityProfile"), {"status": "Accepted"})
    await securing
    assert device.sent == ["GetInstalledCertificateIds", "SecurityProfile"]
    assert (await upgrade(site))["state"] == "accepted"
