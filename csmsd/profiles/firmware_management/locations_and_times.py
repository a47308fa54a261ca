"""What the commands that move files share: locations, times, and why a charge point could not use them."""

from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta

from csmsd.ocpp.timestamps import format_timestamp, parse_timestamp
from csmsd.profiles.action import Target
from csmsd.profiles.firmware_management.hosting import Hosting
from csmsd.profiles.firmware_management.hosting import Protocol as Protocol
from csmsd.profiles.refusal import CannotSend

PROTOCOLS_KEY = "SupportedFileTransferProtocols"  # CE 3.88

Retries = Annotated[int, Meta(description="How often it may try again", ge=0, le=1000)]
RetryInterval = Annotated[
    int, Meta(description="Between two tries: 90s, 5m", ge=0, le=604_800, extra={"metavar": "DURATION"})
]
ProtocolOption = Annotated[
    Protocol, Meta(description="Protocol of the URL when csmsd hosts the file (what the charge point supports)")
]

FirmwareLocation = Annotated[str, Meta(description="Where the charge point fetches it", extra={"metavar": "URL"})]
HostedImage = Annotated[
    str,
    Meta(
        description="Image that csmsd hosts; see csmsctl firmware list",
        extra={"metavar": "NAME", "complete": "firmware"},
    ),
]
RetrieveDate = Annotated[str, Meta(description="Not to be fetched before (now)", extra={"metavar": "WHEN"})]
UploadLocation = Annotated[str, Meta(description="Directory to upload to (csmsd itself)", extra={"metavar": "URL"})]
LogSince = Annotated[str, Meta(description="Nothing older than this", extra={"metavar": "WHEN"})]
LogUntil = Annotated[str, Meta(description="Nothing newer than this", extra={"metavar": "WHEN"})]


def time_given_as_ocpp(text: str | None, default: int | None = None) -> str | None:
    """A time option as OCPP writes it."""
    if text is None:
        return None if default is None else format_timestamp(default)
    moment = parse_timestamp(text)
    if moment is None:
        raise CannotSend(f"{text!r} is no time. Write it as 2026-12-31T23:59:59Z.")
    return format_timestamp(moment)


def hosted_location(target: Target, protocol: Protocol | None, name: str, otherwise: str) -> str:
    """A URL on our own host. Raises CannotSend when there is none."""
    hosting: Hosting | None = target.site.firmware.hosting
    if hosting is None:
        raise CannotSend(
            "csmsd hosts no files: set files.on_demand = true, or files.http_listen or files.ftp_listen, in csmsd.toml "
            f"and restart it, or {otherwise}."
        )
    chosen = hosting.choose(protocol, target.charge_point.configured_words(PROTOCOLS_KEY))
    if chosen is None:
        raise CannotSend(f"csmsd does not host files over {protocol}; see files.{protocol}_listen in csmsd.toml.")
    return hosting.url(chosen, target.charge_point.reached_at, name)


def host_of_location(location: str, target: Target) -> Protocol | None:
    """The file host of ours that a location leads to."""
    hosting = target.site.firmware.hosting
    return hosting.protocol_of(location) if hosting is not None else None


def unusable_location(location: str, target: Target) -> str | None:
    """Why the charge point could not use a location (the URL decides the protocol: C 5.9, 5.19), or None."""
    try:
        parts = urlsplit(location)
    except ValueError:
        return "the location is no URL"
    if not parts.scheme or not parts.netloc:
        return "the location is no URL, as ftp://host/file is"
    supported = target.charge_point.configured_words(PROTOCOLS_KEY)
    if supported is not None and parts.scheme.casefold() not in supported:
        return f"the charge point supports {target.charge_point.configured(PROTOCOLS_KEY)} only ({PROTOCOLS_KEY})"
    return None
