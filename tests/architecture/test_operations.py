"""Every operation tells csmsctl all that its command line and help are made of."""

import re
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
import pytest

from csmsd.profiles import operations
from csmsd.profiles.action import Operation

OPERATIONS = sorted(operations().items())
# What csmsctl adds to every operation.
CONSOLE_OPTIONS = {"dry_run", "fail_fast", "force", "parallel", "timeout", "wait", "yes"}


def described(hint: Any) -> bool:
    if get_origin(hint) is Annotated and any(isinstance(m, msgspec.Meta) and m.description for m in hint.__metadata__):
        return True
    return any(described(part) for part in get_args(hint))


@pytest.mark.parametrize(("command", "operation"), OPERATIONS, ids=[command for command, _ in OPERATIONS])
def test_every_operation_is_documented(command: str, operation: type[Operation]) -> None:
    summary = (operation.__doc__ or "").partition("\n")[0]
    assert re.fullmatch(r"[A-Z].{5,89}", summary)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", command)
    assert operation.command == command

    hints = get_type_hints(operation, include_extras=True)
    assert [name for name in operation.__struct_fields__ if not described(hints[name])] == []

    words = operation.example.split()
    assert words[:2] == ["csmsctl", command]
    options = {word.removeprefix("--").replace("-", "_") for word in words if word.startswith("--")}
    assert options - CONSOLE_OPTIONS <= set(operation.__struct_fields__)
    needed = operation.__struct_fields__[: len(operation.__struct_fields__) - len(operation.__struct_defaults__)]
    assert set(needed) <= options
