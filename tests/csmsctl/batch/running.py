"""A batch of lines, run."""

import json
from typing import Any

from tests.csmsctl.conftest import Csmsctl


def results(csmsctl: Csmsctl, text: str, *arguments: str) -> tuple[int, list[Any]]:
    ended = csmsctl("batch", "-", *arguments, stdin=text)
    return ended.code, [json.loads(line) for line in ended.out.splitlines()]
