"""`tls`: what charge points see of csmsd's end of TLS, and certificates that come from elsewhere."""

from pathlib import PurePosixPath
from typing import Annotated, Any

import typer

from csmsctl.display.table import Column, Record
from csmsctl.display.value_texts import moment_text, plain_text
from csmsctl.failure import OTHER, USAGE, Failure
from csmsctl.invocation import Invocation, invocation


def _finding_style(record: Record) -> str:
    return "red" if record.get("severity") == "refused" else "yellow"


_SUITES = (
    Column("suite", "SUITE"),
    Column("shown", "OFFERED"),
    Column("certificate", "CERTIFICATE"),
)
_CERTIFICATES = (
    Column("kind", "KIND"),
    Column("key", "KEY"),
    Column("subject", "SUBJECT"),
    Column("issuer", "ISSUER"),
    Column("names", "NAMES", folds=True),
    Column("not_after", "UNTIL", moment_text),
)
_FINDINGS = (
    Column("severity", "", style=_finding_style),
    Column("who", "BY"),
    Column("text", "WHY", folds=True),
)


def tls_check_command(
    ctx: typer.Context,
    address: Annotated[
        str | None, typer.Argument(metavar="[HOST:PORT]", help="A server; csmsd itself without one")
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Option("--name", metavar="NAME", help="Name or address that charge points know it by; may be repeated"),
    ] = None,
) -> None:
    """Check what a charge point would see: versions, suites, certificates, and what would keep it away.

    Each suite of the security whitepaper is asked for alone, as a charge point would that knows no other. The
    certificates are judged for OpenSSL, mbedTLS, GnuTLS and Go, which disagree about names, usages and keys. csmsd
    asks, so an address is one that it reaches. Exit status 1 where somebody would be refused.
    """
    run = invocation(ctx)
    # Ten questions, each of which may wait in vain.
    found = run.client.call(
        "tls.check",
        {"address": address, "names": names or [], "timeout": min(run.options.timeout, 5.0)},
        timeout=run.options.timeout + 60,
    )
    run.exit_code = OTHER if any(one["severity"] == "refused" for one in found["findings"]) else 0
    if not run.output.documented(found):
        _show_tls_check(run, found)


def _show_tls_check(run: Invocation, found: dict[str, Any]) -> None:
    output = run.output
    if not output.csv:
        versions = ", ".join(one["version"] for one in found["versions"] if one["offered"])
        output.fields([("address", plain_text(found["address"] or "csmsd itself")), ("versions", versions or "none")])
        output.table(_SUITES, [{**one, "shown": "yes" if one["offered"] else "no"} for one in found["suites"]])
        output.table(
            _CERTIFICATES, [{**one, "names": ", ".join(map(str, one["names"]))} for one in found["certificates"]]
        )
    if found["findings"] or output.csv:
        output.table(_FINDINGS, found["findings"])
    else:
        output.note("Nothing would keep a charge point away.")


def tls_reload_command(ctx: typer.Context) -> None:
    """Have csmsd read certificates, keys and lists of revoked ones anew.

    New connections meet the new ones; those that are open stay. What cannot be used changes nothing.
    """
    run = invocation(ctx)
    answer = run.call("tls.reload")
    until = min((one["at"] for one in answer["ends"]), default=None)
    text = f"TLS is on, until {moment_text(until, run.output.terminal)}." if answer["on"] else "There is no TLS."
    run.output.outcome(answer, text)


_CERTBOT = """\
#!/bin/sh
# Deploy hook for certbot: gives csmsd a copy that it may read, and has it used.
# Put this into /etc/letsencrypt/renewal-hooks/deploy/csmsd, executable by root, and name in csmsd.toml:
#   [[tls.certificates]]
#   certificate = "{directory}/NAME.pem"
# One certificate of each kind of key suits every charge point:
#   certbot certonly --key-type rsa --rsa-key-size 2048 --cert-name csms-rsa ...
#   certbot certonly --key-type ecdsa --cert-name csms-ec ...
set -eu
umask 077
name=$(basename "$RENEWED_LINEAGE")
mkdir -p "{directory}"
# What csmsd's user may change, root must not walk through: links there would lead root anywhere.
chown "$(id -u)" "{directory}"
chmod 755 "{directory}"
new=$(mktemp "{directory}/.new.XXXXXX")
trap 'rm -f "$new"' EXIT
cat "$RENEWED_LINEAGE/fullchain.pem" "$RENEWED_LINEAGE/privkey.pem" >"$new"
chown "{user}" "$new"
mv -fT "$new" "{directory}/$name.pem"
csmsctl tls reload
"""


def tls_hook_command(
    ctx: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="certbot", help="What renews the certificates")],
    user: Annotated[str, typer.Option("--user", metavar="USER", help="The user that csmsd runs as")] = "csms",
    directory: Annotated[
        str, typer.Option("--directory", metavar="DIR", help="Where csmsd finds them")
    ] = "/etc/csmsd/tls",
) -> None:
    """Print a deploy hook: what renews certificates runs it, and csmsd uses the new ones.

    Keys of certbot are root's alone. The hook gives csmsd a copy, certificate and key in one file that is replaced as
    a whole, in a directory that stays root's, and reloads. Such certificates are for csmsd's own end; charge points get
    theirs from `cert`.
    """
    run = invocation(ctx)
    if kind != "certbot":
        raise Failure(USAGE, f"There is no hook for {kind!r}.", "There is one for certbot.")
    if not user.replace("-", "").replace("_", "").isalnum():
        raise Failure(USAGE, f"{user!r} is no name of a user.")
    if not PurePosixPath(directory).is_absolute() or not set(directory).isdisjoint("\"'$`\\\n{}"):
        raise Failure(USAGE, f"{directory!r} is no absolute path that a script can name.")
    text = _CERTBOT.format(user=user, directory=directory)
    if not run.output.documented({"script": text}):
        run.output.raw(text.encode())
