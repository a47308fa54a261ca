"""`csmsctl simulate` as a process: lines out, commands in, how it ends."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.simulator.ocpp_server import ocpp_server
from tests.support.wire import basic_authorization

PATIENCE = 30.0


class Simulator:
    """A running `csmsctl simulate --json --control -`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []

    @classmethod
    async def start(cls, csmsctl: Csmsctl, *arguments: str) -> "Simulator":
        process = await asyncio.create_subprocess_exec(
            *csmsctl.command("simulate", "--json", "--control", "-", "--seed", "1", *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=csmsctl.environment,
        )
        return cls(process)

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())

    async def line(self, event: str, **fields: Any) -> dict[str, Any]:
        """Reads on until a line has these fields."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            while text := await self.process.stdout.readline():
                line: dict[str, Any] = json.loads(text)
                self.lines.append(line)
                if line["event"] == event and all(line.get(name) == value for name, value in fields.items()):
                    return line
        raise AssertionError(f"ended without {event} {fields}: {self.lines}")

    async def end(self) -> tuple[int, str]:
        assert self.process.stdin is not None
        self.process.stdin.close()
        async with asyncio.timeout(PATIENCE):
            _, err = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, err.decode()


async def test_steered_by_lines(csmsctl: Csmsctl) -> None:
    async with ocpp_server() as server:
        simulator = await Simulator.start(csmsctl, "--url", server.url, "--no-plug", "--id", "DE*ABC*E1")
        await simulator.line("status", connector=2, status="Available")
        simulator.say("plug DE*ABC*E1 1")
        simulator.say("present DE*ABC*E1 1 TAG")
        started = await simulator.line("transaction_started")
        assert started["schema_version"] == 1
        assert (started["charge_point"], started["connector"], started["transaction"]) == ("DE*ABC*E1", 1, 1)
        simulator.say("offline DE*ABC*E1")
        await simulator.line("disconnected")
        simulator.say("unplug DE*ABC*E1 1")
        await simulator.line("queued", action="StopTransaction")
        simulator.say("online DE*ABC*E1")
        await simulator.line("transaction_stopped", transaction=1)
        simulator.say("dance")
        simulator.say("quit")
        await simulator.line("disconnected")
        code, err = await simulator.end()
        assert code == 0
        assert err.startswith("dance is no command")
        assert server.websockets["DE*ABC*E1"].close_code == 1000


async def test_it_ends_with_its_input(csmsctl: Csmsctl) -> None:
    async with ocpp_server() as server:
        simulator = await Simulator.start(csmsctl, "--url", server.url, "--count", "3", "--prefix", "CP")
        await server.seen("StatusNotification", "CP3", connectorId=2)
        assert await simulator.end() == (0, "")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_it_ends_on_a_signal(csmsctl: Csmsctl, number: signal.Signals, code: int) -> None:
    async with ocpp_server() as server:
        simulator = await Simulator.start(csmsctl, "--url", server.url)
        await simulator.line("registered")
        simulator.process.send_signal(number)
        assert (await simulator.process.wait(), await simulator.end()) == (code, (code, ""))
        assert server.websockets["SIM-1"].close_code == 1000


async def test_its_password_comes_from_a_file(csmsctl: Csmsctl, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("0123456789abcdef\n")
    async with ocpp_server() as server:
        simulator = await Simulator.start(csmsctl, "--url", server.url, "--password-file", str(file))
        await simulator.line("registered")
        request = server.websockets["SIM-1"].request
        assert request is not None
        assert request.headers["Authorization"] == basic_authorization("SIM-1", "0123456789abcdef")["Authorization"]
        await simulator.end()


def test_text_lines_and_an_end_after_a_duration(csmsctl: Csmsctl) -> None:
    ended = csmsctl("simulate", "--url", "ws://127.0.0.1:1/ocpp", "--duration", "3")
    assert (ended.code, ended.err) == (0, "")
    assert "SIM-1      reconnects" in ended.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--id", "no way"], "cannot be the identity"),
        (["--misbehave", "politely"], "no misbehaviour"),
        (["--control", "file"], "--control"),
        (["--control", "-", "--password-file", "-"], "either the commands or the password"),
        (["--set", "HeartbeatInterval"], "KEY=VALUE"),
        (["--set", "HeartbeatInterval=-1"], "HeartbeatInterval=-1"),
        (["--url", "http://127.0.0.1"], "ws://"),
        (["--count", "0"], "--count"),
        (["--car", "3x16A,fast"], "'fast' describes no car"),
        (["--circuits", "/dev/null/none"], "cannot be read"),
    ],
)
def test_usage_errors(csmsctl: Csmsctl, arguments: list[str], said: str) -> None:
    ended = csmsctl("simulate", "--duration", "0.1", *arguments)
    assert ended.code == 2
    assert said in ended.err


async def test_a_breaker_that_trips_is_told_and_fails_the_command(csmsctl: Csmsctl, tmp_path: Path) -> None:
    circuits = tmp_path / "circuits.toml"
    members = [f'{{charge_point = "SIM-{number}"}}' for number in (1, 2)]
    circuits.write_text(f'[circuits.main]\nlimit = "16A"\nmembers = [{", ".join(members)}]\n')
    async with ocpp_server() as server:
        simulator = await Simulator.start(
            csmsctl, "--url", server.url, "--count", "2", "--circuits", str(circuits), "--car", "3x16A,soc=10",
            "--speed", "600", "--tag", "TAG",
        )  # fmt: skip
        trip = await simulator.line("breaker_tripped")
        assert (trip["circuit"], trip["current_a"], trip["rated_a"]) == ("main", 32.0, 16.0)
        simulator.say("quit")
        await simulator.line("circuit_carried", circuit="main", trips=1)
        code, err = await simulator.end()
    assert code == 1
    assert "Breakers have tripped: main" in err
