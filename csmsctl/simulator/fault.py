"""One kind of misbehaviour: what it can meddle with."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from csmsctl.simulator.charge_point import ChargePoint
    from csmsctl.simulator.connector import Connector
    from csmsd.ocpp.types import ChargingProfile


class Fault:
    """One kind of misbehaviour. `summary` is its help text; the methods are what it can meddle with."""

    summary = ""

    def __init__(self, charge_point: "ChargePoint") -> None:
        self.charge_point = charge_point

    def outgoing(self, action: str, payload: dict[str, Any]) -> None:
        """May change a message that is about to leave."""

    def loses_answer(self, action: str) -> bool:
        """Whether an answer is treated as if it never came."""
        return False

    def ignores(self, action: str) -> bool:
        """Whether a CALL is left without an answer."""
        return False

    def answer_delay(self) -> float:
        """After how many seconds an answer leaves."""
        return 0.0

    def doubles_answers(self) -> bool:
        """Whether every answer leaves twice."""
        return False

    def transaction_id(self, given: int) -> int:
        """The transaction id that the charge point believes it was given."""
        return given

    def spoils(self, step: str) -> bool:
        """Whether a step of an update or upload goes wrong: download, installation, upload, reports."""
        return False

    def password(self, own: str | None) -> str | None:
        """What it logs in with."""
        return own

    def expires(self) -> bool:
        """Whether the certificate that it shows is over."""
        return False

    def own_name(self, name: str) -> str:
        """The name by which it asks for a certificate."""
        return name

    def refuses(self, profile: "ChargingProfile") -> bool:
        """Whether a charging profile is rejected that others would take."""
        return False

    def ignores_limits(self) -> bool:
        """Whether charging profiles are kept and not followed."""
        return False

    def waits_for_offer(self) -> bool:
        """Whether a transaction begins only where it may draw something."""
        return False

    def shortens_schedules(self) -> bool:
        """Whether of a schedule only the first period is kept."""
        return False

    def forgets_profiles(self) -> bool:
        """Whether a reboot takes the charging profiles."""
        return False

    def clock_error_ms(self) -> int:
        """How far its clock is ahead whatever it is told."""
        return 0

    def prepare(self) -> None:
        """May change configuration keys, after each start."""

    def transaction_began(self, connector: "Connector") -> None:
        """May plan what goes wrong in this transaction."""

    def later(self, connector: "Connector", seconds: float, action: str) -> None:
        """Plans a method of this fault, by its name."""
        time = self.charge_point.now + round(seconds * 1000)
        self.charge_point.timers.at(f"{action} {connector.number}", time, lambda: getattr(self, action)(connector))
