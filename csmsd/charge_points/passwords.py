"""Basic authentication keys (W A00.FR.204, A01): salted and hashed at rest, compared in constant time."""

import hashlib
import hmac
import secrets

from csmsd.charge_points.hashing import HashQueue

# A generated key has 160 bits: no hash has to slow a guess down. A chosen password is hashed slowly.
GENERATED_BYTES = 20
_SCRYPT = {"n": 2**14, "r": 8, "p": 1}


def generate_password() -> str:
    """A random key of 20 characters, the longest that the whitepaper allows (A00.FR.205)."""
    alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789"
    return "".join(secrets.choice(alphabet) for _ in range(GENERATED_BYTES))


def hash_password(password: str, *, generated: bool) -> str:
    salt = secrets.token_bytes(16)
    method = "sha256" if generated else "scrypt"
    return f"{method}${salt.hex()}${_digest(method, salt, password.encode()).hex()}"


def is_password_of(password: bytes, stored: str) -> bool:
    """Whether `stored` was made of it; that may take some time."""
    method, salt, digest = stored.split("$")
    return hmac.compare_digest(_digest(method, bytes.fromhex(salt), password).hex(), digest)


def _digest(method: str, salt: bytes, password: bytes) -> bytes:
    if method == "sha256":
        return hashlib.sha256(salt + password).digest()
    if password.endswith(b"\0"):  # HMAC fills keys up with it: it would count as the key without
        password = hashlib.sha256(salt + password).hexdigest().encode()
    return hashlib.scrypt(password, salt=salt, **_SCRYPT)


class PasswordCheck:
    """Verifies keys and remembers what was right, so that a reconnect storm, or a guesser beside it, costs nothing.

    Whatever is wrong, and for whomever, takes one slow hash and the way to it. Those who verify raise `hashing.Busy`.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._verified: dict[str, bytes] = {}  # by what is stored
        self._came_from: dict[str, str] = {}  # who was let in last: address by identity
        self._hashes = HashQueue()
        self._decoy = secrets.token_bytes(16)

    async def verify(self, stored: str, password: bytes, *, identity: str, address: str) -> bool:
        """Whether the key is the one behind `stored`."""
        seen = hmac.digest(self._key, password, "sha256")
        if hmac.compare_digest(self._verified.get(stored, b""), seen):
            return True
        method, salt, digest = stored.split("$")
        if method == "sha256":
            # A guess at a generated key is as slow as one at a chosen one, though not for its sake.
            if not hmac.compare_digest(_digest(method, bytes.fromhex(salt), password).hex(), digest):
                await self.refuse(password, identity=identity, address=address)
                return False
        elif not await self._slowly(bytes.fromhex(salt), password, digest, identity, address):
            return False
        self._verified[stored] = seen
        self._came_from[identity] = address
        return True

    async def refuse(self, password: bytes = b"", *, identity: str, address: str) -> None:
        """Takes as long as a wrong key does, where none is right."""
        await self._slowly(self._decoy, password, "", identity, address)

    async def _slowly(self, salt: bytes, password: bytes, digest: str, identity: str, address: str) -> bool:
        def is_right() -> bool:
            return hmac.compare_digest(_digest("scrypt", salt, password).hex(), digest)

        before = self._came_from.get(identity) == address
        return await self._hashes.do(is_right, address=address, identity=identity, in_front=before)
