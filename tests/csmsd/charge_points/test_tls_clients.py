"""The suites that the whitepaper names (W A00.FR.317, 421), with each certificate, on four TLS libraries."""

import asyncio
import atexit
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from ipaddress import ip_address
from pathlib import Path

import pytest

from csmsd.pki.authority import create_authority, create_server_certificates
from csmsd.pki.contexts import SUITES, Pair, TlsFiles, server_context
from csmsd.pki.own_files import OwnFiles
from tests.support.certificates import NAME, authority, server
from tests.support.tls_door import Door

_SOURCE = Path(__file__).parents[2] / "support" / "mbedtls_client.c"
_SECONDS = 60
Client = Callable[..., list[str]]  # the door, the file of the root certificate, the suite, the name


def is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _needs(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"no {program} here")
    return found


def openssl(door: Door, ca: str, suite: str, name: str = NAME) -> list[str]:
    of_version = ["-tls1_3"] if suite.startswith("TLS_") else ["-tls1_2", "-cipher", suite]
    return [
        *(_needs("openssl"), "s_client", "-connect", f"{door.host}:{door.port}", "-brief", "-CAfile", ca),
        *(
            ("-verify_ip", name, "-noservername")
            if is_address(name)
            else ("-verify_hostname", name, "-servername", name)
        ),
        *("-verify_return_error", *of_version),
    ]


def curl(door: Door, ca: str, suite: str, name: str = NAME) -> list[str]:
    of_version = ["--tlsv1.3"] if suite.startswith("TLS_") else ["--tls-max", "1.2", "--ciphers", suite]
    place = f"{name}:{door.port}"
    return [
        *(_needs("curl"), "--silent", "--show-error", "--noproxy", "*", "--cacert", ca, "--output", "/dev/null"),
        *("--resolve", f"{place}:{door.host}", *of_version, f"https://{place}/ocpp/CP1"),
    ]


_GNUTLS = {
    "ECDHE-ECDSA-AES128-GCM-SHA256": "+ECDHE-ECDSA:+AES-128-GCM",
    "ECDHE-ECDSA-AES256-GCM-SHA384": "+ECDHE-ECDSA:+AES-256-GCM",
    "ECDHE-RSA-AES128-GCM-SHA256": "+ECDHE-RSA:+AES-128-GCM",
    "ECDHE-RSA-AES256-GCM-SHA384": "+ECDHE-RSA:+AES-256-GCM",
    "AES128-GCM-SHA256": "+RSA:+AES-128-GCM",
    "AES256-GCM-SHA384": "+RSA:+AES-256-GCM",
    "TLS_AES_128_GCM_SHA256": "+GROUP-ALL:+AES-128-GCM",
}


def gnutls(door: Door, ca: str, suite: str, name: str = NAME) -> list[str]:
    version = "1.3" if suite.startswith("TLS_") else "1.2"
    priority = f"NONE:+VERS-TLS{version}:{_GNUTLS[suite]}:+AEAD:+SIGN-ALL:+GROUP-ALL:+COMP-NULL:+CTYPE-X509"
    return [
        *(_needs("gnutls-cli"), "--port", str(door.port), "--x509cafile", ca, "--priority", priority),
        *(() if is_address(name) else ("--sni-hostname", name)),
        *("--verify-hostname", name, door.host),
    ]


@cache
def _mbedtls_client() -> str | None:
    """The program, made once; None where the library is not here."""
    directory = tempfile.mkdtemp(prefix="csms-mbedtls-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    program = Path(directory) / "client"
    command = ["cc", "-o", str(program), str(_SOURCE), "-lmbedtls", "-lmbedx509", "-lmbedcrypto"]
    try:
        made = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
    except FileNotFoundError:
        return None
    return str(program) if made.returncode == 0 else None


def mbedtls(door: Door, ca: str, suite: str, name: str = NAME) -> list[str]:
    """Without SNI: that is how small ones are."""
    program = _mbedtls_client()
    if program is None:
        pytest.skip("no C compiler, or no mbedTLS, here")
    if suite.startswith("TLS_"):
        pytest.skip("mbedTLS 2 has no TLS 1.3")
    of_family = suite.removeprefix("ECDHE-").replace("AES128", "AES-128").replace("AES256", "AES-256")
    family = {"ECDSA": "ECDHE-ECDSA-WITH-", "RSA-A": "ECDHE-RSA-WITH-"}.get(of_family[:5], "RSA-WITH-")
    return [program, door.host, str(door.port), name, ca, f"TLS-{family}{of_family[of_family.index('AES') :]}"]


@pytest.mark.parametrize("client", [openssl, curl, gnutls, mbedtls])
@pytest.mark.parametrize("kinds", [("rsa",), ("ec",), ("rsa", "ec")], ids="+".join)
async def test_each_suite_with_each_certificate(
    door: Door, tmp_path: Path, kinds: tuple[str, ...], client: Client
) -> None:
    files = [str(server(kind).write(tmp_path, kind)) for kind in kinds]
    door.context_in_use = server_context(TlsFiles([Pair(file, file) for file in files]))
    ca = tmp_path / "ca.pem"
    ca.write_bytes(authority("site").cert_pem.bytes())
    for suite in SUITES:
        wanted = "ec" if "ECDSA" in suite else "rsa"
        assert await works(client(door, str(ca), suite)) is (wanted in kinds), suite
        if wanted not in kinds:
            assert (await door.refusal())[0] == "tls_suite"
    if client is not mbedtls:
        assert await works(client(door, str(ca), "TLS_AES_128_GCM_SHA256"))
    other = tmp_path / "other.pem"
    other.write_bytes(authority("other").cert_pem.bytes())
    suite = SUITES[0] if "ec" in kinds else SUITES[-1]
    assert not await works(client(door, str(other), suite)), "it looks whom it speaks with"
    reason, detail = await door.refusal()
    assert (reason, "it refuses: " in str(detail) or "it left" in str(detail)) == ("tls", True), detail


@pytest.fixture(
    scope="module", params=[(NAME, "127.0.0.1"), ("127.0.0.1",), ("127.0.0.1", NAME)], ids=lambda names: "+".join(names)
)
def named(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[tuple[str, ...], OwnFiles]:
    """What `cert init` makes for these names."""
    now = datetime.now(UTC)
    own = OwnFiles(tmp_path_factory.mktemp("own"))
    create_server_certificates(own, create_authority(own, "My CPO", now), request.param, now, 90)
    return request.param, own


@pytest.mark.parametrize("client", [openssl, curl, gnutls, mbedtls])
async def test_each_name_and_address_that_a_certificate_of_ours_is_for(
    door: Door, named: tuple[tuple[str, ...], OwnFiles], client: Client
) -> None:
    """A site may have nothing but an address. Whoever is called something else is not believed."""
    names, own = named
    door.context_in_use = server_context(TlsFiles([Pair(str(file), str(file)) for file in own.servers]))
    for suite in (SUITES[0], SUITES[-1]):
        for name in names:
            assert await works(client(door, str(own.ca), suite, name)), (suite, name)
        for other in {"csms.example", *(() if NAME in names else (NAME,))}:
            assert not await works(client(door, str(own.ca), suite, other)), (suite, other)


async def works(command: list[str]) -> bool:
    """Whether its handshake was good, by its exit code."""
    ended = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(ended.communicate(), _SECONDS)
    print(command[0], said.decode(errors="replace"))
    return ended.returncode == 0


@pytest.mark.parametrize("flag", ["-tls1", "-tls1_1"])
async def test_versions_before_1_2_are_refused_with_alert_70(door: Door, tmp_path: Path, flag: str) -> None:
    """W A00.FR.312 to 314."""
    file = str(server("rsa").write(tmp_path, "rsa"))
    door.context_in_use = server_context(TlsFiles([Pair(file, file)]))
    command = [_needs("openssl"), "s_client", "-connect", f"{door.host}:{door.port}", flag]
    ended = await asyncio.create_subprocess_exec(
        *(*command, "-cipher", "ALL:@SECLEVEL=0"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(ended.communicate(), _SECONDS)
    if b"no protocols available" in said or b"unknown option" in said.lower():
        pytest.skip("this openssl speaks none of them itself")
    assert b"alert number 70" in said, said
    assert (await door.refusal())[0] == "tls_version"
