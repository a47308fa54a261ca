"""Whose a chargingProfileId is: they are shared out by ranges, so that nobody replaces what is another's (C 5.16.4)."""

SITE_LIMIT = "site limit"  # the name of those of load management
SITE_LIMIT_IDS = range(800_000_000, 900_000_000)


def is_site_limit(profile_id: int) -> bool:
    """Whether it is one of load management."""
    return profile_id in SITE_LIMIT_IDS
