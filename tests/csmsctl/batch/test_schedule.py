"""Which lines of a batch run at the same time."""

import threading

import pytest

from csmsctl.arguments.global_options import GlobalOptions
from csmsctl.batch.line import Line, options_for_lines
from csmsctl.batch.schedule import Schedule
from csmsctl.tree import tree_root


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        ("tag add A1", "tag add A2", True),
        ("tag add A1", "tag add a1", False),
        ("tag add A1", "tag block A2", False),
        ("tag add A1", '{"command":"tag add","tag":"A2"}', True),
        ("tag add --note A1 A2", "tag add A1", True),
        ("remote-start CP1 --tag A1", "remote-start CP2 --tag A1", True),
        ("remote-start CP1 CP2 --tag A1", "remote-start --tag A2 CP2 CP3", False),
        ("reset CP1 --type soft", "reset @north --type soft", False),
        ("reset 'CP*' --type soft", "reset CP1 --type soft", False),
        ("reset --all --type soft", "reset CP1 --type soft", False),
        ("call CP1 ClearCache", "call CP2 ClearCache", True),
        ("call CP1 ClearCache", "call CP1 Reset {}", False),
        ("reset 'DE*ABC*E1' --type soft", "reset 'DE*ABC*E2' --type soft", True),
        ("reset 'DE*ABC*E1' --type soft", "reset 'DE*ABC*e1' --type soft", False),
        ("reset 'DE*ABC*E1' --type soft", "reset 'DE*' --type soft", False),
        ("status", "status", False),
        ("nonsense", "nonsense", False),
    ],
)
def test_schedule(first: str, second: str, together: bool) -> None:
    tree, schedule = tree_root(), Schedule()
    lines = [
        Line(at, text.encode(), options_for_lines(GlobalOptions()), tree, lambda name: name.startswith("DE*ABC*E"))
        for at, text in enumerate((first, second))
    ]
    schedule.wait_for_turn(lines[0])
    begun = threading.Event()

    def begin_second() -> None:
        schedule.wait_for_turn(lines[1])
        begun.set()

    waiting = threading.Thread(target=begin_second)
    waiting.start()
    if together:
        assert begun.wait(60)
    else:
        assert not schedule._gets_along(lines[1])
        schedule.ended(lines[0])
        assert begun.wait(60)
    waiting.join()
