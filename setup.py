"""Compiles what every message passes through, where `CSMS_COMPILE=1` asks for it (decision 25).

Without it, and wherever there is no compiler, csms is installed as it is written. Everything else is in pyproject.toml.
"""

import os

from setuptools import setup

# What mypyc compiles is written for Python all the same. It drops the keywords of a class, so no structure of msgspec
# that has some may be in these (tests/architecture/test_compiled.py).
COMPILED = [
    "csmsd/charge_points/connection.py",
    "csmsd/charge_points/dispatch.py",
    "csmsd/charge_points/text_frames.py",
    "csmsd/charge_points/wire.py",
    "csmsd/live_site.py",
    "csmsd/ocpp/conversation.py",
    "csmsd/ocpp/identity.py",
    "csmsd/ocpp/secrets.py",
    "csmsd/profiles/answering.py",
    "csmsd/profiles/core/energy/gathered.py",
    "csmsd/profiles/following.py",
    "csmsd/store/batch.py",
    "csmsd/store/tables.py",
    "csmsd/store/tap.py",
]


def _extensions() -> list[object]:
    if os.environ.get("CSMS_COMPILE") != "1":
        return []
    from mypyc.build import mypycify

    return list(mypycify(COMPILED, group_name="csmsd", opt_level="3", debug_level="0"))


if __name__ == "__main__":
    setup(ext_modules=_extensions())
