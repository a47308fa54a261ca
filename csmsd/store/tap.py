"""The way of OCPP messages to their log and to those who watch it; secrets go no further than here."""

import logging
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from csmsd.ocpp.json_text import encode_json
from csmsd.ocpp.secrets import masked_secrets, may_hold_secret
from csmsd.ports.live_site import Clock
from csmsd.settings.sections import Store
from csmsd.store.message_log.listings import LoggedMessage
from csmsd.store.message_log.log import MessageLog

log = logging.getLogger(__name__)

_LONGEST_LOOKED_THROUGH = 128 * 1024  # bytes; what is longer is not taken apart for the log


class Tap:
    """Every OCPP message passes here (`ports.store.MessageTap`)."""

    def __init__(self, log: MessageLog, settings: Store, clock: Clock) -> None:
        self._log = log
        self._settings = settings
        self._clock = clock
        self.subscribers: dict[int, Callable[[Any], None]] = {}

    def __call__(self, charge_point: str, direction: Literal["in", "out"], text: bytes | str) -> None:
        if not self._settings.message_log:
            return
        raw = text if isinstance(text, bytes) else text.encode()
        if may_hold_secret(raw):
            raw = _without_secrets(raw)
        at = self._clock()
        number = self._log.add_message(at, charge_point, direction, raw)
        if number is not None and self.subscribers:
            message = LoggedMessage(number, at, charge_point, direction, raw.decode(errors="replace"))
            for subscriber in list(self.subscribers.values()):
                try:
                    subscriber(message)
                except Exception:  # one watcher's mistake must not end the charge point's connection
                    log.exception("one of those who watch could not take a message of %s", charge_point)


def _without_secrets(text: bytes) -> bytes:
    if len(text) > _LONGEST_LOOKED_THROUGH:
        return b"(not logged: %d bytes, and it may hold a secret)" % len(text)
    try:
        return encode_json(masked_secrets(msgspec.json.decode(text)))
    except (ValueError, RecursionError):
        return b"(not logged: unreadable, and it may hold a secret)"
