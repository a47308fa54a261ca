"""Evidence in, verdict out: each case in `verdicts/` says what is right and, as `played` writes it, what was sent.

Right: Wh, in brackets at least and at most where that is not the figure, the doubts, and `by` the basis where it
matters.
"""

from pathlib import Path
from typing import get_args

import pytest

from csmsd.profiles.core.energy.doubts import SENTENCES, Doubt
from csmsd.profiles.core.energy.verdict import BASES, Basis, Verdict, reckon_verdict
from tests.csmsd.profiles.core.energy.played import plainly, played


def cases() -> list[tuple[str, str, str]]:
    """(what, sent, right) of each: a line that says what and right, then lines of what was sent, further in."""
    found: list[list[str]] = []
    files = sorted((Path(__file__).parent / "verdicts").iterdir())
    for line in (line for file in files for line in file.read_text().splitlines()):
        if line.startswith(" "):
            found[-1][1] += line
        elif line and not line.startswith("#"):
            what, right = line.split(": ")
            found.append([what, "", right])
    return [(what, sent, right) for what, sent, right in found]


def shown(verdict: Verdict, *, basis: bool) -> str:
    words = [str(verdict.energy_wh)]
    if not verdict.at_least_wh == verdict.energy_wh == verdict.at_most_wh:
        words.append(f"({verdict.at_least_wh}..{verdict.at_most_wh})")
    words += verdict.doubts
    return " ".join(words) + (f" by {verdict.basis}" if basis else "")


CASES = [pytest.param(*case, id=case[0]) for case in cases()]


@pytest.mark.parametrize(("what", "sent", "right"), CASES)
def test_right(what: str, sent: str, right: str) -> None:
    assert shown(reckon_verdict(played(sent)), basis=" by " in right) == right


@pytest.mark.parametrize(("what", "sent", "right"), CASES)
def test_the_fast_path_says_the_same_or_nothing(what: str, sent: str, right: str) -> None:
    figure, verdict = plainly(played(sent)), reckon_verdict(played(sent))

    assert figure is None or (figure, ()) == (verdict.energy_wh, verdict.doubts)


def test_every_doubt_and_every_basis_is_among_the_cases_and_has_its_words() -> None:
    verdicts = [reckon_verdict(played(sent)) for _, sent, _ in cases()]

    found = {doubt for verdict in verdicts for doubt in verdict.doubts}
    assert found | {"unjudged"} == set(SENTENCES) == set(get_args(Doubt))  # that one is a mistake of ours
    assert {verdict.basis for verdict in verdicts} == set(BASES) == set(get_args(Basis))
