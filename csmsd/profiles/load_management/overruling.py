"""Charging profiles of others that stand above a site limit, or in its place, and orders that take it away. Pure.

What such an order may bring about counts before it leaves: whether it arrived, nobody may ever hear.
"""

from collections.abc import Iterator

from csmsd.ocpp.types import ChargingProfile
from csmsd.profiles.action import Target
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.load_management.circuits import Member
from csmsd.profiles.load_management.manners import is_taken_whole
from csmsd.profiles.load_management.site_limits import site_limit_ids
from csmsd.profiles.record import Change, Milliseconds
from csmsd.profiles.site import Site
from csmsd.profiles.smart_charging.installed_profiles import InstalledProfiles
from csmsd.profiles.smart_charging.profile_ids import is_site_limit

_Place = tuple[int, Milliseconds]  # stack level, and when it was accepted: the later of two on one level


def is_overruled(state: ChargePointState, member: Member, site: Site) -> bool:
    """Whether a profile of others that it has accepted leads instead of its site limit (C 3.13)."""
    for purpose in _purposes(_is_whole(member, state, site)):
        ours, theirs = _places(state, member, purpose, site.smart_charging.installed)
        if theirs and (not ours or max(theirs) > max(ours)):
            return True
    return False


def overruled_by(profile: ChargingProfile, connector: int, target: Target) -> Iterator[Member]:
    """The members whose site limits it would stand above, or in whose place.

    One for a transaction may be taken for the next one, which has no limit yet: matching is a MAY (C 7.8).
    """
    state, installed = target.charge_point, target.site.smart_charging.installed
    if is_site_limit(profile.charging_profile_id):
        return
    for member in _members(target.site, state):
        whole = _is_whole(member, state, target.site)
        purpose = profile.charging_profile_purpose
        if whole != (purpose == "ChargePointMaxProfile") or not (whole or connector in (0, member.connector)):
            continue
        ours, _ = _places(state, member, purpose, installed)
        # It comes later, whatever our clock showed then.
        if not ours or purpose == "TxProfile" or profile.stack_level >= max(ours)[0]:
            yield member


def would_lead_unheard_of(profile: ChargingProfile, connector: int, target: Target) -> str | None:
    """Why it never leaves: for a transaction that is not known, what is kept of it ends at once (C 3.13.1)."""
    if profile.charging_profile_purpose != "TxProfile":
        return None
    for member in overruled_by(profile, connector, target):
        running = target.charge_point.transactions.active_on(member.connector)
        if running is None or profile.transaction_id not in (None, running.id):
            which = "no transaction" if running is None else f"transaction {running.id}"
            return (
                f"connector {member.connector} hangs on circuit {member.circuit}, and {which} is known to run on it: "
                "another that does would charge by this profile instead of its limit (C 3.13.1)"
            )
    return None


def count_for_one_unheard_of(profile: ChargingProfile, connector: int, target: Target) -> list[Change]:
    """It was accepted, and its transaction is over: one that nobody has heard of yet goes by it (C 7.8)."""
    load, changed = target.site.smart_charging.load, False
    for member in overruled_by(profile, connector, target):
        running = target.charge_point.transactions.active_on(member.connector)
        if profile.charging_profile_purpose == "TxProfile" and running is None:
            load.ledger.goes_unheard(member.place, member.rating_ma, member.wiring, target.now)
            changed = True
    return load.hold_changes() if changed else []


def cleared_by(
    target: Target, *, id: int | None, connector: int | None, purpose: str | None, stack_level: int | None
) -> Iterator[Member]:
    """The members whose site limits such a ClearChargingProfile takes away, if they have them by then (CE 3.25)."""
    state = target.charge_point
    for member in _members(target.site, state):
        whole = _is_whole(member, state, target.site)
        if id is not None:
            if id in site_limit_ids(member.connector):
                yield member
            continue
        purposes = _purposes(whole)
        if connector not in (None, 0 if whole else member.connector) or purpose not in (None, *purposes):
            continue
        levels = {
            level
            for one in purposes
            for level, _ in _places(state, member, one, target.site.smart_charging.installed)[0]
        }
        if stack_level is None or not levels or stack_level in levels:
            yield member


def count_with_ratings(members: list[Member], target: Target) -> list[Change]:
    """From now on they may draw that, until they have accepted limits again. What is to be written."""
    load = target.site.smart_charging.load
    for member in members:
        load.ledger.begin(member.place, member.rating_ma, member.wiring, target.now)
    return load.hold_changes() if members else []


def runs_without_limit_of_its_own(member: Member, target: Target) -> int | None:
    """A transaction that runs on it by its default limit, for which a TxProfile would be a raise (C 3.13.1)."""
    running = target.charge_point.transactions.active_on(member.connector)
    if running is None or _is_whole(member, target.charge_point, target.site):
        return None
    ours, _ = _places(target.charge_point, member, "TxProfile", target.site.smart_charging.installed)
    return None if ours else running.id


def _is_whole(member: Member, state: ChargePointState, site: Site) -> bool:
    return is_taken_whole(member, state, site.smart_charging.load.manner(state.id))


def _purposes(whole: bool) -> tuple[str, ...]:
    """Of its site limits."""
    return ("ChargePointMaxProfile",) if whole else ("TxDefaultProfile", "TxProfile")


def _members(site: Site, state: ChargePointState) -> list[Member]:
    return site.smart_charging.load.members_of(state.id)


def _places(
    state: ChargePointState, member: Member, purpose: str, installed: InstalledProfiles
) -> tuple[list[_Place], list[_Place]]:
    """Where site limits of that purpose stand for the member, and where those of others do."""
    connectors = (0,) if purpose == "ChargePointMaxProfile" else (0, member.connector)
    ours: list[_Place] = []
    theirs: list[_Place] = []
    for one in installed.of(state.id):
        if one.purpose == purpose and one.connector in connectors and not one.pending:
            found = ours if is_site_limit(one.profile_id) else theirs
            found.append((one.stack_level, one.accepted_at))
    return ours, theirs
