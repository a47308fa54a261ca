"""The live state of the room: the library, and what charge points have installed."""

from csmsd.profiles.smart_charging.installed_profiles import InstalledProfiles
from csmsd.profiles.smart_charging.profile_library import ProfileLibrary


class SmartCharging:
    """What the site knows of charging profiles."""

    def __init__(self) -> None:
        self.library = ProfileLibrary()
        self.installed = InstalledProfiles()
