"""A visit leaves nothing behind, or says what."""

import pytest

from csmsctl.commissioning.visit import Visit
from csmsctl.failure import UNREACHABLE, Failure


def test_ctrl_c_while_something_is_taken_away() -> None:
    visit = Visit.__new__(Visit)
    visit.left_behind, visit._undo = [], {}
    tried = []

    def take_away() -> None:
        tried.append("transaction 1")
        if len(tried) == 1:
            raise KeyboardInterrupt
        raise Failure(UNREACHABLE, "csmsd has ended.")

    visit.afterwards("transaction 1", take_away)
    with pytest.raises(KeyboardInterrupt):
        visit.tidy()
    visit.tidy()
    assert len(tried) == 2
    assert visit.left_behind == ["transaction 1: csmsd has ended."]
    visit.tidy()
    assert len(tried) == 2
