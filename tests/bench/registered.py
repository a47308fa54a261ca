"""Charge points put into the books at once, of which adding each by its command would take minutes."""

import hashlib
import sqlite3
from contextlib import closing

from tests.bench.messages import IDENTITY
from tests.support.site import Site


def register(site: Site, charge_points: int, key: str | None) -> None:
    """Charge points of profile 1 with a generated key, or of profile 0. The site has run, and does not run now."""
    salt = bytes(16)
    stored = None if key is None else f"sha256${salt.hex()}${hashlib.sha256(salt + key.encode()).hexdigest()}"
    with closing(sqlite3.connect(site.database)) as books, books:
        books.executemany(
            "INSERT INTO charge_point (id, registration, security_profile, password_hash, labels, registered_at, "
            "strict, subprotocol_optional, origin_allowed, ping, reboot_required) "
            "VALUES (?, 'Accepted', ?, ?, '[]', 0, 0, 0, 0, 1, 0)",
            [(IDENTITY.format(number), 0 if key is None else 1, stored) for number in range(charge_points)],
        )
