"""The person at the terminal, who plugs in cars and presents cards."""

import sys

from csmsctl.commissioning.step import Skipped, Stopped
from csmsctl.escape import visible


class Person:
    """Asked on standard error, so that standard output has the report alone."""

    def do(self, text: str) -> None:
        """Returns when it is done. Raises Skipped or Stopped when the person says so, or has gone."""
        sys.stderr.write(f"  {visible(text)}\n  [Enter: done, s: skip this step, q: stop the test] ")
        sys.stderr.flush()
        answer = sys.stdin.readline()
        if not answer.endswith("\n"):
            sys.stderr.write("\n")
            raise Stopped
        word = answer.strip().casefold()
        if word in ("s", "skip"):
            raise Skipped("by the operator")
        if word in ("q", "quit"):
            raise Stopped
