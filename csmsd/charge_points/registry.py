"""Who is connected: one connection per charge point, the newest one."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from time import monotonic

from csmsd.charge_points.connection import Connection
from csmsd.charge_points.refusals import Refusals
from csmsd.live_site import LiveSite
from csmsd.ocpp.identity import fold
from csmsd.ocpp.types import Message
from csmsd.ports.charge_points import CallEnd, CallTicket
from csmsd.profiles.action import Outgoing
from csmsd.profiles.core.refused_connections import Reason
from csmsd.profiles.record import Event
from csmsd.runtime.gate import origin_of
from csmsd.settings.sections import Server

POLICY_VIOLATION = 1008
# A connection that was heard that lately is no remainder of one that broke off.
log = logging.getLogger(__name__)

_ALIVE_SECONDS = 60.0


class Registry:
    """The connections by identity; it is what operators' commands see of them (`ports.charge_points.Links`)."""

    def __init__(self, live: LiveSite) -> None:
        self._live = live
        self._refusals = Refusals(live)
        self._connections: dict[str, Connection] = {}
        self._at: Counter[str] = Counter()  # connections, by where they come from
        self.on_ready: Callable[[], None] = lambda: None  # a charge point may be sent CALLs from now on

    def __len__(self) -> int:
        return len(self._connections)

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._connections.values()))

    def why_full(self, identity: str, address: str, limits: Server) -> Reason | None:
        """Why no further connection may come from that address, or None where one may.

        A charge point that comes again takes the place of its own connection.
        """
        here = self._connections.get(fold(identity))
        if len(self) - (here is not None) >= limits.max_connections:
            return "too_many"
        origin = origin_of(address)
        replaces = here is not None and origin_of(here.address) == origin
        return "too_many_from_address" if self._at[origin] - replaces >= limits.max_connections_per_address else None

    def enter(self, connection: Connection) -> None:
        """Registers a connection that was let in; the one it replaces is closed and its CALLs fail."""
        key = fold(connection.identity)
        replaced = self._connections.get(key)
        self._connections[key] = connection
        self._at[origin_of(connection.address)] += 1
        alive = replaced is not None and monotonic() - replaced.last_received < _ALIVE_SECONDS
        if replaced is not None:
            self._count_out(replaced)
            if alive:
                self._refusals.note(connection.identity, replaced.address, "replaced", f"from {connection.address}")
            replaced.fail_calls("the connection was replaced by a newer one")
            replaced.close(POLICY_VIOLATION, "replaced by a newer connection")
        state = self._live.site.charge_points.get(key)
        if state is not None:
            state.away_since = state.record.last_seen_at
            state.hidden_by_fault.clear()
            state.before_going_back.clear()
            state.connected_at = state.record.last_seen_at = self._live.now()
            state.address, state.reached_at = connection.address, connection.reached_at
            state.secured = connection.secured
            self._live.site.count_orphans_at(origin_of(connection.address), state)
            state.links.note(self._live.now(), connection.address, replaced.address if replaced and alive else None)
            state.unsaved = True
        log.debug("%s is connected from %s", connection.identity, connection.address)
        self._live.tell(
            Event(
                "charge_point.connected",
                connection.identity,
                {"address": connection.address, "replaced": replaced is not None},
            )
        )
        connection.on_release = self.on_ready
        if not connection.holding:
            self.on_ready()

    def leave(self, connection: Connection) -> None:
        """Takes a connection out, unless a newer one has its place already."""
        key = fold(connection.identity)
        if self._connections.get(key) is not connection:
            return
        del self._connections[key]
        self._count_out(connection)
        state = self._live.site.charge_points.get(key)
        if state is not None:
            state.connected_at = None
            state.record.offline_since = self._live.now()
            state.unsaved = True
        log.debug("%s at %s is gone: %s", connection.identity, connection.address, connection.end_reason)
        self._live.tell(Event("charge_point.disconnected", connection.identity, {"reason": connection.end_reason}))

    def _count_out(self, connection: Connection) -> None:
        origin = origin_of(connection.address)
        self._at[origin] -= 1
        if not self._at[origin]:
            del self._at[origin]

    def is_connected(self, identity: str) -> bool:
        return fold(identity) in self._connections

    def is_ready(self, identity: str) -> bool:
        """Whether it is connected and may be sent CALLs now."""
        connection = self._connections.get(fold(identity))
        return connection is not None and not (connection.holding or connection.ends)

    async def call(
        self,
        identity: str,
        action: str,
        payload: bytes,
        outgoing: Outgoing[Message, Message] | None,
        *,
        timeout: float,
        ticket: CallTicket,
    ) -> CallEnd:
        """Sends a CALL to a charge point, `timeout` in seconds; not being connected is an answer, not an error."""
        connection = self._connections.get(fold(identity))
        if connection is None:
            return CallEnd("not_connected", error=f"{identity} is not connected")
        if connection.ends:  # what is sent now would be lost, and nobody would know that
            return CallEnd("not_connected", error=f"the connection of {identity} is about to end")
        return await connection.call(action, payload, outgoing, timeout=timeout, ticket=ticket)

    def disconnect(self, identity: str, reason: str) -> bool:
        """Closes a charge point's connection; False when there is none."""
        connection = self._connections.get(fold(identity))
        if connection is None:
            return False
        connection.close(POLICY_VIOLATION, reason)
        return True

    async def close_all(self, reason: str) -> None:
        """Closes every connection: charge points come back when the daemon does."""
        for connection in self:
            connection.close(1001, reason)
        closings = [connection.closing for connection in self if connection.closing is not None]
        if closings:
            await asyncio.wait(closings, timeout=3)
