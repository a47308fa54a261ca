"""csmsctl as a process, from its begin to its end."""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.forks import FORKS

_SECONDS = 120.0


def run_csmsctl(
    arguments: list[str], variables: dict[str, str], stdin: str | None = None, *, directory: Path | None = None
) -> tuple[int, str, str]:
    """(exit code, output, errors); without a text its standard input is /dev/null. Raises TimeoutExpired."""
    done = _forked(arguments, variables, directory) if stdin is None else None
    code, out, err = done if done is not None else _from_scratch(arguments, variables, stdin, directory)
    assert "Traceback" not in err, err
    return code, out, err


def _forked(
    arguments: list[str], variables: dict[str, str], directory: Path | None = None
) -> tuple[int, str, str] | None:
    """None where it cannot be forked."""
    if "csmsctl" not in FORKS:
        return None
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = FORKS["csmsctl"].start(arguments, variables, out.fileno(), err.fileno(), directory=directory)
        if process is None:
            return None
        try:
            code = process.wait(_SECONDS)
        except BaseException:
            process.kill()
            raise
        for file in (out, err):
            file.seek(0)
        return code, out.read().decode(errors="surrogateescape"), err.read().decode(errors="surrogateescape")


def _from_scratch(
    arguments: list[str], variables: dict[str, str], stdin: str | None = None, directory: Path | None = None
) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "csmsctl", *arguments],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=_SECONDS,
        check=False,
        cwd=directory,
        env=variables,
    )
    return done.returncode, done.stdout, done.stderr
