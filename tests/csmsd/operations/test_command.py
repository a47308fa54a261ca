"""What is made of a command by its name and parameters, and what is said of one that makes no sense."""

from typing import Any

import pytest

from csmsd.operations.call import RawRequest
from csmsd.operations.command import Command, Misfit, NotACommand
from csmsd.profiles.core.reset import ResetReq
from tests.csmsd.profiles.scene import Scene


def sent(command: Command) -> list[Any]:
    return list(command.start()(Scene().target()))


def test_an_operation_by_its_name() -> None:
    assert sent(Command("reset", {"type": "Soft"})) == [ResetReq(type="Soft")]


def test_any_action_is_read_strictly_unless_it_is_forced() -> None:
    assert sent(Command("call", {"action": "Reset", "payload": {"type": "Hard"}})) == [ResetReq(type="Hard")]
    vendors = {"action": "Überstunden", "payload": {"größe": 1}}
    assert sent(Command("call", vendors, force=True)) == [RawRequest("Überstunden", '{"größe":1}'.encode())]


@pytest.mark.parametrize(
    ("name", "parameters", "misfit", "text"),
    [
        ("nonsense", {}, Misfit.NAME, "No command nonsense."),
        ("reset", {}, Misfit.PARAMETERS, "reset: "),
        ("reset", {"type": "Gentle"}, Misfit.PARAMETERS, "reset: "),
        ("reset", {"type": "Soft", "more": 1}, Misfit.PARAMETERS, "reset: "),
        ("call", {"action": "Heartbeat", "payload": {}}, Misfit.ACTION, "No action Heartbeat known here."),
        ("call", {"action": "Reset", "payload": {"type": "soft"}}, Misfit.PAYLOAD, "Reset: "),
        ("call", {"action": "Reset", "payload": {}}, Misfit.PAYLOAD, "Reset: "),
    ],
)
def test_what_makes_no_sense(name: str, parameters: dict[str, Any], misfit: Misfit, text: str) -> None:
    with pytest.raises(NotACommand) as refused:
        Command(name, parameters).start()
    assert refused.value.misfit is misfit
    assert str(refused.value).startswith(text)
