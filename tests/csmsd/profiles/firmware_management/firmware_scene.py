"""A scene with a file host, where commands are intended, confirmed and reported on."""

import json
from typing import Any

import msgspec

from csmsd.ocpp.payloads import encode_payload, read_payload
from csmsd.profiles import outgoing
from csmsd.profiles.action import Operation, Target, action_of
from csmsd.profiles.firmware_management.hosting import Host, Hosting, Protocol
from csmsd.profiles.firmware_management.updates import FirmwareImage, FirmwareUpdate
from csmsd.profiles.firmware_management.uploads import DiagnosticsUpload
from csmsd.profiles.policies import Policies
from csmsd.profiles.record import Event
from tests.csmsd.profiles.scene import Scene

TOKEN = "t" * 32


class FirmwareScene(Scene):
    """Tasks are numbered from 1; the image acme-2.1.bin is version 2.1 when `version` says so."""

    def __init__(
        self,
        policies: Policies | None = None,
        *,
        hosting: dict[Protocol, Host] | None = None,
        version: str | None = None,
    ) -> None:
        super().__init__(policies)
        self.task = 0
        self.cp.record.firmware_version = "2.0"
        hosts: dict[Protocol, Host] = {"http": Host(9080, "csms"), "ftp": Host(2121, "csms")}
        self.site.firmware.hosting = Hosting(hosts if hosting is None else hosting, make_token=lambda: TOKEN)
        if not self.site.firmware.hosting.hosts:
            self.site.firmware.hosting = None
        self.site.firmware.images["acme-2.1.bin"] = FirmwareImage(
            name="acme-2.1.bin", stored="1", size=10, sha256="0", version=version, added_at=self.now
        )

    def command(
        self, operation: Operation, confirmation: dict[str, Any] | None = None, *, fails: str | None = None
    ) -> dict[str, Any]:
        """Sends what an operation asks for, the way of the runner; the payload that was sent."""
        self.task += 1
        (request,) = operation.steps(self.target())
        declared = outgoing()[action_of(type(request))]
        target = Target(self.site, self.cp, self.now, self.task)
        assert declared.intend is not None
        self.keep(*declared.intend(request, target))
        if fails is not None:
            assert declared.unconfirmed is not None
            self.keep(*declared.unconfirmed(request, fails, target))
        else:
            assert declared.settle is not None
            answer, _ = read_payload(declared.confirmation, msgspec.json.encode(confirmation or {}))
            self.keep(*declared.settle(request, answer, target))
        payload: dict[str, Any] = json.loads(encode_payload(request))
        return payload

    def boots(self, version: str | None) -> list[Event]:
        """A BootNotification, and the events that follow from it."""
        payload = {"chargePointVendor": "A", "chargePointModel": "B"}
        if version is not None:
            payload["firmwareVersion"] = version
        booted, *following = self.send("BootNotification", payload).events
        assert booted.type == "charge_point.booted"
        return following

    @property
    def update(self) -> FirmwareUpdate:
        """The update that reports are about."""
        found = self.site.firmware.updates.current("CP1")
        assert found is not None
        return found

    @property
    def upload(self) -> DiagnosticsUpload:
        """The upload that reports are about."""
        found = self.site.firmware.uploads.current("CP1")
        assert found is not None
        return found
