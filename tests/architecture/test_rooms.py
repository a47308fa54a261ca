"""A new room tells two files of itself; what others did with every room goes by name or by rule."""

import ast

import pytest

from csmsd.profiles import ROOMS
from csmsd.store.rooms import store_rooms
from tests.architecture.sources import below, modules, ours, tree

OTHERS = tuple(f"csmsd.profiles.{room}" for room in ROOMS if room != "core")


def test_what_loads_a_room_is_found_by_its_name() -> None:
    found = [module.__name__.rpartition(".")[2] for module in store_rooms()]
    assert found == [room for room in ROOMS if room in found], "in the order of the rooms"
    assert set(modules("csmsd.store.rooms")) == {"csmsd.store.rooms", *(module.__name__ for module in store_rooms())}


@pytest.mark.parametrize(
    "name", ["csmsd.live_site", "csmsd.store.loader", "csmsd.control.methods.charge_points", "csmsd.profiles.following"]
)
def test_what_happens_to_the_whole_site_names_no_room(name: str) -> None:
    """Recovery, loading, the removal of a charge point: each room says by itself what becomes of it."""
    assert {module for module in ours(name) if below(module, *OTHERS)} == set()


def test_rules_stand_where_they_are_looked_for() -> None:
    declaring = {
        name
        for name in modules("csmsd.profiles")
        for node in tree(name).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "CONSEQUENCES"
    }
    assert declaring
    rooms = {f"csmsd.profiles.{room}" for room in ROOMS}
    assert {name for name in declaring if name.rpartition(".")[0] not in rooms} == set()
