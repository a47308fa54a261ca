"""Where csmsd keeps the certificates and keys that it made itself, all of them readable by its own user alone."""

import contextlib
import os
from pathlib import Path

# Of the state directory: no part of the database, and so of no backup (W A00.FR.602).
CA_DIRECTORY = "ca"
SERVER_DIRECTORY = "tls"


class OwnFiles:
    """The files below the state directory. A file of a certificate with its key is replaced as one."""

    def __init__(self, directory: Path) -> None:
        self.ca = directory / CA_DIRECTORY / "ca.pem"
        self.ca_key = directory / CA_DIRECTORY / "ca.key"  # the key, and the certificate that belongs to it
        self.crl = directory / CA_DIRECTORY / "crl.pem"
        self.rsa = directory / SERVER_DIRECTORY / "rsa.pem"
        self.ec = directory / SERVER_DIRECTORY / "ec.pem"

    @property
    def servers(self) -> tuple[Path, Path]:
        return self.rsa, self.ec

    def servers_exist(self) -> bool:
        return any(path.exists() for path in self.servers)


def write_file(path: Path, data: bytes) -> None:
    """All of it or nothing, on disk when this returns; for the owner alone. Blocks. Raises OSError."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    with contextlib.suppress(FileNotFoundError):
        new.unlink()
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
