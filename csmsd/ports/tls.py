"""What the edge of certificates gives: our end of TLS."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from csmsd.profiles.record import Milliseconds


class TlsProblem(Exception):
    """Certificates, keys or lists that cannot be used: the file, what is wrong, and what to do."""


class TlsState(NamedTuple):
    """`problem`: why the files that there are now are not in use; `ends`: what is in use, until when it is good; of it
    `lists` are those of revoked certificates.
    """

    on: bool
    problem: str | None
    ends: Sequence[tuple[str, Milliseconds]]
    lists: frozenset[str] = frozenset()


class TlsEnd(Protocol):
    """Our end of TLS, as operators know it."""

    @property
    def state(self) -> TlsState: ...

    async def reload(self) -> None:
        """Raises TlsProblem."""
        ...

    async def check(self, host: str, port: int, names: Sequence[str], timeout: float) -> dict[str, Any]:
        """What a charge point would see of a server. Raises TlsProblem for who speaks no TLS."""
        ...

    async def check_own(self, names: Sequence[str]) -> dict[str, Any]:
        """What a charge point would see of our own listeners. Raises TlsProblem while there is no TLS."""
        ...
