"""The security extension (whitepaper, edition 2): the security log, logs that are fetched, signed firmware."""

from typing import cast

from csmsctl.simulator.configuration import Key, integer_configuration
from csmsctl.simulator.notice import Notice
from csmsctl.simulator.profiles.firmware_management import FirmwareManagement, UpdateOrder, UploadOrder
from csmsctl.simulator.profiles.profile import Profile, Trigger, profile_answers
from csmsd.ocpp.timestamps import format_timestamp, parse_timestamp
from csmsd.ocpp.types import Message
from csmsd.profiles.security.certificate_hash_data import CertificateUse
from csmsd.profiles.security.certificate_signed import CertificateSignedConf, CertificateSignedReq
from csmsd.profiles.security.delete_certificate import DeleteCertificateConf, DeleteCertificateReq
from csmsd.profiles.security.extended_trigger_message import ExtendedTriggerMessageConf, ExtendedTriggerMessageReq
from csmsd.profiles.security.get_installed_certificate_ids import (
    GetInstalledCertificateIdsConf,
    GetInstalledCertificateIdsReq,
)
from csmsd.profiles.security.get_log import GetLogConf, GetLogReq
from csmsd.profiles.security.install_certificate import InstallCertificateConf, InstallCertificateReq
from csmsd.profiles.security.log_status_notification import LogStatus, LogStatusNotificationReq
from csmsd.profiles.security.security_event_notification import SecurityEventNotificationReq
from csmsd.profiles.security.sign_certificate import SignCertificateConf, SignCertificateReq
from csmsd.profiles.security.signed_firmware_status_notification import (
    SignedFirmwareStatus,
    SignedFirmwareStatusNotificationReq,
)
from csmsd.profiles.security.signed_update_firmware import SignedUpdateFirmwareConf, SignedUpdateFirmwareReq

KEPT_EVENTS = 500
SECONDS_TO_TELL_AGAIN = 300
CENTRAL: CertificateUse = "CentralSystemRootCertificate"
# Section 8: what is told to the Central System, and not only logged.
_CRITICAL = frozenset(
    {
        "FirmwareUpdated",
        "SettingSystemTime",
        "StartupOfTheDevice",
        "ResetOrReboot",
        "SecurityLogWasCleared",
        "MemoryExhaustion",
        "TamperDetectionActivated",
        # Not critical there, but told all the same by the use cases (A02.FR.07, L01.FR.02, FR.03).
        "InvalidChargePointCertificate",
        "InvalidCentralSystemCertificate",
        "InvalidFirmwareSignature",
        "InvalidFirmwareSigningCertificate",
    }
)


class Security(Profile):
    """What happened to the charge point's security is kept in a log, and the worst of it told."""

    name = ""  # SupportedFeatureProfiles knows no such profile
    keys = (
        Key("AdditionalRootCertificateCheck", "false"),
        Key("CertificateSignedMaxChainSize", "10000"),
        Key("CertificateStoreMaxLength", "10"),
        Key("CpoName", "", lambda value: len(value) <= 64),
        Key("SecurityProfile", "0", integer_configuration(0, 3)),
    )

    def prepare(self) -> None:
        if self._watch not in self.charge_point.watchers:
            self.charge_point.watchers.append(self._watch)
            self._log: list[str] = []
            self._unsent: list[SecurityEventNotificationReq] = []
            self._waits = False  # for the answer to one
            self._log_number: int | None = None  # requestId of the newest GetLog
            self._update_number: int | None = None
            self._asked_for: tuple[str, str] | None = None  # the key of a request, and the name in it
            self._profile = self.charge_point.configuration.text("SecurityProfile")
            self._fallback_root: str | None = None  # that the newest one replaces as soon as it has let it connect
            self._before: str | None = None  # the profile to fall back to, until the new one has connected
            self.charge_point.configuration.vetoes.append(self._forbids)
            self.charge_point.configuration.changed.append(self._changed)

    @property
    def _files(self) -> FirmwareManagement:
        return next(known for known in self.charge_point.profiles if isinstance(known, FirmwareManagement))

    # --- security events (A04)

    def _watch(self, notice: Notice) -> None:
        if notice.event == "reboots":
            self.happened("ResetOrReboot", str(notice.details.get("reason")))
        elif notice.event == "firmware" and notice.details.get("status") == "Installed":
            self.happened("FirmwareUpdated", self.charge_point.firmware_version)
        elif notice.event == "connected":
            if self._before is not None:
                self._before = None
                self.happened("ReconfigurationOfSecurityParameters", f"security profile {self._profile}")
            self._let_go_of_fallback_root()
            self.charge_point.timers.at("security events", self.charge_point.now + 200, self._deliver)

    def happened(self, kind: str, info: str | None = None) -> None:
        """Logs a security event, and tells it to the Central System where it is critical."""
        point = self.charge_point
        time = format_timestamp(point.clock)
        self._log = [*self._log[-KEPT_EVENTS:], f"{time} {kind}{f': {info}' if info else ''}"]
        point.tell("security_event", type=kind, info=info)
        if kind in _CRITICAL:
            self._unsent.append(SecurityEventNotificationReq(type=kind, timestamp=time, tech_info=info))
            self._deliver()

    def _deliver(self) -> None:
        """One after the other, each until it was confirmed (A04.FR.02)."""
        if not self._unsent or self._waits or not self.charge_point.may_send:
            return
        self._waits = True
        self.charge_point.call(self._unsent[0], self._delivered, self._not_delivered)

    def _delivered(self, confirmation: Message) -> None:
        self._waits = False
        self._unsent.pop(0)
        self._deliver()

    def _not_delivered(self, reason: str) -> None:
        self._waits = False
        point = self.charge_point
        point.timers.at("security events", point.now + SECONDS_TO_TELL_AGAIN * 1000, self._deliver)

    # --- logs (N01)

    @profile_answers(GetLogReq)
    def get_log(self, request: GetLogReq) -> GetLogConf:
        canceled = self._files.upload == "Uploading"
        number = self._log_number = request.request_id
        secure = request.log_type == "SecurityLog"
        name = self._files.name_of_file("security" if secure else "diagnostics")
        order = UploadOrder(
            request.log.remote_location,
            name,
            request.retries or 0,
            request.retry_interval,
            lambda status: LogStatusNotificationReq(status=cast(LogStatus, status), request_id=number),
            (lambda: "\n".join([*self._log, ""]).encode()) if secure else self._files.contents,
            failure="UploadFailure",
        )
        self._files.begin_upload(order)
        return GetLogConf(status="AcceptedCanceled" if canceled else "Accepted", filename=name)

    # --- signed firmware (L01)

    @profile_answers(SignedUpdateFirmwareReq)
    def signed_update_firmware(self, request: SignedUpdateFirmwareReq) -> SignedUpdateFirmwareConf:
        """L01.FR.23: the certificate is looked at before the answer, the signature when the file is there."""
        from csmsctl.link.certificates import problem_of_signature, problem_of_signing_certificate

        firmware, number = request.firmware, request.request_id
        wrong = problem_of_signing_certificate(
            firmware.signing_certificate,
            self.charge_point.tls.roots.get("ManufacturerRootCertificate", []),
            self.charge_point.clock,
        )
        if wrong is not None:
            self.happened("InvalidFirmwareSigningCertificate", wrong)
            return SignedUpdateFirmwareConf(status="InvalidCertificate")

        def verify(digest: bytes) -> str | None:
            problem = problem_of_signature(firmware.signing_certificate, firmware.signature, digest)
            if problem is not None:
                self.happened("InvalidFirmwareSignature", problem)
            return problem

        canceled, self._update_number = self._files.updating, number
        install = firmware.install_date_time
        order = UpdateOrder(
            firmware.location,
            request.retries or 0,
            request.retry_interval,
            lambda status: SignedFirmwareStatusNotificationReq(
                status=cast(SignedFirmwareStatus, status), request_id=number
            ),
            verify,
            parse_timestamp(install) if install is not None else None,
        )
        self._files.begin_update(order, parse_timestamp(firmware.retrieve_date_time))
        return SignedUpdateFirmwareConf(status="AcceptedCanceled" if canceled else "Accepted")

    # --- security profiles (A05)

    def _forbids(self, name: str, value: str) -> bool:
        """A05.FR.01 to FR.04: only a higher one, and with all that it needs."""
        if name != "SecurityProfile":
            return False
        wanted, point = int(value), self.charge_point
        missing = (
            wanted <= int(self._profile)
            or (wanted in (1, 2) and point.password is None)
            or (wanted in (2, 3) and not point.tls.roots.get(CENTRAL))
            or (wanted == 3 and point.tls.certificate is None)
        )
        return missing

    def _changed(self, name: str) -> None:
        if name == "SecurityProfile":
            self._before, self._profile = self._profile, self.charge_point.configuration.text(name)
            self.charge_point.reconnect()

    def not_connected(self, problem: str) -> bool:
        """A05.FR.08: it goes back to the profile of before."""
        if self._before is None:
            return False
        self.happened("InvalidCentralSystemCertificate", f"security profile {self._profile}: {problem}"[:255])
        self.charge_point.tell("fell_back", profile=self._before, problem=problem)
        self._profile, self._before = self._before, None
        self.charge_point.configuration.put("SecurityProfile", self._profile)
        return True

    # --- root certificates (M03 to M05)

    @profile_answers(GetInstalledCertificateIdsReq)
    def get_installed_certificate_ids(self, request: GetInstalledCertificateIdsReq) -> GetInstalledCertificateIdsConf:
        from csmsctl.link.certificates import hash_data_of

        found = [hash_data_of(pem) for pem in self.charge_point.tls.roots.get(request.certificate_type, [])]
        if not found:
            return GetInstalledCertificateIdsConf(status="NotFound")
        return GetInstalledCertificateIdsConf(status="Accepted", certificate_hash_data=found)

    @profile_answers(InstallCertificateReq)
    def install_certificate(self, request: InstallCertificateReq) -> InstallCertificateConf:
        from csmsctl.link.certificates import is_issued_by, problem_of_root

        point, use = self.charge_point, request.certificate_type
        known = self.charge_point.tls.roots.setdefault(use, [])
        wrong = problem_of_root(request.certificate, point.clock)
        kept = sum(map(len, self.charge_point.tls.roots.values()))
        if wrong is None and kept >= point.configuration.integer("CertificateStoreMaxLength"):
            return InstallCertificateConf(status="Rejected")  # M05.FR.03: nothing is wrong with it
        replaces = point.configuration.boolean("AdditionalRootCertificateCheck") and use.startswith("Central")
        if wrong is None and replaces and known and not is_issued_by(request.certificate, known[-1]):
            wrong = "it is not signed by the one that it replaces"
        if wrong is not None:
            event = "InvalidCentralSystemCertificate" if use.startswith("Central") else "InvalidMessages"
            self.happened(event, wrong)
            return InstallCertificateConf(status="Rejected")
        if request.certificate not in known:
            self.charge_point.tls.roots[use] = (
                [*known[-1:], request.certificate] if replaces else [*known, request.certificate]
            )
            if replaces and known:
                self._fallback_root = known[-1]  # M05.FR.11
        self.happened("ReconfigurationOfSecurityParameters", use)
        return InstallCertificateConf(status="Accepted")

    def _let_go_of_fallback_root(self) -> None:
        """M05.FR.12. Both have the same key: what one finds good, so does the other."""
        if self._fallback_root is not None and self.charge_point.tls.wanted:
            kept = self.charge_point.tls.roots[CENTRAL]
            self.charge_point.tls.roots[CENTRAL] = [root for root in kept if root != self._fallback_root] or kept
            self._fallback_root = None

    @profile_answers(DeleteCertificateReq)
    def delete_certificate(self, request: DeleteCertificateReq) -> DeleteCertificateConf:
        """Named exactly as it was reported."""
        from csmsctl.link.certificates import hash_data_of

        for use, known in self.charge_point.tls.roots.items():
            for pem in known:
                if hash_data_of(pem) == request.certificate_hash_data:
                    if self.holds_connection(use, pem):
                        return DeleteCertificateConf(status="Failed")  # M04.FR.06
                    self.charge_point.tls.roots[use] = [other for other in known if other != pem]
                    self.happened("ReconfigurationOfSecurityParameters", use)
                    return DeleteCertificateConf(status="Accepted")
        return DeleteCertificateConf(status="NotFound")

    def holds_connection(self, use: CertificateUse, pem: str) -> bool:
        """Whether the connection of now is checked with this root."""
        return use == CENTRAL and self.charge_point.tls.wanted and self.charge_point.tls.roots.get(use) == [pem]

    # --- a certificate of its own (A02)

    def ask_for_certificate(self) -> None:
        """Makes a new key, and asks for its certificate; the private key never leaves."""
        from csmsctl.link.certificates import new_key_and_request

        point = self.charge_point
        name = point.faults.own_name(point.identity[:25])
        key, csr = new_key_and_request(name, point.configuration.text("CpoName"))
        self._asked_for = key, name
        point.call(SignCertificateReq(csr=csr), self._certificate_promised)

    def _certificate_promised(self, confirmation: SignCertificateConf) -> None:
        self.charge_point.tell("certificate_asked", status=confirmation.status)

    @profile_answers(CertificateSignedReq)
    def certificate_signed(self, request: CertificateSignedReq) -> CertificateSignedConf:
        from csmsctl.link.certificates import problem_of_chain

        point = self.charge_point
        wrong: str | None = "none was asked for"
        if self._asked_for is not None:
            key, name = self._asked_for
            roots, organization = self.charge_point.tls.roots.get(CENTRAL, []), point.configuration.text("CpoName")
            wrong = problem_of_chain(request.certificate_chain, roots, key, name, organization, point.clock)
            if wrong is None:
                self.charge_point.tls.certificate, self._asked_for = (request.certificate_chain, key), None
        point.tell("certificate", problem=wrong)
        if wrong is not None:
            self.happened("InvalidChargePointCertificate", wrong)
        return CertificateSignedConf(status="Accepted" if wrong is None else "Rejected")

    # --- triggers

    @profile_answers(ExtendedTriggerMessageReq)
    def extended_trigger_message(self, request: ExtendedTriggerMessageReq) -> ExtendedTriggerMessageConf:
        point = self.charge_point
        if request.connector_id is not None and request.connector_id not in point.connectors:
            return ExtendedTriggerMessageConf(status="Rejected")
        own = self._extended_triggers()
        others = {name: trigger for profile in point.profiles for name, trigger in profile.triggers().items()}
        trigger = own.get(request.requested_message) or others.get(request.requested_message)
        if trigger is None and request.requested_message == "SignChargePointCertificate":
            return ExtendedTriggerMessageConf(status="Rejected")
        if trigger is None:
            return ExtendedTriggerMessageConf(status="NotImplemented")
        trigger(request.connector_id)
        return ExtendedTriggerMessageConf(status="Accepted")

    def _extended_triggers(self) -> dict[str, Trigger]:
        """N01.FR.12, L01.FR.21: the number is left out where nothing is under way."""
        files = self._files

        def log_status(_: int | None) -> None:
            uploading = files.upload == "Uploading"
            self.charge_point.call(
                LogStatusNotificationReq(
                    status="Uploading" if uploading else "Idle", request_id=self._log_number if uploading else None
                )
            )

        def firmware_status(_: int | None) -> None:
            status = cast(SignedFirmwareStatus, files.firmware if files.updating else "Idle")
            number = self._update_number if files.updating else None
            self.charge_point.call(SignedFirmwareStatusNotificationReq(status=status, request_id=number))

        found: dict[str, Trigger] = {
            "LogStatusNotification": log_status,
            "FirmwareStatusNotification": firmware_status,
        }
        if self.charge_point.configuration.text("CpoName"):  # A02.FR.13: without it there is no request
            found["SignChargePointCertificate"] = lambda _: self.ask_for_certificate()
        return found
