"""csmsd's own certificates are renewed in time."""

import asyncio

from csmsd.pki.renewal import Renewal
from csmsd.settings.sections import CertificateFiles
from tests.csmsd.pki.conftest import CertifiedSite

DAY = 86_400_000


def renewal(site: CertifiedSite) -> Renewal:
    return Renewal(site.live, site.certificates, site.contexts, site.settings.tls)


async def test_in_the_last_third_of_their_time_they_are_renewed_and_used(certified: CertifiedSite) -> None:
    before = certified.contexts.context("none")
    start = certified.now
    certified.now = start + 58 * DAY
    assert not await renewal(certified).renew_what_is_due()
    certified.now = start + 61 * DAY
    assert await renewal(certified).renew_what_is_due()
    assert certified.contexts.context("none") is not before
    assert [state for _, kind, state in certified.states() if kind == "server"] == ["replaced"] * 2 + ["used"] * 2
    assert not await renewal(certified).renew_what_is_due()


async def test_those_that_are_named_and_none_at_all_are_let_be(site: CertifiedSite) -> None:
    assert not await renewal(site).renew_what_is_due()
    await site.certificates.init("My CPO", ["csms.local"])
    site.settings.tls.certificates = [CertificateFiles(certificate="/elsewhere.pem")]
    site.now += 89 * DAY
    assert not await renewal(site).renew_what_is_due()


async def test_what_fails_is_tried_again(certified: CertifiedSite) -> None:
    certified.now += 89 * DAY
    key = certified.own.ca_key.read_bytes()
    certified.own.ca_key.unlink()
    assert not await renewal(certified).renew_what_is_due()
    certified.own.ca_key.write_bytes(key)
    certified.own.ca_key.chmod(0o600)
    assert await renewal(certified).renew_what_is_due()


async def test_the_first_round_is_at_the_start_and_another_looks_at_the_files(certified: CertifiedSite) -> None:
    renewed = asyncio.Event()
    certified.bus.subscribe(lambda _: renewed.set(), ("certificate.changed",))
    certified.now += 89 * DAY
    running = asyncio.create_task(renewal(certified).run())
    async with asyncio.timeout(30):
        await renewed.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    certified.own.rsa.chmod(0o644)
    await certified.contexts.look()
    assert "mode 0644" in str(certified.contexts.state.problem)
    assert certified.contexts.state.on, "what is in use stays"
    certified.own.rsa.chmod(0o600)
    await certified.contexts.look()
    assert certified.contexts.state.problem is None
