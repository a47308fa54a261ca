"""How a command fails."""

from tests.csmsctl.conftest import Csmsctl


def failure_of(csmsctl: Csmsctl, *arguments: str) -> tuple[int, str, str]:
    """Exit code, message and next step; the code of process and document agree."""
    ended = csmsctl(*arguments, "--json")
    assert ended.code == ended.error["code"]
    assert ended.out == ""
    return ended.code, ended.error["message"], ended.error["next"] or ""
