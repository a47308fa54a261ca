"""What charge points have, as the shortest file that says the same: what is common is said once. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from csmsctl.desired_state.document import DesiredState, Settings, wanted_by_document


@dataclass(frozen=True)
class Known:
    """A charge point, its labels, and its keys (as it writes them) with their values."""

    identity: str
    labels: Sequence[str]
    settings: Settings


def factored(charge_points: Sequence[Known], *, everybody: bool, whole_labels: Set[str]) -> DesiredState:
    """The state from which `wanted_of` makes exactly these settings again.

    A default is what more than half of them have, if all of them have the key; only where they are `everybody`, since
    it holds for all. A label says what all with that label have; only for `whole_labels` (folded), whose charge points
    are all here.
    """
    defaults = _factored_defaults(charge_points) if everybody and len(charge_points) > 1 else {}
    labels: dict[str, Settings] = {}
    for label in _labels_to_factor(charge_points):
        members = [known for known in charge_points if label in _folded_to_factor(known.labels)]
        if label in whole_labels and len(members) > 1:
            settings = _factored_common(members, DesiredState(defaults, labels))
            if settings:
                labels[_factored_spelling(members, label)] = settings
    shared = DesiredState(defaults, labels)
    own = {known.identity: _not_factored(known, shared) for known in charge_points}
    return DesiredState(defaults, labels, {name: settings for name, settings in own.items() if settings})


def _factored_defaults(charge_points: Sequence[Known]) -> Settings:
    found: Settings = {}
    values = [{key.casefold(): value for key, value in known.settings.items()} for known in charge_points]
    for key in charge_points[0].settings:
        folded = key.casefold()
        if all(folded in own for own in values):
            value, count = min(
                Counter(own[folded] for own in values).items(), key=lambda candidate: (-candidate[1], candidate[0])
            )
            if 2 * count > len(charge_points):
                found[key] = value
    return found


def _factored_common(members: Sequence[Known], said: DesiredState) -> Settings:
    """What all members have and at least two of them have not got by what is said already."""
    missing = [_not_factored(known, said) for known in members]
    values = [{key.casefold(): value for key, value in known.settings.items()} for known in members]
    return {
        key: value
        for key, value in members[0].settings.items()
        if all(own.get(key.casefold()) == value for own in values)
        and sum(key.casefold() in _folded_to_factor(settings) for settings in missing) > 1
    }


def _not_factored(known: Known, said: DesiredState) -> Settings:
    wanted = wanted_by_document(said, known.identity, known.labels)
    return {
        key: value
        for key, value in known.settings.items()
        if key.casefold() not in wanted or wanted[key.casefold()].value != value
    }


def _labels_to_factor(charge_points: Sequence[Known]) -> list[str]:
    """The folded labels, those with the most charge points first."""
    counts = Counter(label for known in charge_points for label in _folded_to_factor(known.labels))
    return sorted(counts, key=lambda label: (-counts[label], label))


def _factored_spelling(members: Sequence[Known], label: str) -> str:
    return next(own for known in members for own in known.labels if own.casefold() == label)


def _folded_to_factor(names: Sequence[str] | Mapping[str, str]) -> set[str]:
    return {name.casefold() for name in names}
