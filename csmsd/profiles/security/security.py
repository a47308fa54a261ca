"""The live state of the room."""

from csmsd.profiles.security.security_events import SecurityEvents


class Security:
    """What the site knows of security beyond who may log in."""

    def __init__(self) -> None:
        self.events = SecurityEvents()

    def carry_over(self, old: "Security") -> None:
        """Takes what no file knows from the state that this one replaces."""
        self.events.carry_over(old.events)
