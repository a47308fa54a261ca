"""Makes the pictures of the README and of docs/: `python demo/pictures.py DIRECTORY`.

csmsd runs on a temporary state directory, charge points connect to it and say what they would say on an ordinary
afternoon, and what csmsctl shows of that is kept as SVG. What depends on the day and the second in which this runs is
set afterwards, so that the pictures change only when csmsctl does. Nothing in them is fetched from anywhere.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from io import StringIO
from itertools import count
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text
from websockets.asyncio.client import ClientConnection, connect

from csmsctl.dashboard.live import Live
from csmsctl.display.table import Record
from csmsctl.records.watcher import Watcher

COLUMNS, LINES = 100, 19
# The last full half hour: sparklines begin their characters at fixed times, at multiples of some seconds.
NOW = datetime.fromtimestamp(time.time() // 1800 * 1800, UTC)
HALF_PAST_TWO = timedelta(hours=14, minutes=30)

TEMPLATE = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: {char_height}px;
line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix" xml:space="preserve">
{matrix}
</g>
</g>
</svg>
"""


def ago(**distance: float) -> str:
    """A timestamp as charge points write it."""
    return (NOW - timedelta(**distance)).strftime("%Y-%m-%dT%H:%M:%SZ")


def local_zone() -> str:
    """A time zone in which NOW is half past two, as POSIX writes it: positive is west."""
    since_midnight = timedelta(hours=NOW.hour, minutes=NOW.minute, seconds=NOW.second)
    west = since_midnight - HALF_PAST_TWO
    sign = "-" if west < timedelta(0) else ""
    return f"SITE{sign}{abs(west)}"


class ChargePoint:
    """Says what it is told to say, and accepts whatever it is asked for."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._ids = count(1)
        self._answers: asyncio.Queue[Any] = asyncio.Queue()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def boot(cls, url: str, model: str, connectors: int) -> "ChargePoint":
        charge_point = cls(await connect(url, subprotocols=["ocpp1.6"]))  # type: ignore[list-item]
        await charge_point.say("BootNotification", chargePointVendor="Acme", chargePointModel=model)
        for connector in range(connectors + 1):
            await charge_point.status(connector, "Available", hours=3)
        return charge_point

    async def _read(self) -> None:
        async for text in self._connection:
            frame = json.loads(text)
            if frame[0] == 2:
                await self._connection.send(json.dumps([3, frame[1], {"status": "Accepted"}]))
            else:
                self._answers.put_nowait(frame[2])

    async def say(self, action: str, **payload: Any) -> Any:
        await self._connection.send(json.dumps([2, str(next(self._ids)), action, payload]))
        return await self._answers.get()

    async def status(self, connector: int, status: str, error: str = "NoError", info: str = "", **since: float) -> None:
        payload = {"connectorId": connector, "status": status, "errorCode": error, "timestamp": ago(**since)}
        await self.say("StatusNotification", **payload, **({"info": info} if info else {}))

    async def charge(self, connector: int, id_tag: str, minutes: int, watts: int, soc: int, suspended: int = 0) -> None:
        """A transaction that has run for some minutes, in the last `suspended` of them without power."""
        await self.status(connector, "Preparing", minutes=minutes + 1)
        start = {"connectorId": connector, "idTag": id_tag, "meterStart": 41_250, "timestamp": ago(minutes=minutes)}
        number = (await self.say("StartTransaction", **start))["transactionId"]
        await self.status(connector, "Charging", minutes=minutes)
        energy = 0.0
        for passed in range(1, minutes):
            # Full batteries are filled more slowly, and cars are never quite steady.
            power = watts * min(1.0, (minutes + 12 - passed) / 24) if soc > 85 else watts
            power = 0 if passed > minutes - suspended else power * (0.97 if passed % 3 else 0.9)
            energy += power / 60
            values = {
                "Energy.Active.Import.Register": (round(41_250 + energy), "Wh"),
                "Power.Active.Import": (round(power), "W"),
                "SoC": (min(100, round(soc - (minutes - passed) * 0.4)), "Percent"),
            }
            sampled = [{"measurand": name, "value": str(value), "unit": unit} for name, (value, unit) in values.items()]
            meter_value = [{"timestamp": ago(minutes=minutes - passed), "sampledValue": sampled}]
            await self.say("MeterValues", connectorId=connector, transactionId=number, meterValue=meter_value)
        if suspended:
            await self.status(connector, "SuspendedEV", minutes=suspended)

    async def leave(self) -> None:
        await self._connection.close()


class Csmsctl:
    """csmsctl on a terminal, as far as its output knows."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket

    def __call__(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "csmsctl", "--color", "always", "--no-pager", *words],
            env=os.environ | {"CSMS_SOCKET": str(self.socket), "COLUMNS": str(COLUMNS), "TERM": "xterm-256color"},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def until_offline(self, identity: str) -> None:
        while json.loads(self("cp", "show", identity, "--json"))["charge_points"][0]["connected"]:
            time.sleep(0.05)


class Frame:
    """The screen that `watch` paints on; it is read once it has been painted often enough."""

    size = (COLUMNS, LINES)

    def __init__(self, keys: list[str]) -> None:
        self.lines: list[Text] = []
        self._keys = keys

    @property
    def sources(self) -> list[int]:
        return []

    def read(self, ready: list[Any]) -> list[str]:
        return [self._keys.pop(0)]

    def paint(self, lines: list[Text]) -> None:
        self.lines = lines


class Afternoon(Watcher):
    """`status`, with the age of every message as it would be on an ordinary afternoon."""

    _AGES = (4, 21, 8, 47, 12)  # seconds

    def look(self) -> None:
        super().look()
        self.found["daemon"]["uptime_s"] = 12 * 86_400
        for charge_point, seconds in zip(self.found["charge_points"], self._AGES, strict=False):
            _ago(charge_point, "last_seen_at", seconds if charge_point["connected"] else 26 * 60)
            if charge_point["offline_since"] is not None:
                _ago(charge_point, "offline_since", 26 * 60)
            for problem in charge_point["problems"]:
                if problem["kind"] == "offline":
                    _ago(problem, "since", 26 * 60)


def _ago(record: Record, key: str, seconds: int) -> None:
    record[key] = (NOW - timedelta(seconds=seconds)).isoformat()


async def site(url: str, csmsctl: Csmsctl) -> list[ChargePoint]:
    """An ordinary afternoon."""
    for number in range(1, 5):
        csmsctl("cp", "add", f"GARAGE-{number}", "--label", "garage")
    csmsctl("cp", "add", "FORECOURT-1", "--label", "fast")
    for tag in ("ADA", "GRACE", "EDSGER", "BARBARA"):
        csmsctl("tag", "add", tag)
    forecourt = await ChargePoint.boot(url + "FORECOURT-1", "Fast 150", 1)
    garage = [await ChargePoint.boot(f"{url}GARAGE-{number}", "Wallbox 2", 2) for number in range(1, 5)]
    await forecourt.charge(1, "BARBARA", 24, 87_000, 88)
    await garage[0].charge(1, "ADA", 95, 11_000, 63)
    await garage[1].charge(2, "GRACE", 140, 7_400, 100, suspended=6)
    await garage[3].charge(1, "EDSGER", 40, 11_000, 51)
    await garage[2].status(2, "Faulted", "GroundFailure", "RCD tripped", minutes=12)
    await garage[3].leave()
    csmsctl("profile", "add", "garage", "--limit", "32A", "--purpose", "ChargePointMaxProfile")
    evening = "22:00-06:00=32A,06:00-17:00=16A,17:00-22:00=8A"
    csmsctl("profile", "add", "evening", "--daily", evening, "--purpose", "TxDefaultProfile")
    for connector, profile in (("0", "garage"), ("0", "evening")):
        await asyncio.to_thread(
            csmsctl, "set-charging-profile", "GARAGE-1", "--connector", connector, "--profile", profile
        )
    return [forecourt, *garage]


def keep(directory: Path, name: str, command: str, shown: list[Text]) -> None:
    """The picture of a terminal."""
    console = Console(record=True, width=COLUMNS, file=StringIO(), color_system="truecolor")
    console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
    for line in shown:
        console.print(line, no_wrap=True, overflow="ellipsis")
    picture = console.export_svg(title="csms", code_format=TEMPLATE, unique_id=name, font_aspect_ratio=0.602)
    (directory / f"{name}.svg").write_text("\n".join(line.rstrip() for line in picture.splitlines()) + "\n")


def calm(text: str) -> list[Text]:
    """Output of csmsctl without what depends on the day and the second."""
    text = re.sub(r"up \d+ s", "up 12 d 0 h", text)
    text = re.sub(r"\d{4}-\d\d-\d\d", "2026-03-02", text)  # tomorrow
    return [Text.from_ansi(line) for line in text.splitlines()]


async def pictures(directory: Path, socket: Path, url: str) -> None:
    csmsctl = Csmsctl(socket)
    charge_points = await site(url, csmsctl)
    await asyncio.to_thread(csmsctl.until_offline, "GARAGE-4")
    keep(directory, "status", "csmsctl status", calm(await asyncio.to_thread(csmsctl, "status")))

    watcher = Afternoon(socket, 5.0, None)
    await asyncio.to_thread(watcher.connect)
    frame = Frame(["", "", "", "q"])
    live = Live(watcher, frame, now=lambda: NOW.timestamp())  # type: ignore[arg-type]
    await asyncio.to_thread(live.run)
    watcher.close()
    keep(directory, "watch", "csmsctl watch", frame.lines)

    words = ("profile", "preview", "GARAGE-1", "--connector", "1", "--duration", "86400")
    shown = await asyncio.to_thread(csmsctl, *words, "--start", NOW.isoformat())
    keep(directory, "preview", f"csmsctl {' '.join(words[:-2])}", calm(shown))

    shown = await asyncio.to_thread(csmsctl, "tx", "meter", "1")
    keep(directory, "meter", "csmsctl tx meter 1", calm(re.sub(r"BARBARA, \d+ min", "BARBARA, 24 min", shown)))
    for charge_point in charge_points:
        await charge_point.leave()


CIRCUITS = """
[circuits.house]
limit = "40A"
reserve = "10A"
members = [{ charge_point = "YARD-1", phases = "L2" }]

[circuits.garage]
parent = "house"
limit = "32A"
members = [
    { charge_point = "NORTH-1" },
    { charge_point = "NORTH-2", phases = "L2L3L1" },
    { charge_point = "NORTH-3", phases = "L3L1L2" },
]
"""
CARS = {"NORTH-1": "3x16A,soc=30", "NORTH-2": "3x16A,soc=40", "NORTH-3": "1x32A,soc=20", "YARD-1": "1x16A,soc=50"}


def load_sharing(directory: Path, temporary: Path, csmsctl: Csmsctl, url: str) -> None:
    """Four simulated cars on two circuits, when each has its share and the charge points have obeyed."""
    circuits = temporary / "circuits.toml"
    circuits.write_text(CIRCUITS)
    for identity in CARS:
        csmsctl("cp", "add", identity)
    csmsctl("circuit", "import", str(circuits), "--yes")
    simulator = subprocess.Popen(
        [sys.executable, "-m", "csmsctl", "simulate", "--url", url.rstrip("/"), "--connectors", "1", "--control", "-",
         "--set", "MeterValueSampleInterval=2", "--circuits", str(circuits), "--seed", "1",
         *(word for identity in CARS for word in ("--id", identity))],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert simulator.stdin is not None
    try:
        settled(csmsctl, dict.fromkeys(CARS))
        for number, (identity, car) in enumerate(CARS.items(), 1):  # one after the other, so that it is always the same
            print(f"car {identity} 1 {car}\ncharge {identity} 1 ADA 600", file=simulator.stdin, flush=True)
            load_until(csmsctl, partial(has_transactions, number))
        settled(csmsctl, dict.fromkeys(CARS, 10))
        csmsctl("circuit", "reading", "house", "--l1", "6.2", "--l2", "8.5", "--l3", "4")
        settled(csmsctl, {"NORTH-1": 11, "NORTH-2": 10, "NORTH-3": 11, "YARD-1": 10})
        shown = re.sub(r"\d\d:\d\d:\d\d", "14:45:00", csmsctl("load", "status"))
        keep(directory, "load", "csmsctl load status", calm(shown))
        explained = re.sub(r"another \d+ min", "another 15 min", csmsctl("load", "explain", "NORTH-1"))
        folded = "\n".join(line for sentence in explained.splitlines() for line in textwrap.wrap(sentence, COLUMNS))
        keep(directory, "explain", "csmsctl load explain NORTH-1", calm(folded))
    finally:
        simulator.stdin.close()
        simulator.wait()


def has_transactions(number: int, members: list[Record]) -> bool:
    return sum(one["transaction"] is not None for one in members) == number


def settled(csmsctl: Csmsctl, drawn: dict[str, int | None]) -> None:
    """Waits until everybody draws what it is to draw, None where no car is."""

    def as_wanted(members: list[Record]) -> bool:
        found = {one["charge_point"]: one["drawn"] and round(one["drawn"]) for one in members}
        return found == drawn and all(one["limit"] is not None for one in members)

    load_until(csmsctl, as_wanted)


def load_until(csmsctl: Csmsctl, holds: Callable[[list[Record]], bool]) -> None:
    """Waits until that holds of the members."""
    deadline = time.monotonic() + 120
    while not holds(members := json.loads(csmsctl("load", "status", "--json"))["members"]):
        if time.monotonic() > deadline:
            raise AssertionError(members)
        time.sleep(0.2)


def main() -> None:
    directory = Path(sys.argv[1])
    os.environ["TZ"] = local_zone()
    time.tzset()
    with tempfile.TemporaryDirectory(prefix="csms-") as temporary:
        socket = Path(temporary) / "csmsd.sock"
        config = Path(temporary) / "csmsd.toml"
        config.write_text("[load_management]\nobey = 1\n")
        command = [
            sys.executable,
            "-m",
            "csmsd",
            "--config",
            str(config),
            "--listen",
            "127.0.0.1:0",
            "--state-dir",
            f"{temporary}/state",
        ]
        with (Path(temporary) / "log").open("w") as log:
            daemon = subprocess.Popen([*command, "--socket", str(socket)], stderr=log)
        try:
            csmsctl = Csmsctl(socket)
            csmsctl("daemon", "wait-ready", "--timeout", "20")
            address = json.loads(csmsctl("daemon", "info", "--json"))["listen"][0]
            asyncio.run(pictures(directory, socket, f"ws://{address}/ocpp/"))
            load_sharing(directory, Path(temporary), csmsctl, f"ws://{address}/ocpp/")
        finally:
            daemon.terminate()
            daemon.wait()


if __name__ == "__main__":
    main()
