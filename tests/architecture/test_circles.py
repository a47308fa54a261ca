"""No module is needed to make sense of one that it needs itself: imports for type checkers and lazy ones count."""

from graphlib import CycleError, TopologicalSorter

import pytest

from tests.architecture.sources import modules, ours


def test_csmsd_has_no_import_circle() -> None:
    graph = {name: ours(name, for_types=True) & set(modules("csmsd")) for name in modules("csmsd")}

    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))
