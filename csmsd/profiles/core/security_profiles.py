"""Security profiles: which one a charge point is registered with, and which it may use (W 2, A00.FR.001 to 005)."""

from shlex import quote

from csmsd.profiles.core.charge_points import ChargePoint, ChargePointState

WITH_KEY = frozenset({1, 2})  # Basic authentication
WITH_TLS = frozenset({2, 3})


def admitted_profiles(charge_point: ChargePointState) -> frozenset[int]:
    """The profiles that a charge point may connect with: the one that it is registered with, and while nobody knows
    whether it has taken a higher one, that one as well."""
    registered, upgrade = charge_point.record.security_profile, charge_point.upgrade
    asked = upgrade.admitted if upgrade is not None else frozenset()
    return frozenset({registered, *(profile for profile in asked if profile > registered)})


def how_to_be_known_anew(record: ChargePoint) -> str:
    """The command after which it comes with something new, which both ends know."""
    named = quote(record.id)
    if record.security_profile in WITH_KEY:
        return f"Both ends get a new one with: cp rotate-key {named}"
    if record.security_profile == 0:
        return f"It is asked for none; both ends get one with: cp secure {named} --to 1"
    return f"It is known by its certificate, and asked for no key. It gets a new certificate with: cert renew {named}"


def how_to_have_it_decided(charge_point: ChargePointState) -> str:
    """The command after which a charge point connects anew, and so shows which profile it uses."""
    named = quote(charge_point.id)
    if charge_point.record.reboot_required:
        return f"csmsctl reset {named} --type soft"
    return f"csmsctl cp disconnect {named}"
