"""Every example of README, manual pages and help does what it says, in a real shell on a site that is at work."""

import asyncio
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from csmsctl.examples import examples_of_command
from csmsctl.manual import EXAMPLES, commands_of_manual
from csmsd.reloading import settings_differences
from csmsd.settings.reading import load_settings
from csmsd.settings.sections import Settings
from tests.conftest import MakeSite
from tests.support import example_site, forked_csmsctl
from tests.support.forks import FORKS
from tests.support.programs import shell_program
from tests.support.simulator import simulator
from tests.support.site import ROOT, Site, environment

AT_ONCE = 4
SECONDS = 120
# csmsctl with simulated charge points that boot, plug and install at once.
IN_A_HURRY = """
from functools import partial

from csmsctl.__main__ import main
from csmsctl.simulator import charge_point, driver
from csmsctl.simulator.profiles import firmware_management

charge_point.SECONDS_TO_BOOT = charge_point.SECONDS_TO_SHUT_DOWN = 0.1
driver.ObligingDrivers = partial(driver.ObligingDrivers, seconds_to_plug=0.1, seconds_to_unplug=0.1)
firmware_management.SECONDS_TO_INSTALL = firmware_management.SECONDS_TO_LOOK = 0.1
main()
"""
OTHER, NOT_CONFIRMED, TIMED_OUT = 1, 10, 124


def blocks(text: str) -> Iterator[list[str]]:
    """The code blocks of Markdown that are indented, in a list or not."""
    for block in re.split(r"\n\s*\n", text):
        lines = block.strip("\n").splitlines()
        if all(re.match(r" {4}", line) for line in lines):
            yield [line.strip() for line in lines]


def shell_lines(block: list[str]) -> list[str]:
    """What is typed: all of it, or where a block shows answers, what stands after the prompt."""
    typed = [line.removeprefix("$ ") for line in block if line.startswith("$ ")]
    if typed:
        return typed
    return block if re.match(r"(csms|make|sudo)", block[0]) else []


def in_readme() -> Iterator[str]:
    for block in blocks((ROOT / "README.md").read_text("utf-8")):
        yield from shell_lines(block)


def in_pages_of_csmsd() -> Iterator[str]:
    for page in ("csmsd.8", "csmsd.toml.5"):
        yield from re.findall(r"^\.Dl (.*)$", (ROOT / "man" / page).read_text("utf-8"), re.MULTILINE)


def examples(*, further: bool = False) -> list[str]:
    """Each once, in the order in which they were found; the `further` ones of each command, too."""
    of_commands = [examples_of_command(name, command.declared_example) for _, name, command in commands_of_manual()]
    found = [lines[0] for lines in of_commands]
    found += [line for lines in of_commands for line in lines[1:]] if further else []
    found += [" ".join(lines) for lines in EXAMPLES.values() if any(line.endswith("|") for line in lines)]
    found += [line for lines in EXAMPLES.values() for line in lines if not any(part.endswith("|") for part in lines)]
    found += [*in_readme(), *in_pages_of_csmsd()]
    return list(dict.fromkeys(re.sub(r"\s+#.*", "", line) for line in found))


def test_there_are_examples_to_run() -> None:
    found = examples()
    assert len(found) > 100
    for known in ("csmsctl tx list", "csmsd --check-config && csmsctl daemon reload", "csmsctl tag import cards.csv"):
        assert known in found


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(next(block for block in blocks((ROOT / "README.md").read_text("utf-8")) if block[0] == "[metrics]")),
        (ROOT / "man" / "csmsd.toml.5").read_text("utf-8").rpartition(".Bd -literal\n")[2].partition(".Ed\n")[0],
    ],
    ids=["README", "csmsd.toml.5"],
)
def test_examples_of_settings(text: str, tmp_path: Path) -> None:
    file = tmp_path / "csmsd.toml"
    file.write_text(re.sub('"/usr/local/.*?"', '"/bin/true"', text))
    assert settings_differences(Settings(), load_settings(file, {})) != []


class Shell:
    """Runs lines as a user of the site would, each in a directory of its own.

    `forked`: csmsctl has imported everything already, but for that of lines that never end.
    """

    def __init__(self, site: Site, *, forked: bool) -> None:
        self._home = site.directory / "home"
        self._home.mkdir()
        for name, text in example_site.FILES.items():
            (self._home / name).write_text(text)
        self._way = [FORKS["csmsctl"].way()] if forked and "csmsctl" in FORKS else []
        self._variables = environment(CSMS_SOCKET=str(site.socket), HOME=str(self._home))
        path = self._variables["PATH"]
        from_scratch = {name: (sys.executable, "-m", name) for name in ("csmsctl", "csmsd")}
        self._from_scratch = f"{_programs(site.directory / 'bin', from_scratch)}:{path}"
        self._path = self._from_scratch
        for descriptor in self._way:
            program = (sys.executable, "-I", "-S", forked_csmsctl.__file__, str(descriptor))
            self._path = f"{_programs(site.directory / 'forked', {'csmsctl': program})}:{self._from_scratch}"

    @asynccontextmanager
    async def _started(self, line: str, directory: Path, path: str) -> AsyncIterator[asyncio.subprocess.Process]:
        process = await asyncio.create_subprocess_exec(
            *("bash", "-c", example_site.FUNCTIONS + line),
            cwd=directory,
            env=self._variables | {"PATH": path},
            pass_fds=self._way,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(SECONDS):
                yield process
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()

    async def run(self, line: str, directory: Path | None = None) -> tuple[int, str]:
        """Exit code and output."""
        try:
            async with self._started(line, directory or self._home, self._path) as process:
                output, _ = await process.communicate()
        except TimeoutError:
            return TIMED_OUT, f"it does not end within {SECONDS} s"
        assert process.returncode is not None
        return process.returncode, output.decode(errors="replace")

    async def first_line(self, line: str) -> bytes:
        """What a line that never ends prints first."""
        async with self._started(line, self._home, self._from_scratch) as process:
            assert process.stdout is not None
            return await process.stdout.readline()

    async def prepare(self, lines: str) -> None:
        code, output = await self.run("set -e\n" + lines) if lines else (0, "")
        assert code == 0, f"{lines}\n{output}"

    async def example(self, line: str) -> str | None:
        """What is wrong with an example; None when it is good."""
        directory = Path(tempfile.mkdtemp(dir=self._home.parent))
        shutil.copytree(self._home, directory, dirs_exist_ok=True)
        code, output = await self.run(line, directory)
        if code == NOT_CONFIRMED:  # without a terminal nobody is asked
            code, output = await self.run(line + " --yes", directory)
        if code == OTHER and re.search(r"with (other values|another content); nothing has changed", output):
            code = 0  # the site has one of that name already
        return None if code == 0 else f"{line}\n  ended with {code}: {output}"


def _programs(directory: Path, commands: Mapping[str, Sequence[str]]) -> Path:
    directory.mkdir()
    for name, command in commands.items():
        shell_program(directory / name, *command)
    return directory


def begins(line: str, *beginnings: str) -> bool:
    return any(line == beginning or line.startswith(beginning + " ") for beginning in beginnings)


@asynccontextmanager
async def charge_points(site: Site) -> AsyncIterator[None]:
    """Simulated ones; all their connectors have been reported."""
    options = ("--seed", "1", "--speed", "20", "--set", "MeterValueSampleInterval=1")
    async with simulator(site, *example_site.CHARGE_POINTS, options=options, program=("-c", IN_A_HURRY)):
        yield


@pytest.mark.parametrize("further", [False, pytest.param(True, marks=pytest.mark.slow)])
async def test_every_example(make_site: MakeSite, further: bool) -> None:
    if shutil.which("bash") is None or shutil.which("jq") is None:
        pytest.skip("bash or jq is not installed here")
    site = await make_site(example_site.SETTINGS)
    shell = Shell(site, forked=not further)
    await shell.prepare(example_site.REGISTER)
    async with charge_points(site):
        await shell.prepare(example_site.PREPARE)
        problems = []
        async for problem in run_all(shell, further=further):
            print(problem)  # seen, too, when what follows fails
            problems.append(problem)
    assert problems == [], "\n\n".join(problems)


async def run_all(shell: Shell, *, further: bool) -> AsyncIterator[str]:
    """What was wrong."""
    todo = [line for line in examples(further=further) if not begins(line, *example_site.NOT_RUN)]
    assert [line for line in todo if re.search(r"\s/", line)] == []  # nothing but its own directory is touched
    limit = asyncio.Semaphore(AT_ONCE)

    async def beside_others(line: str) -> str | None:
        async with limit:
            if begins(line, *example_site.ENDLESS):
                return None if await shell.first_line(line) else f"{line}\n  printed nothing"
            return await shell.example(line)

    alone = {line for line in todo if begins(line, *(beginning for beginning, _, _ in example_site.ALONE))}
    at_once = [line for line in todo if line not in alone]
    for problem in await asyncio.gather(*map(beside_others, at_once)):
        if problem is not None:
            yield problem
    for beginning, before, after in example_site.ALONE:
        for line in (line for line in todo if line in alone and begins(line, beginning)):
            await shell.prepare(before)
            problem = await shell.example(line)
            if problem is not None:
                yield problem
            await shell.prepare(after)
