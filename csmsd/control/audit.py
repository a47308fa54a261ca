"""The audit: every command is kept before it is carried out, and every refusal, with uid, user and socket."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import msgspec

from csmsd.live_site import Done, LiveSite
from csmsd.ports.store import NotStored
from csmsd.profiles.audit import Audited
from csmsd.profiles.record import Data, Event

log = logging.getLogger(__name__)

# Parameters that say what a command is about. All others may hold what nobody is to read: passwords, keys, notes.
_TELLING = (
    "targets", "charge_point", "id", "ids", "name", "kind", "before", "action", "file", "backup", "connector", "path",
    "circuit", "limit", "until",
)  # fmt: skip
_TELLING_OF_OCPP = ("connector", "transaction", "tag", "id", "type", "message", "file")  # of a command's own parameters
_LONGEST = 300  # characters
_MOST_PARTS = 20  # of a list
_WITHIN_MS = 3_600_000  # a refusal that comes again by then is the same one
_ONCE_A_SECONDS = 1.0  # how often a refusal that comes again and again is written
_MOST_REFUSALS = 1_000  # that are remembered as the same


class Who(Protocol):
    """Who asks, and by which socket."""

    @property
    def uid(self) -> int | None: ...
    @property
    def user(self) -> str | None: ...
    @property
    def socket(self) -> str: ...


class Audit:
    """What nobody gives a command past.

    A full disk keeps nobody from stopping a transaction: then csmsd's log alone has it, which has all of it anyway.
    """

    def __init__(self, live: LiveSite, last: int) -> None:
        self._live = live
        self._last = last
        self._refusals: dict[tuple[object, ...], Audited] = {}
        self._to_write: set[int] = set()  # numbers of refusals that were repeated since

    def given(self, who: Who, command: str, parameters: object) -> None:
        """On disk no later than anything that comes of it, and in the same commit where something is kept of it."""
        entry = self._entry(who, command, _what_is_told(parameters), refused=False)
        log.info("%s gives %s", _named(entry), _command(entry))
        self._live.submit_along([entry], self._stored(entry))

    def carried_out(self) -> None:
        """Also of what nothing was kept."""
        self._live.no_longer_along()

    def refused(self, who: Who, command: str, parameters: object) -> None:
        """Told once, then how often: who is refused decides how often that is. `parameters` may be as they came."""
        now = self._live.now()
        key = (who.uid, who.socket, command)
        known = self._refusals.get(key)
        if known is not None and now - known.time < _WITHIN_MS:
            known.times += 1
            known.last_time = now
            if known.id not in self._to_write:
                self._to_write.add(known.id)
                asyncio.get_running_loop().call_later(_ONCE_A_SECONDS, self._write_again, known)
            return
        entry = self._entry(who, command, _what_is_told(parameters), refused=True)
        log.warning("%s is refused %s", _named(entry), _command(entry))
        if known is None and len(self._refusals) >= _MOST_REFUSALS:
            self._refusals.pop(next(iter(self._refusals)))
        self._refusals[key] = entry
        self._keep(msgspec.structs.replace(entry))
        told: Data = {name: getattr(entry, name) for name in ("uid", "user", "socket", "command", "about")}
        self._live.tell(Event("command.refused", None, told))

    def _write_again(self, entry: Audited) -> None:
        self._to_write.discard(entry.id)
        self._keep(msgspec.structs.replace(entry))

    def _entry(self, who: Who, command: str, about: str, *, refused: bool) -> Audited:
        self._last += 1
        now = self._live.now()
        return Audited(
            id=self._last,
            time=now,
            last_time=now,
            uid=who.uid,
            user=who.user,
            socket=who.socket,
            command=command,
            about=about,
            refused=refused,
        )

    def _keep(self, entry: Audited) -> None:
        if self._live.accepting:
            self._live.submit([entry], self._stored(entry))

    @staticmethod
    def _stored(entry: Audited) -> Done:
        def stored(error: NotStored | None) -> None:
            if error is not None:
                log.error("the audit lacks what %s gave, %s: %s", _named(entry), _command(entry), error)

        return stored


def _named(entry: Audited) -> str:
    return f"{entry.user or '?'} (uid {entry.uid}) by {entry.socket}"


def _command(entry: Audited) -> str:
    return f"{entry.command} {entry.about}".rstrip()


def _what_is_told(parameters: object) -> str:
    """`targets=CP1,CP2 connector=1`, on one line."""
    given: Callable[[str], Any] = (
        parameters.get if isinstance(parameters, dict) else lambda name: getattr(parameters, name, None)
    )
    own = given("parameters")
    found = [
        *_words_of_audit(given, _TELLING),
        *(_words_of_audit(own.get, _TELLING_OF_OCPP) if isinstance(own, dict) else ()),
    ]
    text = " ".join(found)
    text = text if text.isprintable() else ascii(text)[1:-1]
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _words_of_audit(given: Callable[[str], Any], names: Sequence[str]) -> Iterator[str]:
    for name in names:
        value = given(name)
        parts = value[:_MOST_PARTS] if isinstance(value, list) else [value]
        words = [str(part)[:_LONGEST] for part in parts if isinstance(part, str | int)]
        if words:
            yield f"{name}={','.join(words)}"
