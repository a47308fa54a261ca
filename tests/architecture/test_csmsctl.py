"""The rooms of csmsctl have an order, which docs/architecture.md states: what stands above knows what stands below."""

import re
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.architecture.sources import ROOT, below, modules, ours

HEADING = "## The order of csmsctl's rooms"


def storeys() -> list[list[str]]:
    """The lines of the order, the ground last."""
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8").partition(HEADING)[2]
    found = re.search(r"\n((?:    .*\n)+)", text)
    assert found, HEADING
    return [line.split() for line in found[1].splitlines()]


STOREYS = storeys()
HEIGHTS = {f"csmsctl.{room}": -at for at, rooms in enumerate(STOREYS) for room in rooms}


def room(name: str) -> str:
    """The folder, or the file beside the folders, that a module is in."""
    return ".".join(name.split(".")[:2])


def test_every_room_has_its_place_in_the_order() -> None:
    assert set(HEIGHTS) == {room(name) for name in modules("csmsctl")} - {"csmsctl"}
    assert len(HEIGHTS) == sum(map(len, STOREYS)), "a room has one place"


@pytest.mark.parametrize("name", [name for name in modules("csmsctl") if name != "csmsctl"])
def test_a_room_knows_those_below_it_alone(name: str) -> None:
    """Of another room on the same line nothing; imports for types and inside of functions count like all others."""
    own = room(name)
    others = {module for module in ours(name, for_types=True) if below(module, "csmsctl") and room(module) != own}

    assert {module for module in others if HEIGHTS[room(module)] >= HEIGHTS[own]} == set()


def test_no_module_is_needed_by_one_that_it_needs() -> None:
    """The simulator is one device: its parts know each other, and count as one here."""

    def one(module: str) -> str:
        return "csmsctl.simulator" if below(module, "csmsctl.simulator") else module

    graph: dict[str, set[str]] = {}
    for name in modules("csmsctl"):
        graph.setdefault(one(name), set()).update(one(module) for module in ours(name, for_types=True))
    for name, known in graph.items():
        known.discard(name)

    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))
