"""A charge point on PyPI `ocpp` with a local list."""

from typing import Any

from tests.support.charge_point import ChargePoint


class Keeper:
    """Makes a charge point on PyPI `ocpp` keep the version of its list."""

    def __init__(self, charge_point: ChargePoint, version: int = 0) -> None:
        self.charge_point = charge_point
        self.version = version
        self.refuses = 0
        self.forgets = False  # it accepts, and nothing comes of it
        self.attach()

    def attach(self) -> None:
        taken = self.charge_point._take

        def take(action: str, fields: dict[str, Any], usual: dict[str, Any]) -> dict[str, Any]:
            answer = taken(action, fields, usual)
            if action == "GetLocalListVersion":
                return {"list_version": self.version}
            if action == "SendLocalList":
                if self.refuses and fields["update_type"] == "Differential":
                    self.refuses -= 1
                    return {"status": "VersionMismatch"}
                if not self.forgets:
                    self.version = fields["list_version"]
            return answer

        self.charge_point._take = take  # type: ignore[method-assign]
