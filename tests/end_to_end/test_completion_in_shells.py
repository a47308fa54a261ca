"""Tab in real shells against a real csmsd, to which a charge point has said what might be run."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.support.shells import BASH, FISH, ZSH, Kind, Shell, with_csmsctl
from tests.support.site import Site, environment

HOSTILE = "$(touch pwned)`touch pwned`;touch pwned'\\x1b[31m"
# An idTag, and what a charge point names a configuration key: in every shell they would be run if they were evaluated.
TAG = "$(touch${IFS}pwned)"
KEY = "Evil$(touch pwned)"


async def a_site_with_hostile_texts(site: Site) -> None:
    for identity in ("a:b.c-1", "DE*ABC*E1", "k=v~1", "p+q_2"):
        await site.register(identity, labels=["north"])
    await site.call("tag.add", id=TAG, note=HOSTILE)
    await site.call("tag.add", id="A1B2C3", note=HOSTILE)
    charge_point = await site.raw("a:b.c-1", register=False, boot=False)
    texts = {"chargePointVendor": "$(touch pwned)", "chargePointModel": "`touch pwned`", "firmwareVersion": ";touch x"}
    await charge_point.ask("BootNotification", texts)
    status = {"connectorId": 1, "errorCode": "OtherError", "info": HOSTILE, "vendorErrorCode": "$(touch pwned)"}
    await charge_point.ask("StatusNotification", {**status, "status": "Available"})
    start = {"connectorId": 1, "idTag": TAG, "meterStart": 0, "timestamp": "2026-03-01T12:00:00Z"}
    await charge_point.ask("StartTransaction", start)
    reported = asyncio.create_task(site.csmsctl("get-configuration", "a:b.c-1"))
    asked = await charge_point.asked("GetConfiguration")
    keys: list[dict[str, Any]] = [
        {"key": "HeartbeatInterval", "readonly": False, "value": "$(touch pwned)\n`touch pwned`"},
        {"key": KEY, "readonly": False, "value": "1"},
    ]
    await charge_point.answer(asked, {"configurationKey": keys})
    assert (await reported).code == 0


def run_in(directory: Path) -> bool:
    """Whether anything was run: all of it makes a file."""
    return any("pwned" in path.name for path in directory.rglob("*"))


@pytest.mark.parametrize(
    ("kind", "listed"),
    [(BASH, "A1B2C3"), (ZSH, "A1B2C3"), (FISH, r"tag show \$\(touch\$\{IFS\}pwned\)")],  # fish inserts the first
    ids=["bash", "zsh", "fish"],
)
async def test_nothing_is_ever_evaluated(site: Site, tmp_path: Path, kind: Kind, listed: str) -> None:
    await a_site_with_hostile_texts(site)
    variables = with_csmsctl(tmp_path / "bin", environment(CSMS_SOCKET=str(site.socket)))

    def type_them() -> None:
        shell = Shell(variables, tmp_path, kind)
        try:
            shell.complete("csmsctl reset a", "csmsctl reset a:b.c-1 ")
            shell.complete("csmsctl reset a:b.c", "csmsctl reset a:b.c-1 ")
            shell.complete("csmsctl reset D", r"csmsctl reset DE\*ABC\*E1 ")
            shell.complete("csmsctl reset k=", "csmsctl reset k=v~1 ")
            shell.complete("csmsctl cp show p+", "csmsctl cp show p+q_2 ")
            shell.complete("csmsctl tag show A", "csmsctl tag show A1B2C3 ")
            shell.complete("csmsctl tag show \t", listed)  # listed, with their notes where the shell shows them
            shell.complete("csmsctl tx show ", "csmsctl tx show 1 ")
            shell.complete("csmsctl get-configuration a:b.c-1 --key H", "--key HeartbeatInterval ")
            shell.complete("csmsctl get-configuration a:b.c-1 --key Ev", r"--key Evil\$\(touch\ pwned\) ")
        finally:
            shell.close()

    await asyncio.to_thread(type_them)
    assert not run_in(tmp_path)
