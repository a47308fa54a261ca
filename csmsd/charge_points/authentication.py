"""Whether a charge point is who it says it is: with its key (W A00.FR.202 to 206), or its certificate (402 to 406).

Which of both counts follows from the security profiles that it may use, and from what its connection has: never from
what it would like.
"""

import base64
import binascii
from contextlib import suppress
from typing import Protocol

from csmsd.charge_points.opening import Opening
from csmsd.charge_points.passwords import PasswordCheck
from csmsd.live_site import LiveSite
from csmsd.ocpp.identity import fold
from csmsd.ports.store import NotStored
from csmsd.profiles.core.charge_points import ChargePoint, ChargePointState, Secured
from csmsd.profiles.core.refused_connections import Reason
from csmsd.profiles.core.security_profiles import WITH_KEY, admitted_profiles
from csmsd.profiles.record import Event, Milliseconds
from csmsd.runtime.gate import origin_of


class ClientCertificates(Protocol):
    """What is known of certificates that charge points show."""

    def problem(self, charge_point: ChargePoint, der: bytes, now: Milliseconds) -> str | None:
        """Why a certificate that TLS has found good is not this charge point's, or may not be used now."""
        ...

    def path_problem(self, der: bytes, now: Milliseconds) -> str | None:
        """Why a certificate that a proxy has seen is not good: no CA of ours issued it, it is over, it is revoked."""
        ...

    def fingerprint(self, der: bytes) -> str: ...


class Unlike(Exception):
    """It is not the one that it says it is, or does not come as it is to come."""

    def __init__(self, reason: Reason, detail: str | None = None) -> None:
        super().__init__(reason)
        self.reason: Reason = reason
        self.detail = detail


class Key:
    """What Basic authentication says: bytes, since keys are any (W A00.FR.205), and identities may have a `:`."""

    def __init__(self, decoded: bytes, identity: str) -> None:
        """`identity` is that of the URL: what follows it and a colon is the key, whatever else has a colon in it."""
        name = identity.encode()
        self.is_of_identity = decoded[: len(name)].lower() == name.lower() and decoded[len(name) :][:1] == b":"
        self.key = decoded[len(name) + 1 :] if self.is_of_identity else decoded.partition(b":")[2]


def key_of(opening: Opening, identity: str) -> Key | None:
    """What stands in the Authorization header, where that is one of Basic authentication (RFC 7617)."""
    header = opening.header("Authorization")
    if header is None or not header.casefold().startswith("basic "):
        return None
    try:
        decoded = base64.b64decode(header[6:].strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    return Key(decoded, identity)


class Authentication:
    """Asks for what the security profile of a charge point wants."""

    def __init__(self, live: LiveSite, certificates: ClientCertificates) -> None:
        self._live = live
        self._certificates = certificates
        self._passwords = PasswordCheck()

    async def require(self, state: ChargePointState, opening: Opening, identity: str) -> Secured:
        """How it is secured. Raises Unlike, after as much work as a wrong key takes, or Busy."""
        key = key_of(opening, identity)
        try:
            secured = await self._look(state, opening, key)
            self._require_still(state.id, secured)
            return secured
        except Unlike as unlike:
            if unlike.reason != "wrong_password":
                await self.refuse(identity, opening.address, key)
            raise

    def _require_still(self, identity: str, secured: Secured) -> None:
        """What was found out took its time: an operator may have raised the profile since. Raises Unlike."""
        state = self._live.site.charge_point(identity)
        if state is None or secured.profile not in admitted_profiles(state):
            raise Unlike("wrong_profile", "it was changed meanwhile")

    async def refuse(self, identity: str, address: str, key: Key | None) -> None:
        """Takes as long as a wrong key does. Raises Busy."""
        given = key.key if key is not None else b""
        await self._passwords.refuse(given, identity=fold(identity), address=origin_of(address))

    async def _look(self, state: ChargePointState, opening: Opening, key: Key | None) -> Secured:
        admitted = admitted_profiles(state)
        unlike: Unlike | None = None
        if 3 in admitted and opening.tls is not None:
            try:
                return await self._with_certificate(state.record, opening)
            except Unlike as wrong:
                unlike = wrong
        usable = WITH_KEY & admitted if opening.tls is not None else {1} & admitted
        open_to_all = 0 in admitted and opening.tls is None  # during an upgrade with another one
        if usable and not (key is None and (unlike is not None or open_to_all)):
            try:
                return await self._with_key(state, opening, key, max(usable))
            except Unlike:
                if not open_to_all:
                    raise
        if open_to_all:
            return Secured(0)  # with a key or without: some send what they have, and a fall back must find a way in
        if unlike is not None:
            raise unlike
        registered = " or ".join(map(str, sorted(admitted)))
        raise Unlike("wrong_profile", f"it uses {_used(opening, key)}, and is registered with {registered}")

    async def _with_certificate(self, record: ChargePoint, opening: Opening) -> Secured:
        if opening.certificate is None:
            raise Unlike("no_certificate")
        problem = self._certificates.problem(record, opening.certificate, self._live.now())
        if problem is not None:
            raise Unlike("wrong_certificate", problem)
        fingerprint = self._certificates.fingerprint(opening.certificate)
        with suppress(NotStored):  # then the one before it is good as well
            self._live.require()
            changes, events = self._live.site.security.certificates.connected_with(fingerprint, self._live.now())
            if changes:
                await self._live.keep(changes, events)
        return Secured(3, opening.tls, fingerprint)

    async def _with_key(self, state: ChargePointState, opening: Opening, key: Key | None, profile: int) -> Secured:
        if key is None:
            raise Unlike("no_password")
        if not key.is_of_identity:  # W A00.FR.204: the username is the identity
            raise Unlike("wrong_user")
        stored = _keys_of(state.record)
        origin = origin_of(opening.address)
        used = await self._passwords.verify(stored, key.key, identity=fold(state.id), address=origin)
        current = self._live.site.charge_point(state.id)
        if used is None or current is None or used not in _keys_of(current.record):  # another one was set meanwhile
            raise Unlike("wrong_password")
        with_next = used == current.record.password_hash_next
        if with_next:
            await self._take_next_key(current)
        return Secured(profile, opening.tls, with_next_key=with_next)

    async def _take_next_key(self, state: ChargePointState) -> None:
        """Who uses its new key has it, and the old one is dead (W A01.FR.02), whether or not the answer came."""
        with suppress(NotStored):  # then both are good as before
            self._live.require()
            record = state.record
            record.password_hash, record.password_hash_next = record.password_hash_next, None
            told = Event("charge_point.changed", record.id, {"registration": record.registration})
            await self._live.keep([record], [told])


def _keys_of(record: ChargePoint) -> list[str]:
    """The hashes of the keys that are good: that of a key that it was sent, and may not use yet, comes last."""
    return [stored for stored in (record.password_hash, record.password_hash_next) if stored is not None]


def _used(opening: Opening, key: Key | None) -> str:
    used = ["no TLS" if opening.tls is None else "TLS"]
    used += ["a certificate"] if opening.certificate is not None else []
    used += ["a password"] if key is not None else []
    return " and ".join(used)
