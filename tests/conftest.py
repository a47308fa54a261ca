"""Fixtures that every test may use."""

import asyncio
import gc
import os
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support.forks import FORKS
from tests.support.guard import guarded
from tests.support.site import Site

# A job in the background starts with SIGINT ignored, and so would every program that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

MakeSite = Callable[..., Awaitable[Site]]

_TESTS = Path(__file__).parent
_LONGEST = ("end_to_end/test_examples", "faults", "csmsctl/conformance", "end_to_end")

# Thousands of small databases are made and flushed: in memory where that is possible and TMPDIR says nothing else.
_MEMORY = Path("/dev/shm")
_MEMORY_BYTES = 2 * 1024**3
# The path of a Unix socket has at most 107 bytes, and some are a folder or two below.
_LONGEST_PLACE = 64

# csmsd and csmsctl are started hundreds of times: without bytecode on disk each start takes four times as long.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Nor is it anybody's setting how our programs write.
os.environ.pop("PYTHONUNBUFFERED", None)

# `make test` tries some examples of each property, the same each time; `make test-slow` many, and always others.
settings.register_profile(
    "quick", max_examples=50, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("thorough", settings.get_profile("quick"), max_examples=500, derandomize=False)
settings.load_profile("quick")


def _has_room(place: Path) -> bool:
    """Whether it holds what tests write, programs that are run included."""
    try:
        return (
            os.access(place, os.W_OK)
            and shutil.disk_usage(place).free >= _MEMORY_BYTES
            and not os.statvfs(place).f_flag & os.ST_NOEXEC
        )
    except OSError:
        return False


def pytest_configure(config: pytest.Config) -> None:
    """The processes of xdist, which run the tests, end with the one that gives them out."""
    gc.disable()  # while tests are collected
    if not hasattr(config, "workerinput"):
        measured = "bench" in config.getoption("markexpr")  # with the disk that there is
        if "TMPDIR" not in os.environ and not measured and _has_room(_MEMORY):
            tempfile.tempdir = str(_MEMORY)
        guard = ExitStack()
        guard.enter_context(guarded(secrets.token_hex(8)))
        config.add_cleanup(guard.close)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that nobody has to wait for it in the end."""
    places = [str(_TESTS / name) for name in _LONGEST]

    def turn(item: pytest.Item) -> int:
        return next((at for at, place in enumerate(places) if str(item.path).startswith(place)), len(places))

    items.sort(key=turn)


def pytest_collection_finish() -> None:
    """What was collected stays: it need not be looked through each time that garbage is."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Processes end with the run, and temporary folders lie where pytest clears up, unless that has too long a name."""
    place = tmp_path_factory.getbasetemp()
    with ExitStack() as ended:
        if len(os.fsencode(place)) > _LONGEST_PLACE:
            place = Path(ended.enter_context(tempfile.TemporaryDirectory(prefix="csms-", dir="/tmp")))
        before, tempfile.tempdir = tempfile.tempdir, str(place)
        os.environ["TMPDIR"] = str(place)
        ended.enter_context(guarded(secrets.token_hex(8), place))
        yield
        for forks in FORKS.values():
            forks.close()
    tempfile.tempdir = before


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without a home: neither HOME nor a passwd entry."""

    def no_entry(_uid: int) -> None:
        raise KeyError

    for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", no_entry)


@pytest.fixture
async def make_site() -> AsyncIterator[MakeSite]:
    """Makes sites with settings of their own: `await make_site({"ocpp": {"call_timeout": 1}})`."""
    sites: list[Site] = []

    async def make(settings: dict[str, dict[str, Any]] | None = None, *, start: bool = True, **options: Any) -> Site:
        site = Site(settings, **options)
        sites.append(site)
        if start:
            await site.start()
        return site

    yield make
    for site in sites:
        await site.close()


@pytest.fixture
async def site(make_site: MakeSite) -> Site:
    """A running csmsd with the usual settings."""
    return await make_site()


@pytest.fixture(scope="module")
def shared_site() -> Iterator[Site]:
    """One running csmsd for those tests of a module that leave nothing behind."""
    site = Site()
    site.start_and_wait()
    yield site
    asyncio.run(site.close())
