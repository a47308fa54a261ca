"""File transfers of simulated charge points: what is wanted is pure, `carry_out` does it and blocks."""

import ftplib
import io
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

TIMEOUT = 30.0
_PIECE = 64 * 1024


class TransferFailed(Exception):
    """The text says why."""


@dataclass(frozen=True)
class Transfer:
    """A file to fetch, or with `content` one to bring; `then` is told its size, `failed` the reason.

    `each` is given what is fetched, piece by piece and in another thread.
    """

    url: str
    then: Callable[[int], None]
    failed: Callable[[str], None]
    content: bytes | None = None
    each: Callable[[bytes], None] = lambda piece: None


def carry_out_transfer(transfer: Transfer) -> int:
    """The size of what went over the line. Raises TransferFailed."""
    parts = urlsplit(transfer.url)
    try:
        if parts.scheme in ("http", "https"):
            return _http_transfer(transfer)
        if parts.scheme == "ftp":
            return _ftp_transfer(transfer)
    except (OSError, EOFError, ftplib.Error, ValueError) as error:
        raise TransferFailed(str(error) or type(error).__name__) from error
    raise TransferFailed(f"{parts.scheme or 'nothing'} is not supported")


def _http_transfer(transfer: Transfer) -> int:
    request = urllib.request.Request(transfer.url, data=transfer.content)  # noqa: S310 - the scheme was looked at
    if transfer.content is not None:
        request.method = "PUT"
        request.add_header("Content-Type", "application/octet-stream")
    # Charge points know no proxy.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=TIMEOUT) as response:
        size = 0
        while piece := response.read(_PIECE):
            size += len(piece)
            transfer.each(piece)
    return size if transfer.content is None else len(transfer.content)


def _ftp_transfer(transfer: Transfer) -> int:
    parts = urlsplit(transfer.url)
    size = 0

    def count(piece: bytes) -> None:
        nonlocal size
        size += len(piece)
        if transfer.content is None:
            transfer.each(piece)

    with ftplib.FTP(timeout=TIMEOUT) as client:  # noqa: S321 - many charge points know nothing else
        client.connect(parts.hostname or "", parts.port or 21)
        client.login(unquote(parts.username or "anonymous"), unquote(parts.password or "anonymous"))
        path = unquote(parts.path)
        if transfer.content is None:
            client.retrbinary(f"RETR {path}", count)
        else:
            client.storbinary(f"STOR {path}", io.BytesIO(transfer.content), callback=count)
    return size
