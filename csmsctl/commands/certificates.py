"""`cert`: the site's certificate authority, and the certificates of charge points and of csmsd itself."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from csmsctl.arguments.listing_options import View, lists
from csmsctl.arguments.shared_parameters import (
    Identity,
    Targets,
    duration_parameter_option,
    file_parameter_values,
    live_parameter_values,
)
from csmsctl.arguments.targets import choose_targets
from csmsctl.display.confirm import confirm
from csmsctl.display.files import write_bytes_to_file
from csmsctl.display.table import Column, Record
from csmsctl.display.value_texts import moment_text, plain_text
from csmsctl.failure import USAGE, Failure
from csmsctl.invocation import Invocation, invocation
from csmsctl.operations.options import How, sent_everywhere
from csmsctl.operations.request import Request, exit_code_of_request, request_everywhere
from csmsctl.operations.results import show_results
from csmsctl.records.listing import Listing, listing_pages, show_listing

CertificateId = Annotated[
    str,
    typer.Argument(
        metavar="CERTIFICATE",
        help="Its number, fingerprint or serial number, or a charge point for its newest",
        autocompletion=live_parameter_values("certificates"),
    ),
]
OutputFile = Annotated[
    str,
    typer.Option(
        "--output", metavar="FILE", help="Write it there; - is standard output", autocompletion=file_parameter_values
    ),
]


def _certificate_state_style(record: Record) -> str:
    return {"used": "green", "issued": "yellow", "requested": "yellow", "revoked": "red", "refused": "red"}.get(
        str(record.get("state")), ""
    )


COLUMNS = (
    Column("id", "ID", right=True),
    Column("charge_point", "CHARGE POINT"),
    Column("kind", "KIND"),
    Column("common_name", "CN"),
    Column("state", "STATE", style=_certificate_state_style),
    Column("not_after", "UNTIL", moment_text),
    Column("serial", "SERIAL", wide=True),
    Column("organization", "O", wide=True),
    Column("issuer", "ISSUER", wide=True),
    Column("not_before", "FROM", moment_text, wide=True),
    Column("fingerprint", "FINGERPRINT", wide=True),
    Column("created_at", "CREATED", moment_text, wide=True),
    Column("changed_at", "CHANGED", moment_text, wide=True),
    Column("reason", "REASON", folds=True),
)
LISTING = Listing("certificates", COLUMNS, limit=100, empty="There is no such certificate.")


def certificate_init_command(
    ctx: typer.Context,
    names: Annotated[
        list[str],
        typer.Option("--name", metavar="NAME", help="Name or address that charge points connect to; may be repeated"),
    ],
    organization: Annotated[
        str, typer.Option("--organization", metavar="NAME", help="Your organization, as certificates bear it (O)")
    ],
) -> None:
    """Make a certificate authority and certificates for csmsd, which serves TLS with them from then on.

    The certificates are for these names and addresses, renewed by csmsd itself, and used without any setting: what
    csmsd.toml names in [tls] goes before them. Where there is a CA already it stays, and so does what charge points
    trust: the certificates alone are made anew, unless they are for the same names.
    """
    run = invocation(ctx)
    answer = run.call("certificate.init", organization=organization, names=names)
    if run.output.documented(answer):
        return
    if not answer["changed"]:
        run.output.note("Nothing changed: there are certificates for these names already.")
        return
    authority = next(one for one in answer["certificates"] if one["kind"] == "ca")
    servers = [one for one in answer["certificates"] if one["kind"] == "server"]
    human = run.output.terminal
    run.output.fields(
        [
            ("CA", f"{plain_text(authority['common_name'])}, until {moment_text(authority['not_after'], human)}"),
            ("certificates", f"for {', '.join(names)}, until {moment_text(servers[-1]['not_after'], human)}; renewed"),
            ("URL", _urls_of_certificates(names, answer["listen"])),
            ("CpoName", plain_text(authority["organization"])),
            ("root", "csmsctl cert export --output csms-root.pem"),
        ]
    )
    run.output.note("URL (before its identity), CpoName and root are what a charge point wants to know.")
    run.output.note("Keep the key of the CA in a safe place, too: csmsctl cert export-ca FILE")
    if answer["minimum_profile"] < 2:
        run.output.note("When all are at profile 2, let none be registered with less: security.minimum_profile = 2")


def _urls_of_certificates(names: Sequence[str], listen: Sequence[str]) -> str:
    port = listen[0].rpartition(":")[2] if listen else "PORT"
    hosts = [f"[{name}]" if ":" in name else name for name in names]
    return ", ".join(f"wss://{host}:{port}/ocpp/" for host in hosts)


@lists(time="created", limit=100)
def certificate_list_command(
    ctx: typer.Context,
    kind: Annotated[
        Literal["ca", "server", "charge_point"] | None,
        typer.Option("--kind", help="Of this kind only", case_sensitive=False),
    ] = None,
    state: Annotated[
        Literal["requested", "refused", "issued", "used", "replaced", "revoked"] | None,
        typer.Option("--state", help="In this state only", case_sensitive=False),
    ] = None,
    expiring: Annotated[
        float | None,
        duration_parameter_option("--expiring", "In use, and for so long at the most: 30d", least=0, most=10**9),
    ] = None,
    *,
    view: View,
) -> None:
    """List certificates that were issued here, and requests for them, newest first.

    issued: made, and has never connected; used: has connected; replaced: a newer one has connected since. With
    --expiring there are those alone that end soon, those of csmsd itself included.
    """
    run = invocation(ctx)
    wanted = {
        "targets": view.targets,
        "kind": kind,
        "state": state,
        "expiring_s": None if expiring is None else int(expiring),
        "since": view.since,
        "until": view.until,
    }
    show_listing(run, LISTING, view, listing_pages(run, "certificate.list", wanted, LISTING, view))


def certificate_show_command(ctx: typer.Context, certificate: CertificateId) -> None:
    """Show a certificate: whose it is, until when, and what became of it."""
    run = invocation(ctx)
    found = run.record("certificate.show", "certificates", certificate=certificate)
    if run.options.json:
        return
    if run.output.csv:
        run.output.table(COLUMNS, [found])
        return
    times = {"not_before", "not_after", "created_at", "changed_at"}
    run.output.fields(
        [
            (key.replace("_", " "), moment_text(value, run.output.terminal) if key in times else plain_text(value))
            for key, value in found.items()
            if key not in ("pem", "csr")
        ]
    )


def certificate_sign_command(
    ctx: typer.Context,
    charge_point: Identity,
    csr: Annotated[
        str | None,
        typer.Option("--csr", metavar="FILE", help="A request from a file", autocompletion=file_parameter_values),
    ] = None,
    output: OutputFile = "-",
) -> None:
    """Sign the request of a charge point that waits, and send it the certificate.

    Requests wait where ca.auto_sign is off. With --csr the request comes from a file, for a charge point that is given
    its certificate by hand; it must be registered, and the certificate is written, not sent.
    """
    run = invocation(ctx)
    text = None if csr is None else _certificate_file_text(csr)
    answer = run.call("certificate.sign", charge_point=charge_point, csr=text, timeout=run.options.timeout)
    if run.output.documented(answer):
        run.exit_code = exit_code_of_request(answer["results"])
    elif csr is not None:
        write_bytes_to_file(run.output, output, [answer["pem"].encode()])
    else:
        run.exit_code = exit_code_of_request(answer["results"])
        show_results(run.output, answer["results"], dry_run=False)


def _certificate_file_text(file: str) -> str:
    try:
        return Path(file).read_text("utf-8")
    except UnicodeDecodeError:
        raise Failure(USAGE, f"{file} is no text.", "In PEM: openssl req -inform DER -in OLD -out NEW") from None


@sent_everywhere(queued=False)
def certificate_renew_command(ctx: typer.Context, targets: Targets = None, *, how: How) -> None:
    """Have charge points make a new key and ask for a certificate; without any, csmsd renews its own.

    A charge point is sent ExtendedTriggerMessage with SignChargePointCertificate; its request is signed as ca.auto_sign
    says. The certificate that it has stays good until it has connected with the new one.
    """
    run = invocation(ctx)
    if targets:
        given = {"command": "extended-trigger-message", "parameters": {"message": "SignChargePointCertificate"}}
        request_everywhere(
            run, Request("operation.run", given, how), choose_targets(targets, globs=run.options.globs, everyone=False)
        )
        return
    answer = run.call("certificate.renew")
    until = moment_text(answer["certificates"][-1]["not_after"], run.output.terminal)
    run.output.outcome(answer, f"The certificates of csmsd are new, and good until {until}.")


def certificate_revoke_command(
    ctx: typer.Context,
    certificate: CertificateId,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept")],
) -> None:
    """Revoke a certificate, or all those of a charge point, and turn down what it has asked for.

    It is refused from the next connection on. One that is open stays until it is ended: `csmsctl cp disconnect`.
    """
    run = invocation(ctx)
    found = run.call("certificate.show", certificate=certificate)
    of = found["charge_point"] or found["common_name"]
    word, named = found["id"], f"certificate {found['id']} of {of}"
    if certificate.casefold() == str(found["charge_point"]).casefold():
        word, named = certificate, f"all certificates of {of}"
    confirm(run.options, f"Revoke {named}, with which it can never connect again?")
    answer = run.call("certificate.revoke", certificate=word, reason=reason)
    ended = ", ".join(f"{one['id']} is {one['state']}" for one in answer["certificates"])
    run.output.outcome(answer, f"Of the certificates of {of} {ended}.")


def certificate_export_command(
    ctx: typer.Context,
    certificate: Annotated[
        str | None,
        typer.Argument(
            metavar="[CERTIFICATE]",
            help="Its number, fingerprint or serial number, or a charge point for its newest; the root without any",
            autocompletion=live_parameter_values("certificates"),
        ),
    ] = None,
    output: OutputFile = "-",
    with_root: Annotated[bool, typer.Option("--with-root", help="The root behind it, too")] = False,
) -> None:
    """Write a certificate in PEM; without one the root of the CA, which is what charge points have to trust.

    A certificate comes with its issuing CAs, leaf first, without the root: no charge point needs that twice.
    """
    run = invocation(ctx)
    pieces: list[str] = []
    if certificate is not None:
        found = run.call("certificate.show", certificate=certificate)
        if not found["pem"]:
            raise Failure(USAGE, f"Certificate {found['id']} is {found['state']}: there is nothing to write.")
        pieces.append(found["pem"])
    if certificate is None or with_root:
        pieces.append(run.call("certificate.root")["pem"])
    _write_certificates(run, output, "".join(dict.fromkeys(pieces)))


def _write_certificates(run: Invocation, file: str, pem: str) -> None:
    if not run.output.documented({"pem": pem, "file": None if file == "-" else file}) or file != "-":
        write_bytes_to_file(run.output, file, [pem.encode()])


def certificate_export_ca_command(
    ctx: typer.Context,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="Where it goes, readable by its owner only; - is standard output",
            autocompletion=file_parameter_values,
        ),
    ],
) -> None:
    """Write the key of the CA with its certificate, for a safe place off this machine.

    Whoever has it can make certificates that every charge point of the site believes. No backup has it: to put it back,
    write the file as ca/ca.key into the directory of csmsd, mode 0600, and run `cert init` with the same organization.
    """
    run = invocation(ctx)
    if file != "-" and Path(file).exists():
        raise Failure(USAGE, f"{file} is there already.", "Name another file.")
    if file == "-" and run.output.terminal:
        raise Failure(USAGE, "That is a private key, and this is a terminal.", "Name a file, or send it to a program.")
    answer = run.call("certificate.export_ca")
    if run.output.documented({"file": file}) and file == "-":
        return
    write_bytes_to_file(run.output, file, [answer["pem"].encode()])
