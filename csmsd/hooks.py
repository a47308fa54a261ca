"""Runs executables that answer for us: never through a shell, never for long, never many at once."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable

from csmsd.settings import DataTransfer

# Beyond that many that wait their turn, more are turned down at once.
MAX_WAITING = 200
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
_CHUNK = 64 * 1024
_LAST_WORDS_SECONDS = 5.0

Then = Callable[[bytes | str], None]


class _Failed(Exception):
    """There is no output that could be used; the text says why."""


class Hooks:
    """Asks executables. What one says on stderr goes where csmsd's own goes."""

    def __init__(self, limits: Callable[[], DataTransfer]) -> None:
        self._limits = limits
        self._free = asyncio.Semaphore(limits().max_running)
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, executable: str, question: bytes, then: Then) -> None:
        """Calls `then` later, in the event loop, with the output, or with a text that says why there is none."""
        loop = asyncio.get_running_loop()
        if len(self._tasks) >= MAX_WAITING:
            loop.call_soon(then, "too many hooks are waiting")
            return
        task = loop.create_task(self._ask(executable, question, then), name=f"hook {executable}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Ends what is running; nobody waits for it any more."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _ask(self, executable: str, question: bytes, then: Then) -> None:
        limits = self._limits()
        async with self._free:
            try:
                result: bytes | str = await _run(executable, question, limits.timeout, limits.max_output_bytes)
            except _Failed as failure:
                result = str(failure)
        then(result)


async def _run(executable: str, question: bytes, timeout: float, max_output: int) -> bytes:
    try:
        process = await asyncio.create_subprocess_exec(
            executable,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=_ENVIRONMENT,
            cwd="/",
            start_new_session=True,  # so that what it starts itself can be ended with it
        )
    except OSError as error:
        raise _Failed(f"cannot be run: {error.strerror}") from None
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(timeout):
            _, output = await asyncio.gather(_tell(process.stdin, question), _read(process.stdout, max_output))
            code = await process.wait()
    except TimeoutError:
        raise _Failed(f"did not end within {timeout:g} s") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await _bury(process)
    if code != 0:
        raise _Failed(f"ended with exit code {code}")
    return output


async def _bury(process: asyncio.subprocess.Process) -> None:
    """Waits for the end of a process that is being killed.

    asyncio tells of it only when the pipe is empty, too; a child that left the process group may hold it for ever.
    """
    assert process.stdout is not None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LAST_WORDS_SECONDS):
            while await process.stdout.read(_CHUNK):
                pass
            await process.wait()


async def _tell(stdin: asyncio.StreamWriter, question: bytes) -> None:
    """One that does not read its input may have a good reason."""
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        stdin.write(question)
        await stdin.drain()
    stdin.close()


async def _read(stdout: asyncio.StreamReader, most: int) -> bytes:
    output = bytearray()
    while part := await stdout.read(_CHUNK):
        output += part
        if len(output) > most:
            raise _Failed(f"said more than {most} bytes")
    return bytes(output)
