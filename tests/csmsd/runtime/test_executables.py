"""Executables of the site that say something line by line; others are tried with their hooks."""

from pathlib import Path

import pytest

from csmsd.runtime.executables import Failed, lines_of_executable


def executable(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


async def test_what_ends_badly_or_says_endless_lines_fails(tmp_path: Path) -> None:
    async def said(text: str) -> list[bytes]:
        return [line async for line in lines_of_executable(executable(tmp_path / "x", text), 100)]

    assert await said("echo a; echo; printf b") == [b"a"]
    with pytest.raises(Failed, match="exit code 3"):
        await said("exit 3")
    with pytest.raises(Failed, match="a line of more than 100 bytes"):
        await said("head -c 1000 /dev/zero; sleep 1000")
    with pytest.raises(Failed, match="cannot be run"):
        [line async for line in lines_of_executable(str(tmp_path / "none"), 100)]
