"""The listeners for charge points: who is let in (J 3.1, 3.2; W A00, A01), and what watches over the connections."""

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from math import ceil
from time import monotonic

import msgspec

from csmsd.charge_points.acceptor import Arrival, Contexts, Entrance
from csmsd.charge_points.addresses import is_own_origin, reached_at
from csmsd.charge_points.admission import Admission
from csmsd.charge_points.authentication import Authentication, ClientCertificates, Unlike, key_of
from csmsd.charge_points.connection import Connection
from csmsd.charge_points.dispatch import Dispatcher
from csmsd.charge_points.handshakes import Handshakes
from csmsd.charge_points.hashing import Busy
from csmsd.charge_points.opening import Opening, Refusal
from csmsd.charge_points.proxies import NotBelieved, is_peer, look_behind_proxy, refuse_what_proxies_say
from csmsd.charge_points.refusals import Refusals
from csmsd.charge_points.registry import POLICY_VIOLATION, Registry
from csmsd.charge_points.wire import Wire
from csmsd.live_site import LiveSite
from csmsd.ocpp.identity import IDENTITY_RULE, fault_of_identity_in_path, identity_from_path
from csmsd.ports.live_site import Clock
from csmsd.ports.store import MessageTap
from csmsd.profiles.core.refused_connections import Reason
from csmsd.runtime.gate import Gate, Place
from csmsd.settings.sections import ListenerAt, Settings
from csmsd.settings.setting import parse_address_setting

log = logging.getLogger(__name__)

_SWEEP_SECONDS = 1.0
_MOST_SHOWN = 80
# Of one address, beside those that may come in: to be told why they may not, and to replace what has broken off.
_HALF_OPEN_BESIDE = 64


class Listener:
    """Accepts connections, serves them, pings them, and ends those whose peer is gone."""

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        dispatcher: Dispatcher,
        admission: Admission,
        refusals: Refusals,
        tap: MessageTap,
        clock: Clock,
        live: LiveSite,
        contexts: Contexts,
        certificates: ClientCertificates,
    ) -> None:
        self._server = settings.server
        self._security = settings.security  # a reload changes it in place
        self._policies = settings.ocpp  # a reload changes it in place
        self._registry = registry
        self._dispatcher = dispatcher
        self._admission = admission
        self._refusals = refusals
        self._tap = tap
        self._clock = clock
        self._contexts = contexts
        self._certificates = certificates
        self._authentication = Authentication(live, certificates)
        self._keys_in_use = False
        self.handshakes = Handshakes(settings.tls)
        most_at_address = self._server.max_connections_per_address + _HALF_OPEN_BESIDE
        self._gate = Gate(lambda place: Arrival(self._entrances[0], place), most_at_address=most_at_address)
        self._entrances: list[Entrance] = []
        self.addresses: list[str] = []  # where it listens
        self.tls_addresses: list[str] = []  # of these, where it takes TLS
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.Task[None] | None = None
        self._closing = False

    async def open(self) -> None:
        """Raises OSError."""
        for kind in self._server.all_listeners:
            entrance = self._entrance(kind)
            self._entrances.append(entrance)
            host, port = parse_address_setting(kind.address)
            shared = kind.transport == "proxy"
            listening = await self._gate.listen(host, port, partial(Arrival, entrance), shared=shared)
            addresses = [_address_text(where.getsockname()) for where in listening]
            self.addresses += addresses
            self.tls_addresses += addresses if kind.transport in ("any", "tls") else []
        self._sweeper = asyncio.create_task(self._sweep(), name="sweeper")

    def _entrance(self, kind: ListenerAt) -> Entrance:
        named = any(kind is one for one in self._server.listeners)

        async def admit(opening: Opening) -> str | Refusal:
            return await self._admit(kind, opening, named=named)

        def make(place: Place, until: float) -> Wire:
            return Wire(admit, self._serve, self._server, place, until, self._not_read)

        return Entrance(kind, self._contexts, self.handshakes, self._server.handshake_timeout, make, self._not_opened)

    def _not_opened(self, address: str, reason: Reason, detail: str | None) -> None:
        self._refusals.note(None, address, reason, detail)

    def _not_read(self, address: str, path: str, why: str) -> None:
        self._refusals.note(identity_from_path(path), address, "bad_request", why)

    def stop_accepting(self) -> None:
        self._closing = True
        self._gate.close()

    async def close(self) -> None:
        """Ends the connections. Their handlers have returned afterwards."""
        self.stop_accepting()
        await self._registry.close_all("csmsd is stopping")
        if self._sweeper is not None:
            self._sweeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._sweeper
        for connection in self._registry:
            connection.abort("csmsd is stopping")

    # --- the handshake

    async def _admit(self, kind: ListenerAt, opening: Opening, *, named: bool) -> str | Refusal:
        """The identity of a charge point that is let in."""
        began = monotonic()
        identity = identity_from_path(opening.path)

        def refused(status: HTTPStatus, reason: Reason, detail: str | None = None) -> Refusal:
            why = self._refusals.note(identity, opening.address, reason, detail)
            return Refusal(status, f"Refused: {why}.")

        try:
            if kind.transport == "proxy":
                self._look_behind(kind, opening)
            else:
                refuse_what_proxies_say(opening, strict=named)
        except NotBelieved as error:
            return refused(HTTPStatus.BAD_REQUEST, "proxied", str(error))
        if not opening.asks_for_websocket:
            answer = refused(HTTPStatus.UPGRADE_REQUIRED, "no_upgrade")
            return Refusal(answer.status, answer.text, {"Upgrade": "websocket"})
        if identity is None:
            fault = fault_of_identity_in_path(opening.path)
            shown = _printable(opening.path) + (f": {fault}" if fault is not None else "")
            answer = refused(HTTPStatus.BAD_REQUEST, "no_identity", shown)
            return Refusal(answer.status, f"{answer.text} An identity is {IDENTITY_RULE}.")
        full = self._registry.why_full(identity, opening.address, self._server)
        if full is not None:
            return refused(_FULL[full], full)
        state = self._admission.known(identity)
        if state is None:
            policy = self._policies.unknown_charge_points
            if policy != "reject" and _of_a_browser(opening):
                return refused(HTTPStatus.FORBIDDEN, "origin", _origin(opening))
            if opening.tls is None and self._security.minimum_profile == 0:  # it is registered with profile 0
                state = await self._admission.admit(identity, policy, opening.address)
            if state is None:
                answer = refused(HTTPStatus.NOT_FOUND, "unknown")
                if key_of(opening, identity) is None and self._may_tell_who_is_unknown(opening):
                    return answer  # J 3.2: and nobody learns anything by it
                return await self._unauthorized(identity, opening, began)
        try:
            secured = await self._authentication.require(state, opening, identity)
            opening.secured = msgspec.structs.replace(secured, possible=_possible_profiles(kind))
        except Busy:
            return _BUSY
        except Unlike as unlike:
            refused(HTTPStatus.UNAUTHORIZED, unlike.reason, unlike.detail)
            return await self._at_a_fixed_moment(began)
        if opening.secured.profile == 0 and not state.record.origin_allowed and _of_a_browser(opening):
            return refused(HTTPStatus.FORBIDDEN, "origin", _origin(opening))
        # Others may have come in while its key was looked at. From here to the registry nobody else has a turn.
        full = self._registry.why_full(state.id, opening.address, self._server)
        return state.id if full is None else refused(_FULL[full], full)

    def _look_behind(self, kind: ListenerAt, opening: Opening) -> None:
        """Raises NotBelieved."""
        if not is_peer(kind, opening.address):
            raise NotBelieved("it is none of this listener's peers")
        look_behind_proxy(kind, opening)
        if opening.certificate is not None:
            problem = self._certificates.path_problem(opening.certificate, self._clock())
            if problem is not None:
                raise NotBelieved(f"Client-Cert: {problem}")

    async def _unauthorized(self, identity: str, opening: Opening, began: float) -> Refusal:
        """As one that is known and has a wrong key, or none, after the same work."""
        try:
            await self._authentication.refuse(identity, opening.address, key_of(opening, identity))
        except Busy:
            return _BUSY
        return await self._at_a_fixed_moment(began)

    async def _at_a_fixed_moment(self, began: float) -> Refusal:
        """Whatever was wrong, and however long it took to find out, the answer comes at the same time."""
        await asyncio.sleep(seconds_left(monotonic() - began, self._security.failure_delay))
        return _UNAUTHORIZED

    def _may_tell_who_is_unknown(self, opening: Opening) -> bool:
        """Where charge points come in without a key, and none has one, there is nobody to be found."""
        return opening.tls is None and self._security.minimum_profile == 0 and not self._are_keys_in_use()

    def _are_keys_in_use(self) -> bool:
        """Whether there was a charge point with a key since the start, so that there is something to guess."""
        if not self._keys_in_use:
            known = self._admission.all_known()
            self._keys_in_use = any(state.record.security_profile > 0 for state in known)
        return self._keys_in_use

    def _serve(self, wire: Wire, identity: str, opening: Opening) -> None:
        state = self._admission.known(identity)
        if state is None:
            self._start(wire.close(POLICY_VIOLATION, "not registered any more"))
            return
        if not wire.subprotocol_agreed and not state.record.subprotocol_optional:
            # J 3.2: without a common subprotocol the handshake is completed, and the connection closed at once.
            self._refusals.note(identity, opening.address, "no_subprotocol")
            self._start(wire.close(1002, "offer the subprotocol ocpp1.6"))
            return
        wire.keep_alive()
        connection = Connection(
            wire,
            identity,
            lambda: self._admission.known(identity),
            self._dispatcher,
            self._tap,
            self._clock,
            address=opening.address,
            secured=opening.secured,
            reached_at=reached_at(opening.local_address, opening.header("Host")),
            call_queue=self._policies.call_queue,
            hold_seconds=self._policies.hold_after_reconnect,
        )
        connection.on_end = lambda: self._ended(connection)
        connection.begin()
        self._registry.enter(connection)

    def _ended(self, connection: Connection) -> None:
        self._registry.leave(connection)
        if connection.sent_too_long:
            self._refusals.note(connection.identity, connection.address, "too_long")

    # --- the watch

    async def _sweep(self) -> None:
        """Pings whoever was silent for the ping interval and cuts whoever is idle for too long."""
        interval = self._server.ping_interval
        asked: dict[Connection, float] = {}
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            now = monotonic()
            idle_limit = self._policies.heartbeat_interval * self._server.idle_heartbeats
            for connection in self._registry:
                silent = now - connection.last_received
                due = interval and silent >= interval and now - asked.get(connection, 0.0) >= interval
                try:
                    if due and self._wants_ping(connection):
                        asked[connection] = now
                        self._start(connection.probe(self._server.ping_timeout))
                    if silent > max(idle_limit, 60.0):
                        connection.abort(f"silent for {silent:.0f} s")
                except Exception:  # what is wrong with one must not end the watch over all
                    log.exception("%s could not be looked after", connection.identity)
            if len(asked) > 2 * len(self._registry):
                here = set(self._registry)
                asked = {connection: when for connection, when in asked.items() if connection in here}

    def _wants_ping(self, connection: Connection) -> bool:
        state = self._admission.known(connection.identity)
        return state is not None and state.record.ping

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def seconds_left(took: float, delay: float) -> float:
    """Until a refusal leaves: `delay` after the request, or twice that where slow hashes were waited for longer."""
    return delay * max(1, ceil(took / delay)) - took


def _of_a_browser(opening: Opening) -> bool:
    """Whether a page in a browser may have sent it: a charge point does not say where its page comes from.

    Embedded libraries do, with our own address, of which there is no page.
    """
    if not opening.has("Origin"):
        return False
    origin = opening.header("Origin")
    return origin is None or not is_own_origin(origin, opening.local_address, opening.local_port)


def _origin(opening: Opening) -> str:
    return _printable(opening.header("Origin") or "several")


def _printable(text: str) -> str:
    """The charge point's word, short, and without what follows a `?`: there may be a secret in it."""
    return "".join(letter if letter.isprintable() else "?" for letter in text.partition("?")[0])[:_MOST_SHOWN]


def _address_text(name: tuple[str, int] | tuple[str, int, int, int]) -> str:
    return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"


_UNAUTHORIZED = Refusal(
    HTTPStatus.UNAUTHORIZED,
    "Authenticate with the identity and its key.",
    {"WWW-Authenticate": 'Basic realm="ocpp"'},
)
_FULL: dict[Reason, HTTPStatus] = {
    "too_many": HTTPStatus.SERVICE_UNAVAILABLE,
    "too_many_from_address": HTTPStatus.TOO_MANY_REQUESTS,
}
_BUSY = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "Too many keys wait to be looked at: try again.")


def _possible_profiles(kind: ListenerAt) -> frozenset[int]:
    """Which security profiles can be used at a listener."""
    if kind.transport == "plain":
        return _WITHOUT_TLS
    return _WITHOUT_CERTIFICATES if kind.client_certificate == "none" else _ALL_PROFILES


_WITHOUT_TLS, _WITHOUT_CERTIFICATES, _ALL_PROFILES = frozenset({0, 1}), frozenset({0, 1, 2}), frozenset({0, 1, 2, 3})
