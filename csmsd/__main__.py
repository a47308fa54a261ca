"""The command line of csmsd: flags → settings → Daemon."""

import argparse
import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from csmsd import __version__
from csmsd.runtime.time_zones import unknown_local_zone
from csmsd.settings.places import default_config
from csmsd.settings.reading import load_settings
from csmsd.settings.sections import Settings
from csmsd.settings.setting import SettingsError

log = logging.getLogger(__name__)

EX_OK, EX_FAILURE, EX_CONFIG = 0, 1, 78


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="csmsd", description="Central System for OCPP 1.6-J. Runs in the foreground and logs to stderr."
    )
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help=f"settings (default {default_config()}, may be absent)"
    )
    parser.add_argument(
        "--listen", action="append", metavar="HOST:PORT", help="listen for charge points; may be repeated"
    )
    parser.add_argument("--state-dir", metavar="DIR", help="where the database lives")
    parser.add_argument("--socket", metavar="PATH", help="control socket for csmsctl")
    parser.add_argument(
        "--reassert",
        action="store_true",
        default=None,
        help="send charge points their charging profiles again after each reconnect",
    )
    parser.add_argument(
        "--begin-anew",
        action="store_true",
        help="begin with empty books although there were some, or with other books than there were",
    )
    parser.add_argument("--log-level", choices=["debug", "info", "warning", "error"])
    parser.add_argument("--check-config", action="store_true", help="check the settings and exit")
    parser.add_argument(
        "--print-config", action="store_true", help="print every setting that has a value, as TOML, and exit"
    )
    parser.add_argument("--version", action="version", version=f"csmsd {__version__}")
    return parser


def _overrides(arguments: argparse.Namespace) -> dict[str, Any]:
    given = {
        "server.listen": arguments.listen,
        "store.directory": arguments.state_dir,
        "control.socket": arguments.socket,
        "log.level": arguments.log_level,
        "ocpp.reassert_charging_profiles": arguments.reassert,
    }
    return {place: value for place, value in given.items() if value is not None}


def _as_toml(settings: Settings) -> str:
    """Every setting that has a value, whether it was set or not; TOML has no word for nothing."""
    import msgspec
    import tomli_w

    places = {
        "server.listen": settings.server.listen or None,  # where only others are named
        "store.directory": str(settings.state_directory),
        "control.socket": str(settings.socket_path),
    }
    return tomli_w.dumps(
        {
            section: {
                key: _without_none(value)
                for key, given in values.items()
                if (value := places.get(f"{section}.{key}", given)) is not None
            }
            for section, values in msgspec.to_builtins(settings).items()
        }
    )


def _without_none(value: Any) -> Any:
    """The same with tables in which nothing stands that has no value."""
    if isinstance(value, list):
        return [_without_none(one) for one in value]
    if isinstance(value, dict):
        return {key: one for key, one in value.items() if one is not None}
    return value


def main(argv: Sequence[str] | None = None) -> None:
    """Exits 0 after SIGTERM or SIGINT, 78 for bad settings, 1 when it cannot start."""
    arguments = _parser().parse_args(argv)
    overrides = _overrides(arguments)

    def read_settings() -> Settings:
        return load_settings(arguments.config, overrides)

    try:
        settings = read_settings()
    except SettingsError as error:
        print(f"csmsd: {error}", file=sys.stderr)
        sys.exit(EX_CONFIG)
    if arguments.check_config:
        sys.exit(_check_files(settings))
    if arguments.print_config:
        print(_as_toml(settings), end="")
        sys.exit(EX_OK)
    logging.basicConfig(
        stream=sys.stderr, level=settings.log.level.upper(), format="%(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("csmsd.websockets").setLevel(logging.CRITICAL)
    logging.getLogger("aiosqlite").setLevel(logging.WARNING)
    unknown = unknown_local_zone()
    if unknown is not None:
        log.warning("TZ=%s is no time zone that is known here: times without one are taken for UTC", unknown)
    sys.exit(_serve(settings, read_settings, begin_anew=arguments.begin_anew))


def _check_files(settings: Settings) -> int:
    """The settings are good; what they name of certificates and keys is looked at, too."""
    from csmsd.pki.files_check import become_owner, check_tls_files

    become_owner(settings.state_directory)
    found = asyncio.run(check_tls_files(settings))
    for text in (*found.wrong, *found.doubtful):
        print(f"csmsd: {text}", file=sys.stderr)
    if found.wrong:
        return EX_CONFIG
    print("The settings are good.")
    return EX_OK


def _serve(settings: Settings, read_settings: Any, *, begin_anew: bool) -> int:
    from csmsd.control.socket_server import SocketBusy
    from csmsd.daemon import AlreadyRunning, Daemon
    from csmsd.store.database import StoreError

    async def serve() -> None:
        await Daemon(settings, read_settings, begin_anew=begin_anew).run()

    try:
        _run(serve())
    except (StoreError, SocketBusy, AlreadyRunning) as error:
        print(f"csmsd: {error}", file=sys.stderr)
        return EX_FAILURE
    except OSError as error:
        place = f" {error.filename}" if error.filename else ""
        print(f"csmsd: cannot start:{place} {error.strerror or error}", file=sys.stderr)
        return EX_FAILURE
    return EX_OK


def _run(work: Coroutine[Any, Any, None]) -> None:
    """On uvloop where it is installed (the extra `fast`), on asyncio otherwise."""
    run: Callable[[Coroutine[Any, Any, None]], None] = asyncio.run
    with suppress(ImportError):
        import uvloop

        run = uvloop.run
    run(work)  # out there, so that no traceback begins with the missing uvloop


if __name__ == "__main__":
    main()
