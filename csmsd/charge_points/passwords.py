"""Basic authentication keys (W A00.FR.204, A01): salted and hashed at rest, compared in constant time."""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence

from csmsd.charge_points.hashing import HashQueue

# A generated key has 160 bits: no hash has to slow a guess down. A chosen password is hashed slowly.
GENERATED_BYTES = 20
_LEAST = 16  # bytes, of a key (W A00.FR.205)
_HEXADECIMAL = frozenset(b"0123456789abcdefABCDEF")
_PRINTABLE = frozenset(range(0x21, 0x7F))
_SCRYPT = {"n": 2**14, "r": 8, "p": 1}


def generate_password() -> str:
    """A random key of 20 characters, the longest that the whitepaper allows (A00.FR.205)."""
    alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789"
    return "".join(secrets.choice(alphabet) for _ in range(GENERATED_BYTES))


def hash_password(password: str, *, generated: bool) -> str:
    """Of a key in hexadecimal digits its bytes are stored: it may come in either form."""
    salt = secrets.token_bytes(16)
    method = "sha256" if generated else "scrypt"
    return f"{method}${salt.hex()}${_digest(method, salt, bytes_of_key(password)).hex()}"


def is_password_of(password: bytes, stored: str) -> bool:
    """Whether `stored` was made of it; that may take some time."""
    return _fits_any(stored, forms_of_key(password))


def bytes_of_key(password: str) -> bytes:
    """The bytes of a key: those that it has in hexadecimal digits, where it is given so (W A00.FR.205)."""
    return _unhexed(password.encode()) or password.encode()


def forms_of_key(received: bytes) -> list[bytes]:
    """What a key that was received may stand for.

    Of one in hexadecimal digits some charge points send these, others the bytes. A key that was stored as digits, when
    only these were taken, may come as bytes.
    """
    forms = [received]
    unhexed = _unhexed(received)
    if unhexed is not None:
        forms.append(unhexed)
    elif _LEAST <= len(received) <= GENERATED_BYTES and not _PRINTABLE.issuperset(received):
        forms += [received.hex().encode(), received.hex().upper().encode()]
    return forms


def _unhexed(text: bytes) -> bytes | None:
    if len(text) % 2 or not 2 * _LEAST <= len(text) <= 2 * GENERATED_BYTES or not _HEXADECIMAL.issuperset(text):
        return None
    return bytes.fromhex(text.decode())


def _digest(method: str, salt: bytes, password: bytes) -> bytes:
    if method == "sha256":
        return hashlib.sha256(salt + password).digest()
    if password.endswith(b"\0"):  # HMAC fills keys up with it: it would count as the key without
        password = hashlib.sha256(salt + password).hexdigest().encode()
    return hashlib.scrypt(password, salt=salt, **_SCRYPT)


class PasswordCheck:
    """Verifies keys and remembers what was right, so that a reconnect storm, or a guesser beside it, costs nothing.

    Whatever is wrong, and for whomever, takes a slow hash of each form of it, and the way there: by many tries at once
    nobody finds out which identities there are. Those who verify raise `hashing.Busy`.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._verified: dict[str, bytes] = {}  # by what is stored
        self._came_from: dict[str, str] = {}  # who was let in last: address by identity
        self._hashes = HashQueue()
        self._no_key = f"scrypt${secrets.token_hex(16)}$"  # as keys are stored; none fits

    async def verify(self, stored: Sequence[str], received: bytes, *, identity: str, address: str) -> str | None:
        """Of the keys that are good, as they are stored, the one that was received; None when it is none of them."""
        seen = hmac.digest(self._key, received, "sha256")
        for one in stored:
            if hmac.compare_digest(self._verified.get(one, b""), seen):
                return one
        forms = forms_of_key(received)
        slow = [one for one in stored if not one.startswith("sha256$")]
        # A guess at a generated key is as slow as one at a chosen one, though not for its sake.
        right = next((one for one in stored if one not in slow and _fits_any(one, forms)), None)
        if right is None and slow:
            found: list[str] = []
            await self._slowly(lambda: _find(slow, forms, found), identity, address)
            right = found[0] if found else None
        elif right is None:
            await self.refuse(received, identity=identity, address=address)
        if right is not None:
            self._verified[right] = seen
            self._came_from[identity] = address
        return right

    async def refuse(self, password: bytes = b"", *, identity: str, address: str) -> None:
        """Takes as long as a wrong key does, where none is right."""
        forms = forms_of_key(password)
        await self._slowly(lambda: _fits_any(self._no_key, forms), identity, address)

    async def _slowly(self, work: Callable[[], bool], identity: str, address: str) -> None:
        before = self._came_from.get(identity) == address
        await self._hashes.do(work, address=address, identity=identity, in_front=before)


def _fits_any(stored: str, forms: Sequence[bytes]) -> bool:
    method, salt, digest = stored.split("$")
    return any(hmac.compare_digest(_digest(method, bytes.fromhex(salt), form).hex(), digest) for form in forms)


def _find(stored: Sequence[str], forms: Sequence[bytes], found: list[str]) -> bool:
    found += [one for one in stored if _fits_any(one, forms)]
    return bool(found)
