"""Firmware Management (C 5.9, 5.19): fetches and installs firmware, uploads diagnostics, and reports on both."""

import re
from collections.abc import Callable
from typing import Literal

from csmsctl.simulator.configuration import Key
from csmsctl.simulator.notice import Notice
from csmsctl.simulator.profiles.profile import Profile, Trigger, profile_answers
from csmsctl.simulator.transfers import Transfer
from csmsd.ocpp.timestamps import format_timestamp, parse_timestamp
from csmsd.ocpp.types import Message
from csmsd.profiles.firmware_management.diagnostics_status_notification import DiagnosticsStatusNotificationReq
from csmsd.profiles.firmware_management.firmware_status_notification import FirmwareStatusNotificationReq
from csmsd.profiles.firmware_management.get_diagnostics import GetDiagnosticsConf, GetDiagnosticsReq
from csmsd.profiles.firmware_management.update_firmware import UpdateFirmwareConf, UpdateFirmwareReq

SECONDS_TO_INSTALL = 3.0
SECONDS_TO_LOOK = 1.0  # between two looks whether it is idle
DEFAULT_RETRY_INTERVAL = 30
KEPT_LINES = 500
_VERSION = re.compile(r"\d+(?:\.\d+)+")

FirmwareStatus = Literal[
    "Downloaded", "DownloadFailed", "Downloading", "Idle", "InstallationFailed", "Installing", "Installed"
]
DiagnosticsStatus = Literal["Idle", "Uploaded", "UploadFailed", "Uploading"]


def version_of_firmware(location: str, running: str) -> str:
    """The version that a file of that name brings; without one in it, the one after the version that runs."""
    name = location.partition("?")[0].rstrip("/").rpartition("/")[2]
    found = _VERSION.search(name)
    if found is not None:
        return found[0]
    head, _, last = running.rpartition(".")
    return f"{head}.{int(last) + 1}"


class FirmwareManagement(Profile):
    """One update and one upload at a time; a new command takes the place of the one before."""

    name = "FirmwareManagement"
    keys = (Key("SupportedFileTransferProtocols", "FTP,HTTP,HTTPS"),)  # CE 3.88

    def prepare(self) -> None:
        if self._watch not in self.charge_point.watchers:
            self.charge_point.watchers.append(self._watch)
            self._firmware: FirmwareStatus = "Idle"
            self._diagnostics: DiagnosticsStatus = "Idle"
            self._unsent: list[Message] = []
            self._lines: list[str] = []
            self._taken_out: list[int] = []  # connectors that were made Unavailable for the installation
            self._update = 0
            self._boots_anew = False  # with firmware that was installed

    def _watch(self, notice: Notice) -> None:
        self._lines = [*self._lines[-KEPT_LINES:], notice.as_text()]
        if notice.event == "registered" and notice.details.get("status") == "Accepted":
            self._in(0.2, "firmware reports", self._registered)
        elif notice.event == "connected":
            self._in(0.2, "firmware reports", self._deliver)

    def _in(self, seconds: float, name: str, action: Callable[[], None]) -> None:
        self.charge_point.timers.at(name, self.charge_point.now + round(seconds * 1000), action)

    # --- reports

    def _report(self, request: Message) -> None:
        """A report that cannot be sent now is sent later, unless the charge point keeps it all to itself."""
        if self.charge_point.faults.spoils("reports"):
            return
        self._unsent.append(request)
        self._deliver()

    def _deliver(self) -> None:
        while self._unsent and self.charge_point.may_send:
            self.charge_point.call(self._unsent.pop(0))

    def _say_firmware(self, status: FirmwareStatus) -> None:
        self._firmware = status
        self.charge_point.tell("firmware", status=status)
        self._report(FirmwareStatusNotificationReq(status=status))

    def _say_diagnostics(self, status: DiagnosticsStatus) -> None:
        self._diagnostics = status
        self.charge_point.tell("diagnostics", status=status)
        self._report(DiagnosticsStatusNotificationReq(status=status))

    # --- firmware

    @profile_answers(UpdateFirmwareReq)
    def update_firmware(self, request: UpdateFirmwareReq) -> UpdateFirmwareConf:
        """C 5.19: not fetched before the retrieve date."""
        self._update += 1
        begin = parse_timestamp(request.retrieve_date) or self.charge_point.clock
        wait = max(0, begin - self.charge_point.clock) / 1000
        number, left = self._update, request.retries or 0
        self._in(wait, "firmware", lambda: self._download(number, request, left))
        return UpdateFirmwareConf()

    def _download(self, number: int, request: UpdateFirmwareReq, left: int) -> None:
        self._say_firmware("Downloading")

        def failed(reason: str) -> None:
            if number != self._update:
                return
            self.charge_point.tell("transfer_failed", reason=reason)
            if left > 0:
                pause = DEFAULT_RETRY_INTERVAL if request.retry_interval is None else request.retry_interval
                self._in(pause, "firmware", lambda: self._download(number, request, left - 1))
            else:
                self._say_firmware("DownloadFailed")

        def done(size: int) -> None:
            if number != self._update:
                return
            self.charge_point.tell("transferred", bytes=size)
            self._say_firmware("Downloaded")
            self._install(request.location)

        if self.charge_point.faults.spoils("download"):
            failed("it was told to fail")
        else:
            self.charge_point.transfers.append(Transfer(request.location, done, failed))

    def _install(self, location: str) -> None:
        """Waits until no transaction runs, meanwhile keeping others from beginning (C 5.19)."""
        connectors = self.charge_point.connectors
        for number, connector in connectors.items():
            if connector.operative and connector.transaction is None and number > 0:
                self._taken_out.append(number)
                connector.set_operative(False)
        if any(connector.transaction is not None for connector in connectors.values()):
            self._in(SECONDS_TO_LOOK, "firmware", lambda: self._install(location))
            return
        self._say_firmware("Installing")
        self._in(SECONDS_TO_INSTALL, "firmware", lambda: self._finish(location))

    def _finish(self, location: str) -> None:
        if self.charge_point.faults.spoils("installation"):
            self._put_back()
            self._say_firmware("InstallationFailed")
            return
        self.charge_point.firmware_version = version_of_firmware(location, self.charge_point.firmware_version)
        self._put_back()
        self._boots_anew = True
        self.charge_point.reboot("Reboot")

    def _put_back(self) -> None:
        for number in self._taken_out:
            self.charge_point.connectors[number].set_operative(True)
        self._taken_out.clear()

    def _registered(self) -> None:
        """It is good practice to say Installed once the new firmware has booted (C 5.19)."""
        self._deliver()
        if self._boots_anew:
            self._boots_anew = False
            self._say_firmware("Installed")

    # --- diagnostics

    @profile_answers(GetDiagnosticsReq)
    def get_diagnostics(self, request: GetDiagnosticsReq) -> GetDiagnosticsConf:
        """C 5.9: what happened here, as one file of text."""
        name = f"{re.sub(r'[^A-Za-z0-9-]', '_', self.charge_point.identity)}-{self.charge_point.clock // 1000}.txt"
        self._in(0, "diagnostics", lambda: self._upload(request, name, request.retries or 0))
        return GetDiagnosticsConf(file_name=name)

    def _upload(self, request: GetDiagnosticsReq, name: str, left: int) -> None:
        self._say_diagnostics("Uploading")

        def failed(reason: str) -> None:
            self.charge_point.tell("transfer_failed", reason=reason)
            if left > 0:
                pause = DEFAULT_RETRY_INTERVAL if request.retry_interval is None else request.retry_interval
                self._in(pause, "diagnostics", lambda: self._upload(request, name, left - 1))
            else:
                self._say_diagnostics("UploadFailed")

        def done(size: int) -> None:
            self.charge_point.tell("transferred", bytes=size)
            self._say_diagnostics("Uploaded")

        if self.charge_point.faults.spoils("upload"):
            failed("it was told to fail")
            return
        url = request.location if not request.location.endswith("/") else request.location + name
        self.charge_point.transfers.append(Transfer(url, done, failed, self._contents()))

    def _contents(self) -> bytes:
        point = self.charge_point
        head = [
            f"charge point: {point.identity}",
            f"firmware: {point.firmware_version}",
            f"time: {format_timestamp(point.clock)}",
        ]
        keys = [
            f"{key.key} = {key.value}" for key in point.configuration.report(None).configuration_key or () if key.value
        ]
        return "\n".join([*head, "", *keys, "", *self._lines, ""]).encode()

    # --- triggers

    def triggers(self) -> dict[str, Trigger]:
        """C 4.4, 4.5: Idle when nothing is under way."""
        return {
            "FirmwareStatusNotification": lambda _: self.charge_point.call(
                FirmwareStatusNotificationReq(
                    status=self._firmware if self._firmware in ("Downloading", "Downloaded", "Installing") else "Idle"
                )
            ),
            "DiagnosticsStatusNotification": lambda _: self.charge_point.call(
                DiagnosticsStatusNotificationReq(status="Uploading" if self._diagnostics == "Uploading" else "Idle")
            ),
        }
