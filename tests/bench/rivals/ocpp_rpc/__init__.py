"""The Central System on npm `ocpp-rpc`: where there is npm it is installed in build/, at the first measurement."""

import shutil
import subprocess
from functools import cache
from pathlib import Path

from tests.support.site import ROOT

_HERE = Path(__file__).parent
_DIRECTORY = ROOT / "build" / "bench" / "ocpp-rpc"
_INSTALL_SECONDS = 600


@cache
def why_no_ocpp_rpc() -> str | None:
    """Why it cannot be measured here; None: it can be, and is installed."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return "there is no npm"
    _DIRECTORY.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "server.js"):
        shutil.copy(_HERE / name, _DIRECTORY)
    try:
        if not _loads(node):
            subprocess.run(
                [npm, "install", "--no-audit", "--no-fund"],
                cwd=_DIRECTORY,
                capture_output=True,
                check=True,
                timeout=_INSTALL_SECONDS,
            )
    except subprocess.CalledProcessError as error:
        return f"npm could not install it: {error.stderr.decode(errors='replace').strip()[-300:]}"
    except subprocess.TimeoutExpired:
        return f"npm had not installed it after {_INSTALL_SECONDS} s"
    return None if _loads(node) else "what npm installed cannot be loaded"


def _loads(node: str) -> bool:
    """Whether it is there, and made for this machine."""
    script = "require('ocpp-rpc'); new (require('better-sqlite3'))(':memory:')"
    return subprocess.run([node, "-e", script], cwd=_DIRECTORY, capture_output=True, check=False).returncode == 0


def installed() -> list[str]:
    """What it is started with. Only where `why_no_ocpp_rpc` has nothing to say."""
    return ["node", str(_DIRECTORY / "server.js")]
