"""Which candidates a few letters mean: `cp7` finds NORTH-CP-07."""

from collections.abc import Sequence

from csmsctl.arguments.candidates import Candidates


def fuzzy_matching(letters: str, candidates: Sequence[tuple[str, str]]) -> Candidates:
    """Those that begin with the letters, then those that contain them, then those that have them in this order."""
    wanted = letters.casefold()
    ranked = [
        (rank, at)
        for at, (value, _) in enumerate(candidates)
        if (rank := _fuzzy_rank(wanted, value.casefold())) is not None
    ]
    return [candidates[at] for _, at in sorted(ranked)]


def _fuzzy_rank(wanted: str, value: str) -> int | None:
    """The lower the better; None is no match. Letters that stand apart count by the room they take."""
    if value.startswith(wanted):
        return 0
    if wanted in value:
        return 1
    first = at = value.find(wanted[0])
    for letter in wanted[1:]:
        if at < 0:
            return None
        at = value.find(letter, at + 1)
    return None if at < 0 else 2 + at - first
