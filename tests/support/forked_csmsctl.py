"""csmsctl for the lines of a shell: forked from a process that has imported everything, where it reads nothing.

`python -I -S FILE DESCRIPTOR ARGUMENTS…`, the descriptor being that of a way to such a process (`Forks.way`). Its
output, errors, directory, environment and exit code are those of the csmsctl. It must cost less than what it saves:
that is why it uses modules of C where others are easier. A signal that ends it does not end the csmsctl.
"""

import os
import stat
import sys
from _json import encode_basestring_ascii as quoted
from _socket import SCM_RIGHTS, SOL_SOCKET, socket


def main(descriptor: str, arguments: list[str]) -> int:
    if not stat.S_ISCHR(os.fstat(0).st_mode):
        os.execv(sys.executable, [sys.executable, "-m", "csmsctl", *arguments])
    words = ",".join(map(quoted, arguments))
    variables = ",".join(f"{quoted(name)}:{quoted(value)}" for name, value in os.environ.items())
    request = f"[[{words}],{{{variables}}},null,{quoted(os.getcwd())}]"  # noqa: PTH109
    end, theirs = os.pipe()
    files = b"".join(file.to_bytes(4, sys.byteorder) for file in (1, 2, theirs))
    socket(fileno=int(descriptor)).sendmsg([request.encode()], [(SOL_SOCKET, SCM_RIGHTS, files)])
    os.close(theirs)
    told = b""
    while read := os.read(end, 64):
        told += read
    _process, code = map(int, told.split())
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
