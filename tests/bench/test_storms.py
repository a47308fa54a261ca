"""Everybody connects at once: how long until all are booted, and what that costs."""

import asyncio

import pytest

from tests.bench.machine import cpu_seconds, on_core
from tests.bench.messages import IDENTITY
from tests.bench.registered import register
from tests.bench.results import show
from tests.bench.systems import running_site, system
from tests.support.site import Site
from tests.support.storm import Message, Report, storm

pytestmark = pytest.mark.bench

SIZES = (1000, 5000)
KEY = "0123456789abcdef"
PATIENCE_SECONDS = 120.0


def test_storms() -> None:
    """They boot and send a Heartbeat; then all are cut, and come once more."""
    rows: list[dict[str, object]] = []
    for size in SIZES:
        for key in (None, KEY):
            with running_site() as site:
                asyncio.run(site.stop())
                register(site, size, key)
                with on_core(0):
                    site.start_and_wait()
                for time in ("first", "again"):
                    row = {"charge points": size, "key": "none" if key is None else "generated", "time": time}
                    rows.append(row | _stormed(site, size, key))
    show("storms", "Charge points that all connect at once, boot and send a Heartbeat", rows)


def _stormed(site: Site, size: int, key: str | None) -> dict[str, object]:
    messages: list[Message] = [(IDENTITY.format(number), "Heartbeat", {}) for number in range(size)]
    pid = system(site).pid

    async def come() -> Report:
        with on_core(-1):
            comes = storm(site, messages, within=0, patience=PATIENCE_SECONDS, password=key)
            async with comes as coming:
                return await coming.report()

    before = cpu_seconds(pid)
    report = asyncio.run(come())
    used = cpu_seconds(pid) - before
    assert all(answer is not None and answer[0] == 3 for answer in report.answers.values())
    return {
        "let in at once": report.at_once,
        "all answered, s": report.seconds,
        "median, s": report.median,
        "CPU s": used,
        "CPU ms each": used / size * 1000,
    }
