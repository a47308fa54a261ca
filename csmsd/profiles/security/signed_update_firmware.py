"""SignedUpdateFirmware (whitepaper 5.21, L01): have a charge point fetch, verify and install signed firmware."""

from base64 import b64decode, b64encode
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from csmsd.ocpp.timestamps import parse_timestamp
from csmsd.ocpp.types import DateTime, Integer, Message
from csmsd.profiles.action import Effect, Operation, Outgoing, Steps, Target
from csmsd.profiles.firmware_management.locations_and_times import (
    FirmwareLocation,
    HostedImage,
    ProtocolOption,
    Retries,
    RetrieveDate,
    RetryInterval,
    host_of_location,
    time_given_as_ocpp,
)
from csmsd.profiles.firmware_management.ordered_updates import (
    UPDATE_EFFECTS,
    accepted_update,
    location_of_update,
    objection_to_update,
    ordered_update,
)
from csmsd.profiles.record import Change, Event
from csmsd.profiles.refusal import CannotSend

_REASONS = {
    "Rejected": "it refused the update",
    "InvalidCertificate": "it does not trust the signing certificate; install its root: "
    "csmsctl install-certificate --type manufacturer",
    "RevokedCertificate": "the signing certificate is revoked",
}
SigningCertificate = Annotated[str, Meta(max_length=5500)]
Signature = Annotated[str, Meta(max_length=800)]


class Firmware(Message, kw_only=True):
    """The image, where it is, and what proves whose it is (6.7)."""

    location: Annotated[str, Meta(max_length=512)]
    retrieve_date_time: DateTime
    install_date_time: DateTime | None = None
    signing_certificate: SigningCertificate
    signature: Signature


class SignedUpdateFirmwareReq(Message, kw_only=True):
    retries: Integer | None = None
    retry_interval: Integer | None = None
    request_id: Integer
    firmware: Firmware


class SignedUpdateFirmwareConf(Message, kw_only=True):
    status: Literal["Accepted", "Rejected", "AcceptedCanceled", "InvalidCertificate", "RevokedCertificate"]


def _check(request: SignedUpdateFirmwareReq, target: Target) -> str | None:
    return objection_to_update(request.firmware.location, target)


def _intend(request: SignedUpdateFirmwareReq, target: Target) -> tuple[list[Change], list[Event]]:
    firmware = request.firmware
    install = firmware.install_date_time
    return ordered_update(
        target,
        firmware.location,
        request.retries,
        parse_timestamp(firmware.retrieve_date_time),
        parse_timestamp(install) if install is not None else None,
    )


def _settle(
    request: SignedUpdateFirmwareReq, confirmation: SignedUpdateFirmwareConf, target: Target
) -> tuple[list[Change], list[Event]]:
    """AcceptedCanceled: the one before it is over (L01.FR.26). What is refused leaves that one as it is."""
    if confirmation.status in ("Accepted", "AcceptedCanceled"):
        return accepted_update(target)
    update = target.site.firmware.updates.get(target.task)
    if update is not None:
        update.error = _REASONS.get(confirmation.status, confirmation.status[:50])
    return target.site.firmware.updates.unconfirmed(target.task, "call_error", target.now)


def _unconfirmed(request: SignedUpdateFirmwareReq, outcome: str, target: Target) -> tuple[list[Change], list[Event]]:
    return target.site.firmware.updates.unconfirmed(target.task, outcome, target.now)


def _why(request: SignedUpdateFirmwareReq, confirmation: SignedUpdateFirmwareConf, target: Target) -> str | None:
    return _REASONS.get(confirmation.status)


OUTGOING = Outgoing(
    SignedUpdateFirmwareReq,
    SignedUpdateFirmwareConf,
    accepted=frozenset({"Accepted", "AcceptedCanceled"}),
    check=_check,
    settle=_settle,
    intend=_intend,
    unconfirmed=_unconfirmed,
    why=_why,
    needs=lambda request, target: host_of_location(request.firmware.location, target),
    numbered="request_id",
)


class SignedUpdateFirmware(Operation, kw_only=True):
    """Have a charge point fetch signed firmware, verify it and install it.

    The signature is of the file (SHA-256): given, or made with the key of the signing certificate, which is never sent
    to csmsd. What comes of it is followed: csmsctl firmware status, or --wait.
    """

    command: ClassVar[str] = "signed-update-firmware"
    example: ClassVar[str] = (
        "csmsctl signed-update-firmware CP1 --file acme-2.1.bin --signing-certificate signing.pem "
        "--signature acme-2.1.sig --wait"
    )
    question: ClassVar[str | None] = (
        "Each is out of service while it installs, all at once (in stages: csmsctl firmware rollout). Update {targets}?"
    )
    effects: ClassVar[tuple[Effect, ...]] = UPDATE_EFFECTS

    signing_certificate: Annotated[
        SigningCertificate,
        Meta(description="Certificate of the signature, PEM", extra={"metavar": "FILE", "file": "pem"}),
    ]
    location: FirmwareLocation | None = None
    file: HostedImage | None = None
    signature: (
        Annotated[
            Signature,
            Meta(description="Its signature, binary or base64", extra={"metavar": "FILE", "file": "base64"}),
        ]
        | None
    ) = None
    sign_with: (
        Annotated[
            str,
            Meta(
                description="Key of the signing certificate, to sign what csmsd hosts",
                extra={"metavar": "FILE", "file": "key"},
            ),
        ]
        | None
    ) = None
    padding: (
        Annotated[Literal["pss", "pkcs1"], Meta(description="How an RSA key signs (pss)", extra={"file": "padding"})]
        | None
    ) = None
    bad_signature: Annotated[bool, Meta(description="Send a signature that is wrong, to see it refused")] = False
    install_date: (
        Annotated[str, Meta(description="Not to be installed before (at once)", extra={"metavar": "WHEN"})] | None
    ) = None
    retrieve_date: RetrieveDate | None = None
    retries: Retries | None = None
    retry_interval: RetryInterval | None = None
    protocol: ProtocolOption | None = None

    def steps(self, target: Target) -> Steps:
        if self.sign_with is not None or self.padding is not None:
            raise CannotSend("A key is never sent to csmsd: it signs where it lies.")
        if self.signature is None and not self.bad_signature:
            raise CannotSend("Signed firmware has a signature: --signature FILE, or --sign-with KEY.")
        signature = spoilt_signature(self.signature) if self.bad_signature else self.signature
        assert signature is not None
        yield SignedUpdateFirmwareReq(
            retries=self.retries,
            retry_interval=self.retry_interval,
            request_id=0,
            firmware=Firmware(
                location=location_of_update(self.location, self.file, self.protocol, target),
                retrieve_date_time=time_given_as_ocpp(self.retrieve_date, target.now) or "",
                install_date_time=time_given_as_ocpp(self.install_date),
                signing_certificate=self.signing_certificate,
                signature=signature,
            ),
        )


def spoilt_signature(signature: str | None) -> str:
    """A wrong one of the same length and form (TC_081)."""
    try:
        good = b64decode(signature, validate=True) if signature is not None else bytes(256)
    except ValueError:
        good = bytes(256)
    good = good or bytes(256)
    return b64encode(good[:-1] + bytes([good[-1] ^ 0x55])).decode()
