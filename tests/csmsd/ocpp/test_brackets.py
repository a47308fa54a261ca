"""Text that is nearly JSON: every bracket closed once, and of what is cut off the whole parts."""

import pytest

from csmsd.ocpp.brackets import MOST_LONE_BRACKETS, balanced
from csmsd.ocpp.mends import Hopeless, Mend


@pytest.mark.parametrize(
    ("text", "whole", "needed"),
    [
        ('[2,{"a":["]",{}]}]', '[2,{"a":["]",{}]}]', []),
        ('[2,{"a":1]', '[2,{"a":1}]', ["brackets"]),  # what is open in it is closed as well
        ('[2,{"a":{}}}]', '[2,{"a":{}}]', ["brackets"]),  # what closes nothing is dropped
        ('[2,{"a":1}', '[2,{"a":1}]', ["brackets"]),
        ('[2,{"a":1}]}]', '[2,{"a":1}]}]', []),  # what stands behind it is for others
    ],
)
def test_every_bracket_is_closed_once(text: str, whole: str, needed: list[Mend]) -> None:
    mends: list[Mend] = []

    assert balanced(text, mends) == (whole, False)
    assert mends == needed


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ('[2,{"a":1,"b":15', '[2,{"a":1}]'),
        ('[2,{"a":1,"b":"x"', '[2,{"a":1,"b":"x"}]'),
        ('[2,{"a":[{"b":1},{"b":2},{"b"', '[2,{"a":[{"b":1},{"b":2}]}]'),
        ('[2,{"a":[[1],[2,[', '[2,{"a":[[1]]}]'),
    ],
)
def test_of_what_is_cut_off_the_whole_parts_are_left(text: str, whole: str) -> None:
    mends: list[Mend] = []

    assert balanced(text, mends) == (whole, True)
    assert mends == ["truncated"]


@pytest.mark.parametrize("text", ["]", "", '"[', "[2", "{[", "[[" * MOST_LONE_BRACKETS])
def test_the_rest_is_hopeless(text: str) -> None:
    with pytest.raises(Hopeless):
        balanced(text, [])
