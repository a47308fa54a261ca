"""The person at the terminal, who plugs in cars and presents cards."""

import shutil
import sys
from textwrap import wrap

from csmsctl.commissioning.ends import Skipped, Stopped
from csmsctl.display.escape import escape_text


class Person:
    """Asked on standard error, so that standard output has the report alone."""

    def do(self, text: str) -> None:
        """Returns when it is done. Raises Skipped or Stopped when the person says so, or has gone."""
        width = max(40, shutil.get_terminal_size().columns - 2)
        for line in wrap(escape_text(text), width, break_long_words=False, break_on_hyphens=False):
            sys.stderr.write(f"  {line}\n")
        sys.stderr.write("  [Enter: done, s: skip this step, q: stop the test] ")
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
