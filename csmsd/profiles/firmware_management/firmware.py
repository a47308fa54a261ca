"""The live state of the room: images, updates, uploads, rollouts."""

from csmsd.profiles.firmware_management.hosting import Hosting
from csmsd.profiles.firmware_management.rollouts import Rollouts
from csmsd.profiles.firmware_management.updates import FirmwareImage, Updates
from csmsd.profiles.firmware_management.uploads import Uploads


class Firmware:
    """What the site knows of firmware and diagnostics. `hosting` is None while csmsd hosts no files."""

    def __init__(self) -> None:
        self.images: dict[str, FirmwareImage] = {}
        self.updates = Updates()
        self.uploads = Uploads()
        self.rollouts = Rollouts()
        self.hosting: Hosting | None = None
