"""What TLS costs: CPU of a message beside a plain connection, KiB of an idle one, and a site that comes back."""

import asyncio
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import monotonic

import pytest

from tests.bench.load import Report
from tests.bench.machine import on_core, resident_kib
from tests.bench.messages import TAG
from tests.bench.registered import register
from tests.bench.systems import CHARGE_POINTS, put_load_on, system
from tests.bench.tls_storm import opened
from tests.support.certificates import authority, client_context, server
from tests.support.site import ROOT, Site, environment

pytestmark = pytest.mark.bench

KEY = "0123456789abcdef"
SECONDS = "4"
RATE = "1500"  # messages a second, the same for both: what comes at once is written at once, and costs less
ROUNDS = 3
MOST_TIMES_PLAIN = 1.3
IDLE = 500
MOST_KIB = 64
STORM = 1000
MOST_LAG_SECONDS = 0.25
FAILED = 20_000


@contextmanager
def secure_site(directory: Path, charge_points: int = CHARGE_POINTS) -> Iterator[Site]:
    """csmsd with TLS, an RSA and an ECDSA certificate, and that many charge points of profile 1 with one key."""
    certificates = [{"certificate": str(server(kind).write(directory, kind))} for kind in ("rsa", "ec")]
    # The charge points are one process on one core: what they take must not be taken for one that is too slow.
    site = Site({"tls": {"certificates": certificates}, "server": {"handshake_timeout": 120.0}})
    site.from_scratch = True
    try:
        site.start_and_wait()
        asyncio.run(site.stop())
        register(site, charge_points, KEY)
        with on_core(0):
            site.start_and_wait()
        asyncio.run(site.call("tag.import", tags=[{"id": TAG.format(number)} for number in range(CHARGE_POINTS)]))
        yield site
    finally:
        asyncio.run(site.close())


def test_a_message(tmp_path: Path) -> None:
    """W allows both; whoever has the choice must not pay for the better one."""
    ca = tmp_path / "ca.pem"
    ca.write_bytes(authority("site").cert_pem.bytes())
    plain: list[Report] = []
    secure: list[Report] = []
    for turn in range(2 * ROUNDS):
        over_tls = turn % 4 in (1, 2)  # plain, TLS, TLS, plain: no one gains by when it was
        with secure_site(tmp_path) as site:
            more = ("--tls", str(ca)) if over_tls else ()
            (secure if over_tls else plain).append(
                put_load_on(system(site), "--seconds", SECONDS, "--rate", RATE, "--password", KEY, *more)
            )

    def cost(reports: list[Report]) -> float:
        return median(report.cpu_us_per_message for report in reports)

    print(f"\n\n{'CPU µs a message':40}{'plain':>10}{'TLS':>10}{'times':>8}")
    print(f"{'':40}{cost(plain):10.0f}{cost(secure):10.0f}{cost(secure) / cost(plain):8.2f}")
    assert cost(secure) <= MOST_TIMES_PLAIN * cost(plain)


def test_an_idle_connection(tmp_path: Path) -> None:
    found: dict[str, float] = {}
    for name, context in (("plain", None), ("TLS", client_context(tmp_path))):

        async def hold(site: Site, context: ssl.SSLContext | None = context) -> float:
            first = [await opened(site.listen, number, KEY, context) for number in range(50)]  # what is made once
            before = resident_kib(system(site).pid)
            more = [await opened(site.listen, 50 + number, KEY, context) for number in range(IDLE)]
            used = (resident_kib(system(site).pid) - before) / IDLE
            for writer in (*first, *more):
                writer.transport.abort()
            return used

        with secure_site(tmp_path, 50 + IDLE) as site:
            found[name] = asyncio.run(hold(site))
    print(f"\n\n{'KiB of an idle connection':40}{found['plain']:10.1f}{found['TLS']:10.1f}")
    assert found["TLS"] <= MOST_KIB


def test_a_site_that_comes_back(tmp_path: Path) -> None:
    """A thousand charge points at once, each with a handshake of its own: who is there is answered all along."""
    ca = tmp_path / "ca.pem"
    ca.write_bytes(authority("site").cert_pem.bytes())

    async def watch(site: Site, come: subprocess.Popen[bytes]) -> list[float]:
        assert come.stdout is not None
        ready = asyncio.create_task(asyncio.to_thread(come.stdout.readline))
        lags: list[float] = []
        while not ready.done():
            began = monotonic()
            await site.call("daemon.limits")
            lags.append(monotonic() - began)
        assert ready.result() == b"all are let in\n"
        return sorted(lags)

    with secure_site(tmp_path, STORM) as site:
        before, began = resident_kib(system(site).pid), monotonic()
        host, _, port = site.listen.rpartition(":")
        command = [sys.executable, "-m", "tests.bench.tls_storm", host, port, str(STORM), KEY, str(ca)]
        with on_core(-1):
            come = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=environment())
        try:
            lags = asyncio.run(watch(site, come))
            took = monotonic() - began
            used = (resident_kib(system(site).pid) - before) / STORM
        finally:
            come.communicate(timeout=60)
    print(f"\n\n{STORM} handshakes in {took:.1f} s, {used:.0f} KiB each; an operator waited {lags[-1]:.3f} s at most")
    assert used <= MOST_KIB
    assert lags[-1] <= MOST_LAG_SECONDS


def test_failed_handshakes_leave_nothing(tmp_path: Path) -> None:
    """cpython#109534: 20,000 of them, with a ClientHello that has nothing in common with us, or none at all."""
    context = client_context(tmp_path, ciphers="ECDHE-ECDSA-CHACHA20-POLY1305", tls="1.2")
    out = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), out).do_handshake()
    hello = out.read()

    async def fail(site: Site, times: int) -> None:
        host, _, port = site.listen.rpartition(":")
        gate = asyncio.Semaphore(50)

        async def one(number: int) -> None:
            async with gate:
                reader, writer = await asyncio.open_connection(host, int(port))
                writer.write(hello if number % 2 else b"\x16\x03\x01\x00\x05hello")
                assert (await asyncio.wait_for(reader.read(), 60)).startswith(b"\x15")
                writer.transport.abort()

        await asyncio.gather(*(one(number) for number in range(times)))

    with secure_site(tmp_path, 1) as site:
        asyncio.run(fail(site, FAILED))  # what is kept of the newest is full then
        before = resident_kib(system(site).pid)
        asyncio.run(fail(site, FAILED))
        grown = resident_kib(system(site).pid) - before
    print(f"\n\n{FAILED} failed handshakes: {grown} KiB, {grown * 1024 / FAILED:.0f} bytes each")
    assert grown < 2 * 1024
