"""Connections that were refused: who, from where, how often and why, kept so that no flood pushes true ones out.

Whoever knocks decides what is in here, so it is capped: those of one charge point, those of strangers. A flood is many
that come once, from few addresses; what comes again and again is what an operator looks for.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from shlex import quote
from typing import ClassVar, Literal

from csmsd.ocpp.identity import fold
from csmsd.profiles.record import Change, Deleted, Milliseconds, Record

MAX_OF_ONE = 20  # of a registered charge point: addresses by reasons
MAX_OF_STRANGERS = 1000
_TELL_EVERY_MS = 60_000
# In such a time: the log is not theirs to fill.
_MOST_TOLD = 60  # of strangers
_MOST_TOLD_OF_ONE = 20  # of a registered charge point, however many addresses there are

Reason = Literal[
    "unknown",
    "no_identity",
    "no_password",
    "wrong_password",
    "wrong_user",
    "wrong_profile",
    "no_certificate",
    "wrong_certificate",
    "no_subprotocol",
    "origin",
    "proxied",
    "no_upgrade",
    "bad_request",
    "plain",
    "tls",
    "tls_version",
    "tls_suite",
    "tls_certificate",
    "too_long",
    "too_many",
    "too_many_from_address",
    "replaced",
]


class RefusedConnection(Record, kw_only=True):
    """Refused for one reason at one address, as often as it was. `charge_point` is empty where none was named.

    `detail` is the charge point's word (its Origin, its path), never anything that may be a secret.
    """

    table: ClassVar[str] = "refused_connection"
    key: ClassVar[tuple[str, ...]] = ("charge_point", "address", "reason")

    charge_point: str
    address: str
    reason: Reason
    detail: str | None = None
    attempts: int = 0
    first_at: Milliseconds
    last_at: Milliseconds


_Place = tuple[str, str, str]


class RefusedConnections:
    """All that are kept. What moved is written with the next housekeeping."""

    def __init__(self) -> None:
        self._registered: dict[str, dict[_Place, RefusedConnection]] = {}
        self._strangers: dict[_Place, RefusedConnection] = {}
        self._at_address: Counter[str] = Counter()  # of strangers
        self._moved: dict[_Place, RefusedConnection] = {}
        self._gone: dict[_Place, RefusedConnection] = {}
        self._told: dict[_Place, Milliseconds] = {}
        self._told_lately: Counter[str] = Counter()  # of a registered charge point; of strangers under no name
        self._window: Milliseconds = 0

    def __iter__(self) -> Iterator[RefusedConnection]:
        yield from self.of_strangers()
        for known in self._registered.values():
            yield from known.values()

    def of_strangers(self) -> Iterable[RefusedConnection]:
        return self._strangers.values()

    def of(self, identity: str) -> list[RefusedConnection]:
        """Those of an identity, registered or not, the newest first."""
        key = fold(identity)
        found = [*self._registered.get(key, {}).values()]
        found += [one for place, one in self._strangers.items() if place[0] == key]
        return sorted(found, key=lambda one: -one.last_at)

    @property
    def unknown(self) -> dict[str, list[RefusedConnection]]:
        """The identities that nobody registered, folded, with what was refused of each."""
        found: dict[str, list[RefusedConnection]] = {}
        for place, one in self._strangers.items():
            if one.reason == "unknown":
                found.setdefault(place[0], []).append(one)
        return found

    def load(self, one: RefusedConnection, *, registered: bool) -> None:
        """Takes one as it was kept."""
        self._put(_place_of_refused(one), one, registered=registered)

    def note(
        self,
        identity: str | None,
        address: str,
        reason: Reason,
        now: Milliseconds,
        *,
        registered: bool,
        detail: str | None = None,
    ) -> tuple[RefusedConnection, bool]:
        """Counts a connection that is refused, and says whether it is worth telling: the first, then one a minute."""
        fresh = RefusedConnection(
            charge_point=identity or "", address=address, reason=reason, first_at=now, last_at=now
        )
        place = _place_of_refused(fresh)
        here = self._registered.setdefault(place[0], {}) if registered else self._strangers
        one = here.get(place)
        if one is None:
            one = fresh
            self._make_room(here, MAX_OF_ONE if registered else MAX_OF_STRANGERS)
            self._put(place, one, registered=registered)
        one.attempts += 1
        one.last_at = now
        one.detail = detail
        self._moved[place] = one
        self._gone.pop(place, None)
        return one, self._worth_telling(place, now, registered=registered)

    def forget(self, identity: str) -> list[Change]:
        """Lets go of all of an identity: it was registered, or removed. What is returned goes into the same commit."""
        gone = self.of(identity)
        for one in gone:
            self._drop(_place_of_refused(one))
        return [Deleted(one) for one in gone]

    def housekeeping(self) -> list[Change]:
        """What moved without being worth a commit of its own."""
        changes: list[Change] = [*(Deleted(one) for one in self._gone.values()), *self._moved.values()]
        self._gone, self._moved = {}, {}
        return changes

    def carry_over(self, old: "RefusedConnections") -> None:
        """Takes what was not written yet from those that these replace."""
        for one in old:
            place = _place_of_refused(one)
            known = self._registered.get(place[0], {}).get(place) or self._strangers.get(place)
            if known is None or known.attempts < one.attempts:
                self._put(place, one, registered=place[0] in old._registered)
                self._moved[place] = one
        self._told = old._told

    def _put(self, place: _Place, one: RefusedConnection, *, registered: bool) -> None:
        if registered:
            self._registered.setdefault(place[0], {})[place] = one
            return
        if place not in self._strangers:
            self._at_address[place[1]] += 1
        self._strangers[place] = one

    def _drop(self, place: _Place) -> None:
        known = self._registered.get(place[0], {})
        if known.pop(place, None) is None and self._strangers.pop(place, None) is not None:
            self._at_address[place[1]] -= 1
            if not self._at_address[place[1]]:
                del self._at_address[place[1]]
        self._moved.pop(place, None)
        self._told.pop(place, None)

    def _make_room(self, here: dict[_Place, RefusedConnection], most: int) -> None:
        """What came least often goes first, from the address that has most of them; of these the oldest."""
        while len(here) >= most:
            crowded = here.items()
            if here is self._strangers:
                busiest = self._at_address.most_common(1)[0][0]
                crowded = {place: one for place, one in here.items() if place[1] == busiest}.items()
            place, one = min(crowded, key=lambda known: (known[1].attempts, known[1].last_at))
            self._drop(place)
            self._gone[place] = one

    def _worth_telling(self, place: _Place, now: Milliseconds, *, registered: bool) -> bool:
        if 0 <= now - self._told.get(place, -_TELL_EVERY_MS) < _TELL_EVERY_MS:
            return False
        if not 0 <= now - self._window < _TELL_EVERY_MS:
            self._window = now
            self._told_lately.clear()
        whose, most = (place[0], _MOST_TOLD_OF_ONE) if registered else ("", _MOST_TOLD)
        if self._told_lately[whose] >= most:
            return False
        self._told_lately[whose] += 1
        self._told[place] = now
        return True


def _place_of_refused(one: RefusedConnection) -> _Place:
    return fold(one.charge_point), one.address, one.reason


_TEXTS: dict[str, str] = {
    "unknown": "not registered",
    "no_identity": "no identity in its URL",
    "no_password": "no password",
    "wrong_password": "wrong password",
    "wrong_user": "its user name is not its identity",
    "wrong_profile": "another security profile",
    "no_certificate": "it shows no certificate",
    "wrong_certificate": "its certificate does not let it in",
    "no_subprotocol": "it does not offer the subprotocol ocpp1.6",
    "origin": "it sends an Origin header like a browser, and no password",
    "proxied": "what proxies say counts only from proxies that are named",
    "plain": "it uses no TLS, and this listener takes nothing else",
    "tls": "its TLS handshake failed",
    "tls_version": "its TLS is too old",
    "tls_suite": "its TLS has no cipher suite in common",
    "tls_certificate": "its certificate was refused by TLS",
    "no_upgrade": "HTTP that asks for no WebSocket",
    "bad_request": "its HTTP cannot be read",
    "too_long": "it sent a message that is too long",
    "too_many": "too many connections",
    "too_many_from_address": "too many connections from its address",
    "replaced": "replaced by a newer connection with the same identity",
}


def refused_reason_text(one: RefusedConnection) -> str:
    """Why, in words: `wrong password`."""
    return f"{_TEXTS[one.reason]} ({one.detail})" if one.detail else _TEXTS[one.reason]


def remedy_for_refused(reason: Reason, identity: str, *, registered: bool) -> str:
    """What mends it: a line to type, or what to do at the charge point."""
    named = quote(identity) if identity else "ID"
    match reason:
        case "unknown":
            return f"csmsctl cp accept {named}"
        case "no_identity":
            return "give it a URL that ends in its identity: ws://HOST:PORT/ocpp/ID"
        case "no_password" | "wrong_password":
            return f"csmsctl cp set {named} --generate-password"
        case "wrong_user":
            return f"set the user name of the charge point to {named}"
        case "wrong_profile":
            return f"have both say the same profile; what is registered: csmsctl cp show {named}"
        case "no_certificate":
            return "have the charge point use its certificate (security profile 3)"
        case "wrong_certificate":
            return f"compare it with: csmsctl cp show {named}"
        case "proxied":
            return 'name the proxy in [[server.listeners]] of csmsd.toml: transport = "proxy" and its peers'
        case "plain":
            return "give it a URL that begins with wss://"
        case "tls":
            return "set it to TLS 1.2 or later, and give it the root certificate of this Central System"
        case "tls_version":
            return "set it to TLS 1.2 or later; one that has none needs a proxy near it"
        case "tls_suite":
            return "name a certificate with an RSA and one with an ECDSA key in [[tls.certificates]] of csmsd.toml"
        case "tls_certificate":
            return 'give it a certificate of a CA in tls.client_ca, or a listener with client_certificate = "none"'
        case "no_subprotocol":
            return f"csmsctl cp set {named} --subprotocol-optional"
        case "origin":
            return f"csmsctl cp set {named} --allow-origin" if registered else f"csmsctl cp add {named} --allow-origin"
        case "bad_request":
            return "look at what is between: a proxy may add headers; a charge point says what RFC 6455 asks for"
        case "no_upgrade":
            return "give it a URL that begins with ws://"
        case "too_long":
            return "raise server.max_message_bytes in csmsd.toml"
        case "too_many":
            return "raise server.max_connections in csmsd.toml"
        case "too_many_from_address":
            return "raise server.max_connections_per_address in csmsd.toml"
        case "replaced":
            return "look for a second charge point that is set to this identity"
