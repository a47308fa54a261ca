"""Executables that answer for us: their input and output, their limits, and that nothing of them is left."""

import asyncio
import json
import os
import time
from pathlib import Path

import pytest

from csmsd.hooks import data_transfer_hooks
from csmsd.hooks.data_transfer_hooks import MAX_WAITING, Hooks
from csmsd.profiles.policies import DataTransfer
from tests.support.programs import python_program


def script(directory: Path, body: str) -> str:
    path = directory / f"hook-{len(list(directory.iterdir()))}"
    return str(python_program(path, f"import os, sys, time\n{body}"))


async def ask(hooks: Hooks, executable: str, question: bytes = b"{}") -> bytes | str:
    answered: asyncio.Future[bytes | str] = asyncio.get_running_loop().create_future()
    hooks.ask(executable, question, answered.set_result)
    return await asyncio.wait_for(answered, 60)


@pytest.fixture
def hooks() -> Hooks:
    return Hooks(DataTransfer(timeout=60, max_output_bytes=1000))


async def test_input_and_output(hooks: Hooks, tmp_path: Path) -> None:
    executable = script(tmp_path, "sys.stdout.write(sys.stdin.read()[::-1])")
    assert await ask(hooks, executable, b"abc") == b"cba"


async def test_the_environment_is_minimal(hooks: Hooks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    executable = script(tmp_path, "import json; print(json.dumps([sorted(os.environ), os.getcwd(), len(sys.argv)]))")
    output = await ask(hooks, executable)
    assert isinstance(output, bytes)
    names, directory, arguments = json.loads(output)
    assert set(names) - {"LC_CTYPE"} == {"PATH", "LANG"}
    assert (directory, arguments) == ("/", 1)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("sys.exit(3)", "ended with exit code 3"),
        ("print('x' * 2000)", "said more than 1000 bytes"),
        ("while True: print('x' * 2000)", "said more than 1000 bytes"),
        ("os.kill(os.getpid(), 9)", "ended with exit code -9"),
    ],
)
async def test_failures(hooks: Hooks, tmp_path: Path, body: str, reason: str) -> None:
    assert await ask(hooks, script(tmp_path, body)) == reason


async def test_what_nobody_reckoned_with_is_answered_too(hooks: Hooks) -> None:
    assert await ask(hooks, "/no\0name") == "could not be asked"


async def test_what_cannot_be_run(hooks: Hooks, tmp_path: Path) -> None:
    assert await ask(hooks, str(tmp_path / "nothing")) == "cannot be run: No such file or directory"
    plain = tmp_path / "plain"
    plain.write_text("x")
    plain.chmod(0o644)
    assert "cannot be run" in str(await ask(hooks, str(plain)))


async def test_input_that_is_not_read(hooks: Hooks, tmp_path: Path) -> None:
    assert await ask(hooks, script(tmp_path, "os.close(0); print('ok')"), b"x" * 1_000_000) == b"ok\n"


async def test_a_slow_one_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    executable = tmp_path / "slow"
    executable.write_text(f"#!/bin/sh\nsleep 60 &\necho $$ $! >{pids}\nwait\n")
    executable.chmod(0o755)
    began: list[str] = []
    for seconds in (1, 10):  # which may be too little for a beginning
        hooks = Hooks(DataTransfer(timeout=seconds))
        assert await ask(hooks, str(executable)) == f"did not end within {seconds} s"
        if began := pids.read_text().split() if pids.exists() else []:
            break
    assert len(began) == 2
    await asyncio.to_thread(gone, [int(pid) for pid in began])


def gone(pids: list[int]) -> None:
    """Waits for what was killed: the kernel ends it a moment later."""
    deadline = time.monotonic() + 60
    while any(map(running, pids)):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def running(pid: int) -> bool:
    """Whether a process is there and is no zombie that waits for its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except FileNotFoundError:
        return False


async def test_so_many_at_once(tmp_path: Path) -> None:
    hooks = Hooks(DataTransfer(timeout=60, max_running=2))
    mark = tmp_path / "running"
    mark.mkdir()
    body = (
        f"own = os.path.join({str(mark)!r}, str(os.getpid())); open(own, 'w').close()\n"
        f"print(len(os.listdir({str(mark)!r}))); sys.stdout.flush(); time.sleep(0.05); os.unlink(own)"
    )
    executable = script(tmp_path, body)
    counted = await asyncio.gather(*(ask(hooks, executable) for _ in range(6)))
    assert all(int(count) <= 2 for count in counted)


async def test_too_many_are_turned_down(tmp_path: Path) -> None:
    hooks = Hooks(DataTransfer(timeout=60, max_running=1))
    executable = script(tmp_path, "time.sleep(60)")
    said: list[bytes | str] = []
    for _ in range(MAX_WAITING + 3):
        hooks.ask(executable, b"", said.append)
    await asyncio.sleep(0)
    assert said == ["too many hooks are waiting"] * 3
    await hooks.close()
    assert len(said) == 3


async def test_what_was_answered_does_not_wait_any_more(hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else nobody would be answered after the first so many."""
    monkeypatch.setattr(data_transfer_hooks, "MAX_WAITING", 1)
    for _ in range(3):
        assert await ask(hooks, "/nothing/there") == "cannot be run: No such file or directory"
        await asyncio.sleep(0)  # it has ended


async def test_closing_ends_what_is_running(tmp_path: Path) -> None:
    hooks = Hooks(DataTransfer(timeout=60))
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    executable = script(tmp_path, f"open({str(fifo)!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)")
    hooks.ask(executable, b"", lambda said: None)
    pid = int(await asyncio.to_thread(fifo.read_text))
    await hooks.close()
    assert not running(pid)
