"""No module is needed to make sense of one that it needs itself."""

from graphlib import CycleError, TopologicalSorter

import pytest

from tests.architecture.sources import modules, ours


def test_profiles_import_each_other_without_a_circle() -> None:
    graph = {name: ours(name) & set(modules("csmsd.profiles")) for name in modules("csmsd.profiles")}

    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))
