"""What is wrong with how a charge point is secured: profiles that were not raised, or are too low; keys in doubt."""

from collections.abc import Iterator
from shlex import quote

from csmsd.control.problems.problem import Problem, problem
from csmsd.ocpp.timestamps import format_timestamp
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.core.refused_connections import refused_reason_text
from csmsd.profiles.core.security_profiles import WITH_KEY, WITH_TLS, how_to_have_it_decided
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.security.upgrades import SecurityUpgrade
from csmsd.profiles.site import Site


def securing_problems(state: ChargePointState, site: Site, now: Milliseconds) -> Iterator[Problem]:
    """Until another attempt, or an operator, has settled it."""
    upgrade = state.upgrade
    if upgrade is not None and upgrade.to_profile > state.record.security_profile:
        yield from _attempt_problems(upgrade, state, site)
    if state.record.password_hash_next is not None and state.record.security_profile in WITH_KEY:
        yield problem(
            state,
            "key_undecided",
            "it was sent a new key, and nobody knows whether it took it: both are good until it uses that, or boots",
            f"csmsctl reset {quote(state.id)} --type soft",
            since=None,
        )
    least = site.security.policy.minimum_profile
    if state.record.security_profile < least and not (upgrade is not None and upgrade.open):
        used = state.secured.profile if state.connected and state.secured is not None else None
        comes = f"is let in with security profile {used}" if used is not None else "may come"
        yield problem(
            state,
            "below_minimum_profile",
            f"{comes}, since it is registered with {state.record.security_profile}; "
            f"security.minimum_profile is {least}",
            f"csmsctl cp secure {quote(state.id)} --to {least} --wait",
            since=None,
        )


def _attempt_problems(upgrade: SecurityUpgrade, state: ChargePointState, site: Site) -> Iterator[Problem]:
    again = f"csmsctl cp secure {quote(state.id)} --to {upgrade.to_profile} --wait"
    profile = f"security profile {upgrade.to_profile}"
    if upgrade.state == "fell_back":
        yield problem(
            state,
            "upgrade_fell_back",
            f"fell back from {profile}: {upgrade.reason}. {_likely_cause(upgrade, state, site)}",
            again,
            since=upgrade.changed_at,
        )
    elif upgrade.state == "interrupted":
        yield problem(
            state, "upgrade_interrupted", f"not raised to {profile}: {upgrade.reason}", again, since=upgrade.changed_at
        )
    elif upgrade.state == "expired":
        asked = f"was to use {profile} since {format_timestamp(upgrade.created_at)}, and "
        if state.connected:
            text, next_ = "has not connected anew", how_to_have_it_decided(state)
        else:
            text = f"has not come back, though it is let in with {upgrade.from_profile} as well: what is in between?"
            next_ = "csmsctl cp pending"
        yield problem(state, "upgrade_hangs", asked + text, next_, since=upgrade.changed_at)


def _likely_cause(upgrade: SecurityUpgrade, state: ChargePointState, site: Site) -> str:
    """What was refused meanwhile, from where it comes; else what it may be."""
    seen = [
        one
        for one in [*site.refused.of(state.id), *site.refused.of_strangers()]
        if upgrade.created_at <= one.last_at <= upgrade.changed_at and one.address == state.address
    ]
    if seen:
        return f"Refused meanwhile: {refused_reason_text(max(seen, key=lambda one: one.last_at))}"
    if upgrade.to_profile in WITH_TLS:
        return "Nothing of it came by TLS: is that let through all the way, and does it trust csmsd's certificate?"
    return "It may not have taken its key"
