"""The live state of the room: the library, what charge points have installed, and the circuits that limit them."""

from csmsd.profiles.load_management.load import LoadManagement
from csmsd.profiles.smart_charging.installed_profiles import InstalledProfiles
from csmsd.profiles.smart_charging.profile_library import ProfileLibrary


class SmartCharging:
    """What the site knows of charging profiles."""

    def __init__(self) -> None:
        self.library = ProfileLibrary()
        self.installed = InstalledProfiles()
        self.load = LoadManagement()

    def carry_over(self, old: "SmartCharging") -> None:
        """Takes what no file knows from the state that this one replaces."""
        self.load.carry_over(old.load)
