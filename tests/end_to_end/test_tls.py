"""TLS as a site has it: charge points over wss, new certificates while it runs, proxies in front."""

import asyncio
import base64
import ssl
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from websockets.exceptions import InvalidHandshake, InvalidStatus

from tests.conftest import MakeSite
from tests.support.certificates import client, client_context, server, tls_settings
from tests.support.charge_point import ChargePoint
from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site

KEY = "0123456789abcdef"


def wss(site: Site, identity: str) -> str:
    return site.url(identity).replace("ws://", "wss://")


async def test_a_charge_point_of_pypi_charges_over_tls(make_site: MakeSite, tmp_path: Path) -> None:
    """With a key (profile 2), and with a certificate (profile 3)."""
    site = await make_site(tls_settings(tmp_path))
    await site.call("tag.add", id="TAG1")
    await site.register("CP2", password=KEY, security_profile=2)
    await site.register("CP3", certificate_name="SN3", security_profile=3)
    for identity, pair in (("CP2", None), ("CP3", client("SN3"))):
        context = client_context(tmp_path, pair)
        password = KEY if pair is None else None
        point = await ChargePoint.connect(wss(site, identity), password=password, tls=context)
        await point.boot()
        started = await point.start_transaction("TAG1")
        await point.meter_values(started.transaction_id, 1500)
        stopping = asyncio.create_task(site.csmsctl("remote-stop", identity))
        assert (await point.request("RemoteStopTransaction"))["transaction_id"] == started.transaction_id
        assert (await stopping).code == 0
        await point.stop_transaction(started.transaction_id, 3000)
        (row,) = (await site.json("tx", "list", identity))["transactions"]
        assert row["state"] == "stopped"
        await point.disconnect()


def put(file: Path, content: bytes | None, mode: int = 0o600) -> None:
    """Another content, or none."""
    file.unlink(missing_ok=True)
    if content is not None:
        file.touch()
        file.chmod(mode)
        file.write_bytes(content)


class Comers:
    """Charge points that connect, ask and leave, again and again, each with a handshake of its own."""

    def __init__(self, site: Site, context: ssl.SSLContext) -> None:
        self.site = site
        self.context = context
        self.times = 0
        self.ended = False
        self.tasks = [asyncio.create_task(self._come(f"CP{number}")) for number in range(4)]

    async def _come(self, identity: str) -> None:
        while not self.ended:
            point = await RawChargePoint.connect(wss(self.site, identity), password=KEY, tls=self.context)
            await point.heartbeat()
            await point.disconnect()
            self.times += 1

    async def more(self) -> None:
        """Each of them has come anew."""
        until = self.times + 2 * len(self.tasks)
        while self.times < until:
            await asyncio.sleep(0.01)
            for task in self.tasks:
                if task.done():
                    task.result()

    async def end(self) -> None:
        self.ended = True
        await asyncio.gather(*self.tasks)


async def test_new_certificates_are_taken_while_charge_points_come_and_bad_ones_are_not(
    make_site: MakeSite, tmp_path: Path
) -> None:
    settings = tls_settings(tmp_path)
    site = await make_site(settings)
    for number in range(4):
        await site.register(f"CP{number}", password=KEY, security_profile=2)
    await site.register("STAYS", password=KEY, security_profile=2)
    context = client_context(tmp_path)
    stays = await RawChargePoint.connect(wss(site, "STAYS"), password=KEY, tls=context)
    await stays.boot()
    comers = Comers(site, context)
    file = Path(settings["tls"]["certificates"][1]["certificate"])
    good = server("ec").key + server("ec").certificate
    other = server("ec", "other")
    for content, mode, why in (
        (server("ec").key + other.certificate, 0o600, "the key in"),
        (good, 0o644, "mode 0644"),
        (b"nothing", 0o600, "no certificate in PEM"),
        (server("ec").certificate, 0o600, "no private key in PEM"),
        (None, 0o600, "no such file"),
    ):
        put(file, content, mode)
        ended = await site.csmsctl("daemon", "reload")
        assert (ended.code, why in ended.err, "stay in use" in ended.err) == (1, True, True), ended.err
        await comers.more()
        info = await site.call("daemon.info")
        assert (info["tls"]["on"], why in info["tls"]["problem"]) == (True, True)
    put(file, good)
    assert (await site.csmsctl("daemon", "reload")).code == 0
    await comers.more()
    await comers.end()
    for kind in ("rsa", "ec"):
        server(kind, "other").write(tmp_path, kind)
    assert (await site.csmsctl("daemon", "reload")).code == 0
    with pytest.raises(ssl.SSLCertVerificationError):
        await RawChargePoint.connect(wss(site, "CP0"), password=KEY, tls=context)
    renewed = client_context(tmp_path, trusts="other")
    await (await RawChargePoint.connect(wss(site, "CP0"), password=KEY, tls=renewed)).disconnect()
    await stays.heartbeat()
    await stays.disconnect()
    assert (await site.call("daemon.info"))["tls"] == {"on": True, "problem": None}


async def test_csmsd_starts_without_tls_where_its_certificate_is_bad(make_site: MakeSite, tmp_path: Path) -> None:
    """Charge points without TLS are served, and whoever mends it is answered."""
    settings = tls_settings(tmp_path)
    file = Path(settings["tls"]["certificates"][0]["certificate"])
    put(file, server("rsa").key + server("rsa").certificate, 0o640)
    site = await make_site(settings)
    await (await site.raw("CP1")).heartbeat()
    info = await site.call("daemon.info")
    assert (info["tls"]["on"], "mode 0640" in info["tls"]["problem"]) == (False, True)
    assert "there is no TLS" in site.errors()
    put(file, server("rsa").key + server("rsa").certificate)
    assert (await site.csmsctl("daemon", "reload")).code == 0
    assert (await site.call("daemon.info"))["tls"] == {"on": True, "problem": None}


def certificate_header(der: bytes) -> str:
    return f":{base64.b64encode(der).decode()}:"


async def test_of_proxies_those_that_are_named_are_believed(make_site: MakeSite, tmp_path: Path) -> None:
    kinds = [
        {"address": "127.0.0.1:0", "transport": "proxy", "peers": ["127.0.0.0/8"]},
        {"address": "127.0.0.1:0", "transport": "proxy", "peers": ["192.0.2.0/24"]},
        {"address": "127.0.0.1:0", "transport": "any"},
    ]
    site = await make_site(tls_settings(tmp_path) | {"server": {"listeners": kinds}})
    usual, named, foreign, own = (await site.call("daemon.info"))["listen"]
    await site.register("CP0")
    await site.register("CP2", password=KEY, security_profile=2)
    await site.register("CP3", certificate_name="SN3", security_profile=3)
    forwarded = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7", "X-Forwarded-Proto": "https"}
    with_certificate = forwarded | {"Client-Cert": certificate_header(client("SN3").der)}

    async def come(listen: str, identity: str, headers: dict[str, str], password: str | None = None) -> int:
        try:
            point = await RawChargePoint.connect(f"ws://{listen}/ocpp/{identity}", headers=headers, password=password)
        except InvalidStatus as refused:
            return refused.response.status_code
        shown = await site.call("charge_point.show", id=identity)
        assert shown["address"] == ("198.51.100.7" if listen == named else "127.0.0.1")
        assert shown["tls"] == ("proxy" if "https" in headers.values() and listen == named else None)
        await point.disconnect()
        return 101

    assert await come(named, "CP0", {"X-Forwarded-For": "198.51.100.7"}) == 101
    assert await come(named, "CP2", forwarded, KEY) == 101
    assert await come(named, "CP2", {"X-Forwarded-For": "198.51.100.7"}, KEY) == 401, "no TLS is in front of it"
    assert await come(named, "CP2", forwarded | {"X-Forwarded-Proto": "https, http"}, KEY) == 401
    assert await come(named, "CP3", with_certificate) == 101
    assert await come(named, "CP3", forwarded) == 401
    for wrong in (
        client("SN4"),  # another one's
        client("SN3", "Not My CPO"),
    ):
        assert await come(named, "CP3", forwarded | {"Client-Cert": certificate_header(wrong.der)}) == 401
    for bad in (
        {},
        {"X-Forwarded-For": "somewhere"},
        forwarded | {"Client-Cert": "MIIB"},
        forwarded | {"Client-Cert": ":not base64:"},
        forwarded | {"Client-Cert": certificate_header(client("SN3", issuer="other").der)},  # of nobody we know
        forwarded | {"Client-Cert": certificate_header(client("SN3", days=-1).der)},
    ):
        assert await come(named, "CP3", bad) == 400, bad
    # Whoever is none of its peers, and on every other listener:
    assert await come(foreign, "CP3", with_certificate) == 400
    for listen in (usual, own):
        assert await come(listen, "CP3", {"Client-Cert": with_certificate["Client-Cert"]}) == 400
        assert await come(listen, "CP2", {"X-Forwarded-Proto": "https"}, KEY) == (401 if listen == usual else 400)
    assert await come(own, "CP0", {"X-Forwarded-For": "198.51.100.7"}) == 400
    reasons: list[Any] = [one["reason"] for one in (await site.call("charge_point.show", id="CP3"))["refused"]]
    assert {"proxied", "no_certificate", "wrong_certificate"} <= set(reasons)


async def test_listeners_of_a_kind_take_that_kind(make_site: MakeSite, tmp_path: Path) -> None:
    kinds = [
        {"address": "127.0.0.1:0", "transport": "tls", "client_certificate": "required"},
        {"address": "127.0.0.1:0", "transport": "tls", "client_certificate": "none"},
        {"address": "127.0.0.1:0", "transport": "plain"},
    ]
    metrics = {"metrics": {"listen": "127.0.0.1:0"}}
    site = await make_site(tls_settings(tmp_path) | {"server": {"listeners": kinds}} | metrics)
    _, required, none, plain = (await site.call("daemon.info"))["listen"]
    await site.register("CP1", password=KEY)
    foreign = client_context(tmp_path, client("SN1", issuer="other"))

    async def come(listen: str, tls: ssl.SSLContext | None) -> bool:
        scheme = "ws" if tls is None else "wss"
        try:
            point = await RawChargePoint.connect(f"{scheme}://{listen}/ocpp/CP1", tls=tls, password=KEY)
        except (InvalidHandshake, OSError):
            return False
        await point.disconnect()
        return True

    assert await come(required, client_context(tmp_path, client("SN1")))
    assert not await come(required, client_context(tmp_path))
    assert await come(none, foreign), "it is not asked for its certificate, which is somebody else's"
    assert not await come(none, None)
    assert await come(plain, None)
    assert not await come(plain, client_context(tmp_path))
    pending = (await site.call("charge_point.pending"))["pending"]
    assert {"tls_certificate", "plain", "tls"} <= {one["reason"] for one in pending}
    where = (await site.call("daemon.info"))["metrics"]
    async with aiohttp.ClientSession() as session, session.get(f"{where}/metrics") as answer:
        told = await answer.text()
    for line in ('csms_tls_handshakes_total{result="done"} 2.0', 'csms_tls_handshakes_total{result="failed"} 1.0'):
        assert line in told
