"""Files of certificates and keys, checked on the descriptor that they are read from."""

import os
import stat
from pathlib import Path

from csmsd.ports.tls import TlsProblem

_MOST_BYTES = 1024 * 1024


def read_public_file(path: str | Path) -> bytes:
    """The content of a file with certificates or lists of revoked ones. Blocks. Raises TlsProblem."""
    return _read(path, secret=False)


def read_key_file(path: str | Path) -> bytes:
    """The content of a file with a private key, which must belong to root or to csmsd's own user, and be readable by
    the owner alone. Blocks. Raises TlsProblem.
    """
    return _read(path, secret=True)


def _read(path: str | Path, *, secret: bool) -> bytes:
    try:
        # Not blocking: a FIFO in its place would wait for somebody to write.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise TlsProblem(f"{path}: there is no such file") from None
    except PermissionError:
        raise TlsProblem(
            f"{path}: csmsd (uid {os.geteuid()}) may not read it; "
            "give it a copy of its own, with mode 0600; a hook that does: csmsctl tls hook certbot"
        ) from None
    except OSError as error:
        raise TlsProblem(f"{path}: {error.strerror}") from None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise TlsProblem(f"{path}: this is no file")
        if found.st_size > _MOST_BYTES:
            raise TlsProblem(f"{path}: it is larger than {_MOST_BYTES // 1024} KiB")
        if secret:
            _require_secrecy(path, found)
        with os.fdopen(os.dup(descriptor), "rb") as file:
            return file.read(_MOST_BYTES)
    finally:
        os.close(descriptor)


def _require_secrecy(path: str | Path, found: os.stat_result) -> None:
    if found.st_mode & 0o077:
        raise TlsProblem(
            f"{path}: others than its owner may use this private key (mode {stat.S_IMODE(found.st_mode):04o}); "
            f"do: chmod 600 {path}. Whoever could read it until now has it: better make a new one"
        )
    if found.st_uid not in (0, os.geteuid()):
        raise TlsProblem(
            f"{path}: this private key belongs to uid {found.st_uid}, neither to root nor to csmsd "
            f"(uid {os.geteuid()}); do: chown {os.geteuid()} {path}"
        )
