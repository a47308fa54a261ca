"""Misbehaviour on request: what charge points in the field do wrong, each as a small class of its own.

A fault sees what leaves, may swallow what comes, and may plan events of its own when a transaction begins.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from csmsctl.simulator.charging_faults import CHARGING_FAULTS
from csmsctl.simulator.fault import Fault
from csmsctl.simulator.transaction import UNKNOWN_ID
from csmsd.ocpp.json_text import encode_json

if TYPE_CHECKING:
    from csmsctl.simulator.charge_point import ChargePoint
    from csmsctl.simulator.connector import Connector
    from csmsd.ocpp.types import ChargingProfile

TRANSACTION_ACTIONS = ("StartTransaction", "StopTransaction")


class Offline(Fault):
    """The link drops, the driver stops meanwhile, and the backlog comes with the old timestamps (C 3.7)."""

    summary = "drops the link in every transaction and comes back with the backlog"
    drop_after, stop_after, return_after = 8.0, 16.0, 24.0

    def transaction_began(self, connector: "Connector") -> None:
        for seconds, action in (
            (self.drop_after, "drop"),
            (self.stop_after, "stop"),
            (self.return_after, "return_"),
        ):
            self.later(connector, seconds, action)

    def drop(self, _: "Connector") -> None:
        self.charge_point.go_offline()

    def stop(self, connector: "Connector") -> None:
        if connector.transaction is not None:
            connector.present(connector.transaction.id_tag)

    def return_(self, _: "Connector") -> None:
        self.charge_point.go_online()


class Retry(Fault):
    """The first answer to each start and stop is lost, so the message comes again."""

    summary = "loses the first answer to every start and stop and sends them again"

    def __init__(self, charge_point: "ChargePoint") -> None:
        super().__init__(charge_point)
        self._lost: set[str] = set()

    def loses_answer(self, action: str) -> bool:
        if action not in TRANSACTION_ACTIONS:
            return False
        if action in self._lost:
            self._lost.remove(action)
            return False
        self._lost.add(action)
        return True


class Silent(Fault):
    """It sends, but never answers a CALL."""

    summary = "answers no CALL"

    def ignores(self, action: str) -> bool:
        return True


class LateAnswers(Fault):
    """Some of them come when nobody waits for them any more."""

    summary = "answers every CALL 1 to 35 s late"

    def answer_delay(self) -> float:
        return self.charge_point.chance.uniform(1.0, 35.0)


class DoubledAnswers(Fault):
    """A router that repeats what it has sent already."""

    summary = "answers every CALL twice"

    def doubles_answers(self) -> bool:
        return True


class Odd(Fault):
    """Fields as some charge points send them: numbers as text, text as numbers, over-long text, unknown units."""

    summary = "sends numbers as text, text as numbers, over-long text and times without a zone"

    def outgoing(self, action: str, payload: dict[str, Any]) -> None:
        if action == "BootNotification":
            payload["chargePointSerialNumber"] = "SERIAL-NUMBER-OF-THIRTY-FOUR-CHARS"
        if action == "StatusNotification":
            payload["timestamp"] = payload["timestamp"].removesuffix("Z")
        for name in ("meterStart", "meterStop"):
            if name in payload:
                payload[name] = str(payload[name])
        for value in payload.get("meterValue", []):
            for sample in value["sampledValue"]:
                sample["value"] = float(sample["value"])
                if sample.get("unit") == "A":
                    sample["unit"] = "Amp"


class NoId(Fault):
    """It never learns its transaction ids, and sends -1 (CE 3.18)."""

    summary = "sends transactionId -1 after the start"

    def transaction_id(self, given: int) -> int:
        return UNKNOWN_ID


class RegisterReset(Fault):
    """The register begins again at 0 in every transaction."""

    summary = "sets its energy register back to 0 in every transaction"
    reset_after = 10.0

    def transaction_began(self, connector: "Connector") -> None:
        self.later(connector, self.reset_after, "reset")

    def reset(self, connector: "Connector") -> None:
        connector.meter.advance(self.charge_point.now)
        connector.meter.register_wh = 0.0
        self.charge_point.tell("register_reset", connector.number)


class PowerFailure(Fault):
    """The power fails in every transaction: no farewell, a boot, and a stop for PowerLoss."""

    summary = "loses power in every transaction, boots and stops it with PowerLoss"
    fails_after = 10.0

    def transaction_began(self, connector: "Connector") -> None:
        self.later(connector, self.fails_after, "fail")

    def fail(self, connector: "Connector") -> None:
        if connector.transaction is not None:
            self.charge_point.power_failure()


class DownloadFails(Fault):
    """Firmware is never fetched."""

    summary = "fails to download firmware"

    def spoils(self, step: str) -> bool:
        return step == "download"


class InstallationFails(Fault):
    """Firmware is fetched and not installed."""

    summary = "downloads firmware and fails to install it"

    def spoils(self, step: str) -> bool:
        return step == "installation"


class UploadFails(Fault):
    """Diagnostics never come."""

    summary = "fails to upload diagnostics"

    def spoils(self, step: str) -> bool:
        return step == "upload"


class NoReports(Fault):
    """Updates and uploads happen without a word."""

    summary = "reports nothing of updates and uploads"

    def spoils(self, step: str) -> bool:
        return step == "reports"


class OtherSerial(Fault):
    """It boots with the serial number of another, and asks for a certificate by that name."""

    summary = "boots and asks for a certificate with the serial number SIM-1 of another"
    other = "SIM-1"

    def outgoing(self, action: str, payload: dict[str, Any]) -> None:
        if action == "BootNotification":
            payload["chargePointSerialNumber"] = self.other

    def own_name(self, name: str) -> str:
        return self.other


class WrongKey(Fault):
    """It logs in with a key that it was never given."""

    summary = "logs in with a wrong password"

    def password(self, own: str | None) -> str | None:
        return "a-key-of-somebody-else"[:20]


class ExpiredCertificate(Fault):
    """It shows a certificate whose time is over."""

    summary = "shows an expired certificate instead of its own (profile 3)"

    def expires(self) -> bool:
        return True


FAULTS: dict[str, type[Fault]] = {
    "offline": Offline,
    "retry": Retry,
    "silent": Silent,
    "late-answers": LateAnswers,
    "doubled-answers": DoubledAnswers,
    "odd": Odd,
    "no-id": NoId,
    "register-reset": RegisterReset,
    "power-failure": PowerFailure,
    "download-fails": DownloadFails,
    "installation-fails": InstallationFails,
    "upload-fails": UploadFails,
    "no-reports": NoReports,
    "other-serial": OtherSerial,
    "wrong-key": WrongKey,
    "expired-certificate": ExpiredCertificate,
    **CHARGING_FAULTS,
}


class Faults:
    """All the misbehaviour of one charge point, asked as one; none by default."""

    def __init__(self, charge_point: "ChargePoint", names: Iterable[str]) -> None:
        self._faults = [FAULTS[name](charge_point) for name in names]

    def outgoing(self, action: str, payload: bytes) -> bytes:
        if not self._faults:
            return payload
        fields = msgspec.json.decode(payload)
        for fault in self._faults:
            fault.outgoing(action, fields)
        return encode_json(fields)

    def loses_answer(self, action: str) -> bool:
        return any(fault.loses_answer(action) for fault in self._faults)

    def ignores(self, action: str) -> bool:
        return any(fault.ignores(action) for fault in self._faults)

    def answer_delay(self) -> float:
        return max((fault.answer_delay() for fault in self._faults), default=0.0)

    def doubles_answers(self) -> bool:
        return any(fault.doubles_answers() for fault in self._faults)

    def transaction_id(self, given: int) -> int:
        for fault in self._faults:
            given = fault.transaction_id(given)
        return given

    def password(self, own: str | None) -> str | None:
        for fault in self._faults:
            own = fault.password(own)
        return own

    def expires(self) -> bool:
        return any(fault.expires() for fault in self._faults)

    def own_name(self, name: str) -> str:
        for fault in self._faults:
            name = fault.own_name(name)
        return name

    def spoils(self, step: str) -> bool:
        return any(fault.spoils(step) for fault in self._faults)

    def refuses(self, profile: "ChargingProfile") -> bool:
        return any(fault.refuses(profile) for fault in self._faults)

    def ignores_limits(self) -> bool:
        return any(fault.ignores_limits() for fault in self._faults)

    def waits_for_offer(self) -> bool:
        return any(fault.waits_for_offer() for fault in self._faults)

    def shortens_schedules(self) -> bool:
        return any(fault.shortens_schedules() for fault in self._faults)

    def forgets_profiles(self) -> bool:
        return any(fault.forgets_profiles() for fault in self._faults)

    def clock_error_ms(self) -> int:
        return sum(fault.clock_error_ms() for fault in self._faults)

    def prepare(self) -> None:
        for fault in self._faults:
            fault.prepare()

    def transaction_began(self, connector: "Connector") -> None:
        for fault in self._faults:
            fault.transaction_began(connector)
