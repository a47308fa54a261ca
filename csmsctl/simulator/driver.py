"""The people at a charge point: who plugs in, who presents which idTag, and when. Pure; it uses the point's timers."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from csmsctl.simulator.notice import Notice

if TYPE_CHECKING:
    from csmsctl.simulator.charge_point import ChargePoint

SECONDS_TO_PLUG = 1.0
SECONDS_TO_UNPLUG = 2.0
SECONDS_TO_PRESENT = 2.0


class ObligingDrivers:
    """They plug in when a remote start waits for the cable, and unplug when charging is over."""

    def __init__(
        self,
        charge_point: "ChargePoint",
        *,
        seconds_to_plug: float = SECONDS_TO_PLUG,
        seconds_to_unplug: float = SECONDS_TO_UNPLUG,
    ) -> None:
        self.charge_point = charge_point
        self._seconds_to_plug = seconds_to_plug
        self._seconds_to_unplug = seconds_to_unplug
        charge_point.watchers.append(self.notice)

    def notice(self, notice: Notice) -> None:
        number = notice.connector
        if number is None:
            return
        connector = self.charge_point.connectors[number]
        if notice.event == "waits_for_cable":
            self._later(f"plug {number}", self._seconds_to_plug, connector.plug)
        elif notice.event == "status" and connector.status == "Finishing":
            self._later(f"unplug {number}", self._seconds_to_unplug, connector.unplug)

    def _later(self, name: str, seconds: float, action: Callable[[], None]) -> None:
        self.charge_point.timers.at(f"driver: {name}", self.charge_point.now + round(seconds * 1000), action)


def driver_visit(charge_point: "ChargePoint", number: int, id_tag: str, seconds: float) -> None:
    """One driver's visit: plugs in, presents a tag, charges, presents it again, unplugs."""
    connector = charge_point.connectors[number]

    def stop() -> None:
        if connector.transaction is not None:
            connector.present(id_tag)

    steps: tuple[tuple[float, Callable[[], None]], ...] = (
        (0.0, connector.plug),
        (SECONDS_TO_PRESENT, lambda: connector.present(id_tag)),
        (SECONDS_TO_PRESENT + seconds, stop),
        (SECONDS_TO_PRESENT + seconds + SECONDS_TO_UNPLUG, connector.unplug),
    )
    for index, (wait, step) in enumerate(steps):
        charge_point.timers.at(f"visit {number} {index}", charge_point.now + round(wait * 1000), step)


def one_driver_visit(charge_point: "ChargePoint", number: int, id_tag: str, seconds: float) -> None:
    """A driver comes as soon as the charge point has been accepted for the first time."""

    def arrive(notice: Notice) -> None:
        if notice.event == "registered" and notice.details["status"] == "Accepted":
            charge_point.watchers.remove(arrive)
            driver_visit(charge_point, number, id_tag, seconds)

    charge_point.watchers.append(arrive)


class Visitors:
    """Drivers who come by at random times with one of some idTags; each connector has its own stream of them."""

    pause = (3.0, 20.0)  # seconds between two visits
    stay = (20.0, 120.0)

    def __init__(self, charge_point: "ChargePoint", id_tags: Sequence[str]) -> None:
        self._charge_point = charge_point
        self._id_tags = id_tags
        for number in charge_point.connectors:
            if number > 0:
                self._expect(number)

    def _expect(self, number: int) -> None:
        charge_point = self._charge_point
        wait = charge_point.chance.uniform(*self.pause)
        charge_point.timers.at(f"visitor {number}", charge_point.now + round(wait * 1000), lambda: self._arrive(number))

    def _arrive(self, number: int) -> None:
        charge_point = self._charge_point
        connector = charge_point.connectors[number]
        stay = 0.0
        if connector.status == "Available" and charge_point.registration == "Accepted":
            stay = charge_point.chance.uniform(*self.stay)
            driver_visit(charge_point, number, charge_point.chance.choice(self._id_tags), stay)
        wait = stay + SECONDS_TO_PRESENT + SECONDS_TO_UNPLUG
        charge_point.timers.at(f"visitor {number}", charge_point.now + round(wait * 1000), lambda: self._expect(number))
