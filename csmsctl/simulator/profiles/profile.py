"""What a feature profile is to a simulated charge point."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from csmsctl.simulator.configuration import Key
from csmsd.ocpp.types import ChargingProfile, IdTagInfo, Message

if TYPE_CHECKING:
    from csmsctl.simulator.charge_point import ChargePoint
    from csmsctl.simulator.connector import Connector

Handler = Callable[[Any], Message]
Trigger = Callable[[int | None], None]
M = TypeVar("M", bound=Callable[..., Any])


def profile_answers(request: type[Message]) -> Callable[[M], M]:
    """Marks the method of a profile that answers this request."""

    def mark(method: M) -> M:
        method.answers = request  # type: ignore[attr-defined]
        return method

    return mark


class Profile:
    """A feature profile of one charge point: its keys, its memory and its answers."""

    name: ClassVar[str]  # as SupportedFeatureProfiles has it (C 9.1.29); empty: it does not
    keys: ClassVar[tuple[Key, ...]] = ()

    def __init__(self, charge_point: "ChargePoint") -> None:
        self.charge_point = charge_point

    def prepare(self) -> None:
        """Called once all profiles are there, and after every reboot."""

    def handlers(self) -> Iterator[tuple[str, tuple[type[Message], Handler]]]:
        """Action → request class and the method that answers it."""
        for name in dir(type(self)):
            request = getattr(getattr(type(self), name), "answers", None)
            if request is not None:
                yield request.__name__.removesuffix("Req"), (request, getattr(self, name))

    def triggers(self) -> dict[str, Trigger]:
        """The messages that TriggerMessage may ask for; each is given the connector, or None for all (C 5.17)."""
        return {}

    # --- what connectors and authorization ask; most profiles have nothing to say

    def not_connected(self, problem: str) -> bool:
        """No connection could be opened; whether there is another way to try at once."""
        return False

    def withholds(self, connector: int) -> bool:
        """Whether no transaction may begin yet."""
        return False

    def reserves(self, connector: int) -> bool:
        """Whether a connector that is free is kept so for somebody (C 5.13)."""
        return False

    def admits(self, connector: int, id_tag: str, parent_id_tag: str | None) -> bool:
        """Whether this idTag may begin a transaction there."""
        return True

    def use(self, connector: int, id_tag: str, parent_id_tag: str | None) -> int | None:
        """The id of the reservation that a transaction ends (C 4.8)."""
        return None

    def takes(self, charging_profile: ChargingProfile) -> bool:
        """Whether a remote start may come with this charging profile (C 5.16.2)."""
        return True

    def began(self, connector: "Connector", charging_profile: ChargingProfile | None) -> None:
        """A transaction has begun, perhaps with a charging profile; its start has not been sent yet."""

    def ended(self, connector: "Connector") -> None:
        """The transaction of the connector has ended."""

    def listed(self, id_tag: str) -> IdTagInfo | None:
        """What the Local Authorization List says of an idTag (C 3.5.2)."""
        return None
