"""csmsctl as other users of this machine would run it: another uid, with groups that they are in.

Whoever runs the tests may keep Python where those users cannot read it. So everything is imported first, and a child
that becomes the user runs the command line.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Self

from tests.support.site import Ended, environment

NOBODY = 65_534

_SERVE = """
import encodings.utf_8_sig, grp, importlib, json, os, pkgutil, pwd, sys, traceback
import csmsctl, csmsd.profiles
from csmsctl.__main__ import run_main

SKIPPED = ("csmsctl.__main__", "csmsctl.simulator", "csmsctl.conformance", "csmsctl.shell", "csmsctl.dashboard")
for found in pkgutil.walk_packages(csmsctl.__path__, "csmsctl."):
    if not found.name.startswith(SKIPPED):
        importlib.import_module(found.name)
csmsd.profiles.operations()
run_main(["version"]), run_main(["--json", "status", "--socket", "/nowhere"])  # what is imported late
print("ready", flush=True)

for line in sys.stdin:
    uid, groups, arguments, variables = json.loads(line)
    out, told = os.pipe()
    err, warned = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(told, 1), os.dup2(warned, 2)
        os.setgroups(groups), os.setgid(uid), os.setuid(uid)
        os.environ.update(variables)
        code = 70
        try:
            code = run_main(arguments)
            sys.stdout.flush(), sys.stderr.flush()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(told), os.close(warned)
    texts = [open(end, errors="replace").read() for end in (out, err)]
    _, status = os.waitpid(child, 0)
    print(json.dumps([os.waitstatus_to_exitcode(status), *texts]), flush=True)
"""


class LocalUsers:
    """Only root can become others."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SERVE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment(),
        )
        assert self._process.stdout is not None
        while (line := self._process.stdout.readline()) != "ready\n":
            assert line, "the process that becomes others has ended"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def run(self, groups: Sequence[int], *arguments: str, uid: int = NOBODY, **variables: str) -> Ended:
        """Runs a command line as that user, who is in these groups."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([uid, list(groups), list(arguments), variables]) + "\n")
        self._process.stdin.flush()
        code, out, err = json.loads(self._process.stdout.readline())
        assert "Traceback" not in err, err
        return Ended(code, out, err)
