"""Certificates that charge points have asked for: signed, and sent after the promise; once, and nothing by itself."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from csmsd.operations.certificate_issue import CertificateIssue
from csmsd.ports.certificates import NotSigned, SignedChain
from csmsd.ports.store import NotStored
from csmsd.profiles.core.charge_points import ConfigurationKey
from csmsd.profiles.record import Event
from tests.csmsd.operations.engine import Asked, Engine

Answer = Callable[[str], Awaitable[SignedChain | NotSigned]]


class Signer:
    """Signs as a test says; `asked` is what it was given: request, charge point, longest chain."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[tuple[str, str, int]] = asyncio.Queue()
        self.signs: Answer = self.at_once

    async def at_once(self, csr: str) -> SignedChain | NotSigned:
        return SignedChain(f"chain of {csr}", 1)

    async def sign(
        self, csr: str, charge_point: str, *, task: int | None = None, max_length: int = 10_000
    ) -> SignedChain | NotSigned:
        self.asked.put_nowait((csr, charge_point, max_length))
        return await self.signs(csr)


class Issuing:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.signer = Signer()
        engine.live.site.security.unable_to_sign = lambda: None
        issue = CertificateIssue(engine.live, engine.runner, self.signer, engine.live.site.policies)
        engine.bus.subscribe(issue.told, issue.STIRRING)

    def requests(self, csr: str) -> None:
        """CP1 asks; its promise leaves, and then the news."""
        assert self.engine.scene.send("SignCertificate", {"csr": csr}).event_types == ["certificate.requested"]
        self.engine.bus.publish(Event("certificate.requested", "CP1", {}))

    async def sent(self, chain: str) -> Asked:
        asked = await self.engine.links.next()
        assert (asked.action, asked.payload) == ("CertificateSigned", {"certificateChain": chain})
        return asked

    async def is_at_rest(self) -> None:
        """The request was looked at to its end: what csmsd sends now comes first, and alone."""
        running = self.engine.run("clear-cache")
        asked = await self.engine.links.next()
        assert asked.action == "ClearCache"
        asked.confirm(status="Accepted")
        await running
        assert self.engine.links.asked.empty()


@pytest.fixture
async def issuing(engine: Engine) -> Issuing:
    return Issuing(engine)


async def test_what_was_signed_is_sent_by_csmsd_itself(issuing: Issuing) -> None:
    issuing.requests("A")
    asked = await issuing.sent("chain of A")
    assert issuing.signer.asked.get_nowait() == ("A", "CP1", 10_000)
    asked.confirm(status="Accepted")
    await issuing.engine.until("task.settled")
    rows = issuing.engine.rows("SELECT action, user, uid, outcome FROM task")
    assert rows == [("CertificateSigned", "csmsd", None, "accepted")]


async def test_the_chain_is_as_long_as_the_charge_point_takes(issuing: Issuing) -> None:
    known = ConfigurationKey(charge_point="CP1", name="CertificateSignedMaxChainSize", value="2000", reported_at=0)
    issuing.engine.cp.configuration["certificatesignedmaxchainsize"] = known
    issuing.requests("A")
    await issuing.sent("chain of A")
    assert issuing.signer.asked.get_nowait()[2] == 2000


async def test_of_several_requests_the_newest_counts(issuing: Issuing) -> None:
    """Only its key is still there: what was signed for the one before is not sent, and none is signed twice."""
    go_on = asyncio.Event()

    async def slowly(csr: str) -> SignedChain | NotSigned:
        await go_on.wait()
        return SignedChain(f"chain of {csr}", 1)

    issuing.signer.signs = slowly
    issuing.requests("A")
    async with asyncio.timeout(10):
        assert (await issuing.signer.asked.get())[0] == "A"
    issuing.requests("B")
    issuing.requests("C")
    go_on.set()
    (await issuing.sent("chain of C")).confirm(status="Accepted")
    await issuing.engine.until("task.settled")
    assert issuing.signer.asked.get_nowait()[0] == "C"
    assert issuing.signer.asked.empty()
    await issuing.is_at_rest()


@pytest.mark.parametrize("outcome", ["Rejected", "timeout"])
async def test_nothing_is_tried_again_by_itself(
    issuing: Issuing, outcome: str, caplog: pytest.LogCaptureFixture
) -> None:
    issuing.requests("A")
    asked = await issuing.sent("chain of A")
    asked.comes_to("timeout") if outcome == "timeout" else asked.confirm(status=outcome)
    await issuing.engine.until("task.settled")
    await issuing.is_at_rest()
    assert "CP1 did not take its certificate: " in caplog.text
    issuing.requests("B")  # an operator has had it ask anew
    await issuing.sent("chain of B")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (NotSigned("its O is 'x'"), ""),
        (NotStored("disk full"), "could not be stored"),
        (RuntimeError("a mistake"), "could not be looked at"),
    ],
)
async def test_what_was_not_signed_is_not_sent_and_the_next_request_is_looked_at(
    issuing: Issuing, wrong: NotSigned | Exception, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(csr: str) -> SignedChain | NotSigned:
        if isinstance(wrong, Exception):
            raise wrong
        return wrong

    issuing.signer.signs = fails
    issuing.requests("A")
    async with asyncio.timeout(10):
        await issuing.signer.asked.get()
    await issuing.is_at_rest()
    assert told in caplog.text
    issuing.signer.signs = issuing.signer.at_once
    issuing.requests("B")
    await issuing.sent("chain of B")


async def test_one_that_was_removed_meanwhile_is_sent_nothing(issuing: Issuing) -> None:
    async def too_late(csr: str) -> SignedChain | NotSigned:
        del issuing.engine.live.site.charge_points["cp1"]
        return SignedChain("chain", 1)

    issuing.signer.signs = too_late
    await issuing.engine.store(issuing.engine.scene.register("CP2", boot_status="Accepted").record)
    issuing.requests("A")
    async with asyncio.timeout(10):
        await issuing.signer.asked.get()
    running = issuing.engine.run("clear-cache", "CP2")
    (await issuing.engine.links.next()).confirm(status="Accepted")
    await running
    assert issuing.engine.links.asked.empty()
