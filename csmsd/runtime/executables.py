"""Runs executables: never through a shell, with nothing of csmsd's own environment, for long only what measures."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncGenerator

_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
_CHUNK = 64 * 1024
_LAST_WORDS_SECONDS = 5.0


class Failed(Exception):
    """It did not do what it was to do; the text says why."""


async def run_executable(executable: str, question: bytes, timeout: float, max_output: int | None) -> bytes:
    """Its output, at most `max_output` bytes; None: nobody reads it. `timeout` in seconds. Raises Failed."""
    silent = max_output is None
    process = await _begun(executable, asyncio.subprocess.DEVNULL if silent else asyncio.subprocess.PIPE)
    assert process.stdin is not None
    try:
        async with asyncio.timeout(timeout):
            _, output = await asyncio.gather(_tell(process.stdin, question), _read(process.stdout, max_output or 0))
            code = await process.wait()
    except TimeoutError:
        raise Failed(f"did not end within {timeout:g} s") from None
    finally:
        await _end(process)
    if code != 0:
        raise Failed(f"ended with exit code {code}")
    return output


async def lines_of_executable(executable: str, longest: int) -> AsyncGenerator[bytes, None]:
    """What it says, line by line, as long as it runs; it is given nothing. Raises Failed.

    To be closed by whoever does not read it to its end: then it is killed.
    """
    process = await _begun(executable, asyncio.subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    line = b""
    try:
        while part := await process.stdout.read(_CHUNK):
            *whole, line = (line + part).split(b"\n")
            for one in whole:
                if one.strip():
                    yield one
            if len(line) > longest:
                raise Failed(f"said a line of more than {longest} bytes")
        code = await process.wait()
    finally:
        await _end(process)
    if code != 0:
        raise Failed(f"ended with exit code {code}")


async def _begun(executable: str, stdout: int) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            executable,
            stdin=asyncio.subprocess.PIPE,
            stdout=stdout,
            env=_ENVIRONMENT,
            cwd="/",
            start_new_session=True,  # so that what it starts itself can be ended with it
        )
    except OSError as error:
        raise Failed(f"cannot be run: {error.strerror}") from None


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kills the process, and what it has started, and waits for its end.

    asyncio tells of it only when the pipe is empty, too; a child that left the process group may hold it for ever.
    """
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LAST_WORDS_SECONDS):
            while process.stdout is not None and await process.stdout.read(_CHUNK):
                pass
            await process.wait()


async def _tell(stdin: asyncio.StreamWriter, question: bytes) -> None:
    """One that does not read its input may have a good reason."""
    # RuntimeError: uvloop's word for a pipe that the other end has closed already.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError, RuntimeError):
        stdin.write(question)
        await stdin.drain()
    stdin.close()


async def _read(stdout: asyncio.StreamReader | None, most: int) -> bytes:
    output = bytearray()
    while stdout is not None and (part := await stdout.read(_CHUNK)):
        output += part
        if len(output) > most:
            raise Failed(f"said more than {most} bytes")
    return bytes(output)
