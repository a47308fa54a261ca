"""Each exit code of the contract, from a real situation."""

import asyncio
import json
import os
import pty
import signal
import subprocess
import sys

import pytest

from tests.support.site import Site, environment


async def test_0_done_or_already_so(site: Site) -> None:
    first = await site.csmsctl("--json", "tag", "add", "A1B2C3")
    again = await site.csmsctl("--json", "tag", "add", "A1B2C3")
    assert [(ended.code, ended.json["changed"]) for ended in (first, again)] == [(0, True), (0, False)]


async def test_2_usage(site: Site) -> None:
    await site.register("CP1")
    for arguments in (
        ["no-such-command"],
        ["reset", "CP1"],
        ["reset", "CP1", "--type", "warm"],
        ["unlock-connector", "CP1", "--connector", "0"],
        ["cp", "add", "not an identity"],
        ["tag", "add", "x" * 21],
        ["call", "CP1", "Reset", "{not json"],
    ):
        ended = await site.csmsctl(*arguments)
        assert ended.code == 2, (arguments, ended)
        assert ended.out == ""
        assert ended.err


async def test_3_no_such_thing(site: Site) -> None:
    await site.charge_point("CP1")
    for arguments in (
        ["reset", "CP9", "--type", "soft"],
        ["clear-cache", "north-*"],
        ["clear-cache", "@north"],
        ["cp", "show", "CP9"],
        ["tag", "show", "NOBODY"],
        ["tx", "show", "17"],
        ["task", "show", "17"],
        ["remote-stop", "CP1"],
    ):
        ended = await site.csmsctl(*arguments)
        assert ended.code == 3, (arguments, ended)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user, which only root can become")
async def test_4_permission_denied(site: Site) -> None:
    site.directory.chmod(0o755)

    def become_nobody() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", _AS_NOBODY, str(site.socket)],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            env=environment(HOME=str(site.directory)),
        )

    done = await asyncio.to_thread(become_nobody)
    assert done.returncode == 4, done.stderr
    assert "csms" in done.stderr  # the group that may


# Imports first: nobody may not be allowed to read the place where Python and csms are installed.
_AS_NOBODY = """
import os, sys
import encodings.idna, grp
import csmsctl.__main__, csmsctl.link.client, csmsctl.commands.status, csmsctl.display.output
os.setgroups([]); os.setgid(65534); os.setuid(65534)
sys.argv = ["csmsctl", "--socket", sys.argv[1], "status"]
csmsctl.__main__.main()
"""


async def test_5_the_daemon_is_not_reachable(site: Site) -> None:
    await site.kill()
    ended = await site.csmsctl("--json", "status")  # the socket is still there, nobody listens
    assert ended.code == 5
    assert json.loads(ended.err)["error"]
    site.socket.unlink()
    assert (await site.csmsctl("status")).code == 5


async def test_6_the_charge_point_is_not_connected(site: Site) -> None:
    await site.register("CP1")
    ended = await site.csmsctl("--json", "reset", "CP1", "--type", "soft")
    assert ended.code == 6
    assert ended.json["results"][0]["outcome"] == "not_connected"


async def test_7_the_charge_point_refuses(site: Site) -> None:
    charge_point = await site.charge_point("CP1")
    charge_point.answers["Reset"] = {"status": "Rejected"}
    assert (await site.csmsctl("reset", "CP1", "--type", "soft")).code == 7


async def test_7_the_charge_point_answers_with_a_callerror(site: Site) -> None:
    charge_point = await site.raw("CP1")
    running = asyncio.create_task(site.csmsctl("--json", "clear-cache", "CP1"))
    request = await charge_point.asked("ClearCache")
    await charge_point.frame(4, request[1], "NotSupported", "no cache here", {})
    ended = await running
    assert ended.code == 7
    (result,) = ended.json["results"]
    assert result["outcome"] == "call_error"
    assert "NotSupported" in result["error"]
    assert "no cache here" in result["error"]


async def test_8_timed_out(site: Site) -> None:
    charge_point = await site.raw("CP1")
    assert (await site.csmsctl("--timeout", "0.3", "clear-cache", "CP1")).code == 8
    await charge_point.asked("ClearCache")


async def test_8_timed_out_before_its_turn_came(site: Site) -> None:
    charge_point = await site.raw("CP1")
    first = asyncio.create_task(site.csmsctl("clear-cache", "CP1"))
    request = await charge_point.asked("ClearCache")
    ended = await site.csmsctl("--json", "--timeout", "0.3", "reset", "CP1", "--type", "soft")
    assert ended.code == 8
    (result,) = ended.json["results"]
    assert (result["outcome"], result["duration_ms"]) == ("timeout", None)
    assert "not sent" in result["error"]
    await charge_point.frame(3, request[1], {"status": "Accepted"})
    assert (await first).code == 0


async def test_9_some_of_several_failed(site: Site) -> None:
    await site.charge_point("CP1")
    await site.register("CP2")
    ended = await site.csmsctl("--json", "--yes", "clear-cache", "CP1", "CP2")
    assert ended.code == 9
    assert [result["outcome"] for result in ended.json["results"]] == ["accepted", "not_connected"]


async def test_several_that_all_failed_alike_share_the_code_of_their_failure(site: Site) -> None:
    await site.register("CP1")
    await site.register("CP2")
    assert (await site.csmsctl("--yes", "clear-cache", "CP1", "CP2")).code in (6, 9)


async def test_10_the_confirmation_is_refused(site: Site) -> None:
    await site.register("CP1")

    def decline() -> int:
        """`cp remove` on a terminal; Return takes the default, which is No."""
        primary, secondary = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "csmsctl", "--socket", str(site.socket), "cp", "remove", "CP1"],
            stdin=secondary,
            stdout=secondary,
            stderr=secondary,
            env=environment(TERM="xterm"),
        )
        os.close(secondary)
        asked = b""
        while b"CP1" not in asked:
            asked += os.read(primary, 1024)
        os.write(primary, b"\n")
        code = process.wait(30)
        os.close(primary)
        return code

    assert await asyncio.to_thread(decline) == 10
    assert len((await site.json("cp", "list"))["charge_points"]) == 1


async def test_130_interrupted(site: Site) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "csmsctl", "--socket", str(site.socket), "--json", "events", "-f"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert process.stdout is not None
    await asyncio.wait_for(process.stdout.readline(), 60)  # daemon.started
    process.send_signal(signal.SIGINT)
    _, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 130
    assert b"Traceback" not in errors
