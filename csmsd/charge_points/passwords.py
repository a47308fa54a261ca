"""Basic authentication keys (W A00.FR.204, A01): salted and hashed at rest, compared in constant time."""

import asyncio
import hashlib
import hmac
import secrets

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
    """Verifies keys off the event loop and remembers what was right, so that a reconnect storm costs nothing."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._verified: dict[str, bytes] = {}
        self._slowly = asyncio.Semaphore(2)
        self._decoy = hash_password(generate_password(), generated=True)

    async def verify(self, stored: str | None, password: bytes) -> bool:
        """Whether the key is the one behind `stored`; with None the same work is done for nothing."""
        method, salt, digest = (stored or self._decoy).split("$")
        seen = hmac.digest(self._key, password, "sha256")
        if stored is not None and hmac.compare_digest(self._verified.get(stored, b""), seen):
            return True
        if method == "sha256":
            right = hmac.compare_digest(_digest(method, bytes.fromhex(salt), password).hex(), digest)
        else:
            async with self._slowly:
                found = await asyncio.to_thread(_digest, method, bytes.fromhex(salt), password)
            right = hmac.compare_digest(found.hex(), digest)
        if right and stored is not None:
            self._verified[stored] = seen
        return right and stored is not None
