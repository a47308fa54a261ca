"""Firmware Management (C 5.9, 5.19): fetches and installs firmware, uploads diagnostics, and reports on both."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, cast

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
_REPORTED = ("Downloading", "Downloaded", "Installing")
_UPDATING = (*_REPORTED, "SignatureVerified", "InstallScheduled", "InstallRebooting")
_VERSION = re.compile(r"\d+(?:\.\d+)+")

FirmwareStatus = Literal[
    "Downloaded", "DownloadFailed", "Downloading", "Idle", "InstallationFailed", "Installing", "Installed"
]
DiagnosticsStatus = Literal["Idle", "Uploaded", "UploadFailed", "Uploading"]
Report = Callable[[Any], Message | None]  # the message that tells a status; None: there is none


@dataclass(frozen=True)
class UpdateOrder:
    """Firmware to be fetched and installed; `verify` is given the SHA-256 of the file, and says what is wrong."""

    location: str
    retries: int
    retry_interval: int | None
    report: Report
    verify: Callable[[bytes], str | None] | None = None
    install_at: int | None = None  # ms since 1970


@dataclass(frozen=True)
class UploadOrder:
    """A file that is to be brought."""

    location: str
    name: str
    retries: int
    retry_interval: int | None
    report: Report
    content: Callable[[], bytes]
    failure: str = "UploadFailed"


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
            self.firmware = "Idle"
            self.upload = "Idle"
            self._unsent: list[Message] = []
            self._lines: list[str] = []
            self._taken_out: list[int] = []  # connectors that were made Unavailable for the installation
            self._update = self._upload_begun = 0
            self._boots_anew: UpdateOrder | None = None  # with firmware that was installed

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

    def _say_firmware(self, order: UpdateOrder, status: str) -> None:
        self.firmware = status
        self.charge_point.tell("firmware", status=status)
        message = order.report(status)
        if message is not None:
            self._report(message)

    def _say_upload(self, order: UploadOrder, status: str) -> None:
        self.upload = status
        self.charge_point.tell("diagnostics", status=status)
        message = order.report(status)
        if message is not None:
            self._report(message)

    # --- firmware

    @profile_answers(UpdateFirmwareReq)
    def update_firmware(self, request: UpdateFirmwareReq) -> UpdateFirmwareConf:
        """C 5.19: not fetched before the retrieve date."""
        order = UpdateOrder(
            request.location,
            request.retries or 0,
            request.retry_interval,
            lambda status: FirmwareStatusNotificationReq(status=cast(FirmwareStatus, status)),
        )
        self.begin_update(order, parse_timestamp(request.retrieve_date))
        return UpdateFirmwareConf()

    @property
    def updating(self) -> bool:
        """Whether an update is under way."""
        return self.firmware in _UPDATING

    def begin_update(self, order: UpdateOrder, at: int | None) -> None:
        """It takes the place of one that is under way; `at` in ms since 1970."""
        self._update += 1
        wait = max(0, (at or self.charge_point.clock) - self.charge_point.clock) / 1000
        number = self._update
        self._in(wait, "firmware", lambda: self._download(number, order, order.retries))

    def _download(self, number: int, order: UpdateOrder, left: int) -> None:
        self._say_firmware(order, "Downloading")
        digest = hashlib.sha256()

        def failed(reason: str) -> None:
            if number != self._update:
                return
            self.charge_point.tell("transfer_failed", reason=reason)
            if left > 0:
                pause = DEFAULT_RETRY_INTERVAL if order.retry_interval is None else order.retry_interval
                self._in(pause, "firmware", lambda: self._download(number, order, left - 1))
            else:
                self._say_firmware(order, "DownloadFailed")

        def done(size: int) -> None:
            if number != self._update:
                return
            self.charge_point.tell("transferred", bytes=size)
            self._say_firmware(order, "Downloaded")
            if order.verify is not None:
                wrong = order.verify(digest.digest())
                if wrong is not None:
                    self.charge_point.tell("invalid_signature", reason=wrong)
                    self._say_firmware(order, "InvalidSignature")
                    return
                self._say_firmware(order, "SignatureVerified")
            if order.install_at is not None and order.install_at > self.charge_point.clock:
                self._say_firmware(order, "InstallScheduled")
                wait = (order.install_at - self.charge_point.clock) / 1000
                self._in(wait, "firmware", lambda: self._install(order))
                return
            self._install(order)

        if self.charge_point.faults.spoils("download"):
            failed("it was told to fail")
        else:
            self.charge_point.transfers.append(Transfer(order.location, done, failed, each=digest.update))

    def _install(self, order: UpdateOrder) -> None:
        """Waits until no transaction runs, meanwhile keeping others from beginning (C 5.19)."""
        connectors = self.charge_point.connectors
        for number, connector in connectors.items():
            if connector.operative and connector.transaction is None and number > 0:
                self._taken_out.append(number)
                connector.set_operative(False)
        if any(connector.transaction is not None for connector in connectors.values()):
            self._in(SECONDS_TO_LOOK, "firmware", lambda: self._install(order))
            return
        self._say_firmware(order, "Installing")
        self._in(SECONDS_TO_INSTALL, "firmware", lambda: self._finish(order))

    def _finish(self, order: UpdateOrder) -> None:
        if self.charge_point.faults.spoils("installation"):
            self._put_back()
            self._say_firmware(order, "InstallationFailed")
            return
        self.charge_point.firmware_version = version_of_firmware(order.location, self.charge_point.firmware_version)
        self._put_back()
        self._boots_anew = order
        if order.verify is not None:
            self._say_firmware(order, "InstallRebooting")
        self.charge_point.reboot("Reboot")

    def _put_back(self) -> None:
        for number in self._taken_out:
            self.charge_point.connectors[number].set_operative(True)
        self._taken_out.clear()

    def _registered(self) -> None:
        """It is good practice to say Installed once the new firmware has booted (C 5.19)."""
        self._deliver()
        order, self._boots_anew = self._boots_anew, None
        if order is not None:
            self._say_firmware(order, "Installed")

    # --- diagnostics

    @profile_answers(GetDiagnosticsReq)
    def get_diagnostics(self, request: GetDiagnosticsReq) -> GetDiagnosticsConf:
        """C 5.9: what happened here, as one file of text."""
        order = UploadOrder(
            request.location,
            self.name_of_file("diagnostics"),
            request.retries or 0,
            request.retry_interval,
            lambda status: DiagnosticsStatusNotificationReq(status=cast(DiagnosticsStatus, status)),
            self.contents,
        )
        self.begin_upload(order)
        return GetDiagnosticsConf(file_name=order.name)

    def name_of_file(self, kind: str) -> str:
        """What an upload of now is called."""
        identity = re.sub(r"[^A-Za-z0-9-]", "_", self.charge_point.identity)
        return f"{identity}-{self.charge_point.clock // 1000}{'' if kind == 'diagnostics' else '-' + kind}.txt"

    def begin_upload(self, order: UploadOrder) -> None:
        """It takes the place of one that is under way, of which nothing more is said (N01.FR.11)."""
        self._upload_begun += 1
        number = self._upload_begun
        self._in(0, "diagnostics", lambda: self._upload(number, order, order.retries))

    def _upload(self, number: int, order: UploadOrder, left: int) -> None:
        self._say_upload(order, "Uploading")

        def failed(reason: str) -> None:
            if number != self._upload_begun:
                return
            self.charge_point.tell("transfer_failed", reason=reason)
            if left > 0:
                pause = DEFAULT_RETRY_INTERVAL if order.retry_interval is None else order.retry_interval
                self._in(pause, "diagnostics", lambda: self._upload(number, order, left - 1))
            else:
                self._say_upload(order, order.failure)

        def done(size: int) -> None:
            if number != self._upload_begun:
                return
            self.charge_point.tell("transferred", bytes=size)
            self._say_upload(order, "Uploaded")

        if self.charge_point.faults.spoils("upload"):
            failed("it was told to fail")
            return
        url = order.location if not order.location.endswith("/") else order.location + order.name
        self.charge_point.transfers.append(Transfer(url, done, failed, order.content()))

    def contents(self) -> bytes:
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
                    status=cast(FirmwareStatus, self.firmware if self.firmware in _REPORTED else "Idle")
                )
            ),
            "DiagnosticsStatusNotification": lambda _: self.charge_point.call(
                DiagnosticsStatusNotificationReq(status="Uploading" if self.upload == "Uploading" else "Idle")
            ),
        }
