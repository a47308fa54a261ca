"""csmsctl on a pseudo-terminal."""

import os
import pty
import select
import subprocess
import time
from collections.abc import Callable

from tests.csmsctl.conftest import Csmsctl


class Terminal:
    """csmsctl on a pseudo-terminal of 80 by 24."""

    def __init__(self, csmsctl: Csmsctl, *words: str) -> None:
        self._master, slave = pty.openpty()
        import fcntl
        import struct
        import termios

        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        environment = csmsctl.environment | {"TERM": "xterm-256color"}
        self.process = subprocess.Popen(
            csmsctl.command(*words), stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
        )
        os.close(slave)
        self.seen = ""

    def expect(self, condition: str | Callable[[str], bool]) -> str:
        """All that was shown, once it holds the text."""
        end = time.monotonic() + 60
        while not (condition in self.seen if isinstance(condition, str) else condition(self.seen)):
            assert time.monotonic() < end, f"{condition!r} does not appear in {self.seen!r}"
            if not self._read():
                break
        assert condition in self.seen if isinstance(condition, str) else condition(self.seen), self.seen
        return self.seen

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def end(self) -> tuple[int, str]:
        """The exit code, and all that was shown."""
        while self._read():
            pass
        code = self.process.wait(60)
        os.close(self._master)
        return code, self.seen

    def _read(self) -> bool:
        if not select.select([self._master], [], [], 60)[0]:
            return False
        try:
            read = os.read(self._master, 65536)
        except OSError:  # Linux: the other side is closed
            return False
        self.seen += read.decode(errors="replace")
        return bool(read)
