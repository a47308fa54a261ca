"""What the settings name of certificates, keys and CAs, looked at before csmsd is started or reloaded with them."""

import os
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from csmsd.ocpp.timestamps import format_timestamp
from csmsd.pki.own_files import OwnFiles
from csmsd.pki.server_contexts import ServerContexts
from csmsd.ports.tls import TlsProblem
from csmsd.settings.sections import Settings

_DAY_MS = 86_400_000
_NEEDED = (
    "concurrent.futures.thread",
    "encodings.idna",
    "csmsd.pki.authority",
    "csmsd.pki.contexts",
    "csmsd.pki.tls_check",
)
_SOON_MS = 14 * _DAY_MS
_SOON_OF_LISTS_MS = 2 * _DAY_MS  # of revoked certificates


class Findings(NamedTuple):
    """In words. With what is `wrong` there is no TLS, or nobody comes by it; `doubtful` is the rest."""

    wrong: list[str]
    doubtful: list[str]


async def check_tls_files(settings: Settings) -> Findings:
    """With the eyes of who calls it: see `become_owner`."""
    own = OwnFiles(settings.state_directory)
    contexts = ServerContexts(settings.tls, own)
    wrong: list[str] = []
    doubtful: list[str] = []
    if own.ca.exists() or own.ca_key.exists():
        from csmsd.pki.authority import load_authority

        try:
            load_authority(own)
        except TlsProblem as problem:
            wrong.append(str(problem))
    if not contexts.wanted:
        return Findings([*wrong, *_without_tls(settings)], [])
    try:
        await contexts.reload()
    except TlsProblem as problem:
        return Findings([*wrong, f"there is no TLS: {problem}"], [])
    from csmsd.pki.lint import EVERYBODY

    for finding in (await contexts.check_own([]))["findings"]:
        for_all = finding["severity"] == "refused" and finding["who"] == EVERYBODY
        (wrong if for_all else doubtful).append(f"the certificate for {finding['text']} ({finding['who']})")
    servers = {pair.certificate for pair in contexts.files().certificates}
    now = round(datetime.now(UTC).timestamp() * 1000)
    for path, end in contexts.state.ends:
        if path in servers:
            continue  # told above
        if end <= now:
            wrong.append(f"{path}: it has expired at {format_timestamp(end)}; take a new one")
        elif end - now < (_SOON_OF_LISTS_MS if path in contexts.state.lists else _SOON_MS):
            doubtful.append(f"{path}: it expires at {format_timestamp(end)}; take a new one in time")
    if contexts.context("required") is None and any(
        listener.client_certificate == "required" for listener in settings.server.listeners
    ):
        wrong.append(
            "server.listeners: one requires certificates of charge points, and there is no CA to check them with; "
            "name one in tls.client_ca, or make one: csmsctl cert init"
        )
    return Findings(wrong, doubtful)


def _without_tls(settings: Settings) -> list[str]:
    makes = "name one in [[tls.certificates]], or make some: csmsctl cert init"
    found = []
    if any(listener.transport == "tls" for listener in settings.server.listeners):
        found.append(f"server.listeners: one takes TLS alone, and there is no certificate; {makes}")
    proxies = any(listener.transport == "proxy" for listener in settings.server.listeners)
    if settings.security.minimum_profile >= 2 and not proxies:
        found.append(
            f"security.minimum_profile is {settings.security.minimum_profile}, and there is no certificate for TLS; "
            f"{makes}"
        )
    return found


def become_owner(directory: Path) -> None:
    """Of who is root: files are looked at as csmsd will see them, which runs as the owner of its directory."""
    if os.geteuid() != 0 or not directory.exists():
        return
    found = directory.stat()
    if found.st_uid != 0:
        for module in _NEEDED:  # that user may not be able to read them
            import_module(module)
        os.setgroups([])
        os.setegid(found.st_gid)
        os.seteuid(found.st_uid)
