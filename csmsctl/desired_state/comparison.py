"""What charge points have, held against what they should have. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from csmsctl.desired_state.document import Wanted
from csmsctl.records.configurations import Key, Report

State = Literal["same", "change", "reboot_pending", "read_only", "unknown", "not_reported"]


@dataclass(frozen=True)
class Comparison:
    """One key of one charge point."""

    key: str
    current: str | None
    wanted: str
    origin: str
    state: State
    needs_reboot: bool = False  # it was so when this key was changed before

    @property
    def can_change(self) -> bool:
        """Whether it makes sense to send the wanted value. A key that is not reported may still be written."""
        return self.state in ("change", "not_reported")


def compare_configuration(
    wanted: Mapping[str, Wanted],
    report: Report,
    *,
    pending: Mapping[str, str] | None = None,
    reboots: Iterable[str] = (),
) -> list[Comparison]:
    """All wanted keys in alphabetical order.

    `pending`: what was answered RebootRequired since it booted last; `reboots`: keys that were so ever. Both folded.
    """
    pending = pending or {}
    reboots = set(reboots)
    found = []
    for folded in sorted(wanted):
        want = wanted[folded]
        key = report.keys.get(folded)
        state = _state_by_comparison(want.value, key, folded in report.unknown, pending.get(folded))
        needs_reboot = state in ("change", "reboot_pending") and (folded in reboots or folded in pending)
        name = want.key if key is None else key.name
        current = None if key is None else key.value
        found.append(Comparison(name, current, want.value, want.origin, state, needs_reboot))
    return found


def _state_by_comparison(wanted: str, key: Key | None, unknown: bool, pending: str | None) -> State:
    if key is None:
        return "unknown" if unknown else "not_reported"
    if same_by_comparison(key.value, wanted):
        return "same"
    if key.readonly:
        return "read_only"
    return "reboot_pending" if pending is not None and same_by_comparison(pending, wanted) else "change"


def same_by_comparison(current: str | None, wanted: str) -> bool:
    """Whether both mean the same: case of booleans, blanks around the parts of a list, and no value at all (C 7.29)."""
    return current == wanted or _meaning_for_comparison(current or "") == _meaning_for_comparison(wanted)


def _meaning_for_comparison(value: str) -> list[str]:
    text = value.strip()
    if text.casefold() in ("true", "false"):
        return [text.casefold()]
    return [part.strip() for part in text.split(",")]
