"""`cp`: register, change and remove charge points."""

from typing import Annotated, Any, Literal

import typer

from csmsctl.arguments.password_files import PasswordFile, password_of_file
from csmsctl.arguments.shared_parameters import Identity
from csmsctl.display.confirm import confirm
from csmsctl.failure import USAGE, Failure
from csmsctl.invocation import Invocation, invocation
from csmsctl.link.client import Result
from csmsctl.records.addresses import connection_urls

NewIdentity = Annotated[
    str, typer.Argument(metavar="CHARGE_POINT", help="Its identity: what stands last in the URL it connects to")
]
Labels = Annotated[list[str] | None, typer.Option("--label", metavar="NAME", help="Label; may be repeated")]
Note = Annotated[str | None, typer.Option("--note", metavar="TEXT", help="Note for people")]
Profile = Annotated[
    int | None,
    typer.Option("--security-profile", metavar="0|1|2|3", min=0, max=3, help="Security profile (0 unless said)"),
]
CertificateName = Annotated[
    str | None,
    typer.Option(
        "--certificate-name", metavar="NAME", help="Name (CN) of its certificate, for profile 3: its serial number"
    ),
]
Generate = Annotated[bool, typer.Option("--generate-password", help="Make a password and print it once")]
Registration = Annotated[
    Literal["Accepted", "Pending", "Rejected"] | None,
    typer.Option("--registration", help="What BootNotification is answered with", case_sensitive=False),
]
TimeZone = Annotated[
    str | None, typer.Option("--time-zone", metavar="ZONE", help="Zone of its times that name none (UTC)")
]
Strict = Annotated[
    bool | None, typer.Option("--strict/--lenient", help="Answer every deviation with a CALLERROR, or bear with it")
]
Subprotocol = Annotated[
    bool | None,
    typer.Option("--subprotocol-optional/--subprotocol-needed", help="Accept it without Sec-WebSocket-Protocol"),
]
Origin = Annotated[
    bool | None,
    typer.Option("--allow-origin/--refuse-origin", help="Accept an Origin header without a password, like a browser's"),
]
Ping = Annotated[bool | None, typer.Option("--ping/--no-ping", help="Send WebSocket pings")]
Reassert = Annotated[
    bool | None,
    typer.Option("--reassert/--no-reassert", help="Send its charging profiles again after a reconnect, or never"),
]


def charge_point_add_command(
    ctx: typer.Context,
    charge_point: NewIdentity,
    label: Labels = None,
    security_profile: Profile = None,
    certificate_name: CertificateName = None,
    generate_password: Generate = False,
    password_file: PasswordFile = None,
    note: Note = None,
    registration: Registration = None,
    time_zone: TimeZone = None,
    strict: Strict = None,
    subprotocol_optional: Subprotocol = None,
    allow_origin: Origin = None,
    ping: Ping = None,
    reassert: Reassert = None,
) -> None:
    """Register a charge point, and print the URL to type into it.

    A generated password is shown once and stored as a hash only. What is registered already stays as it is.
    """
    run = invocation(ctx)
    result = run.call(
        "charge_point.add",
        id=charge_point,
        labels=label or None,
        note=note,
        security_profile=security_profile,
        certificate_name=certificate_name,
        password=_password_of_charge_point(password_file, generate_password),
        generate_password=generate_password or None,
        registration=registration,
        time_zone=time_zone,
        strict=strict,
        subprotocol_optional=subprotocol_optional,
        origin_allowed=allow_origin,
        ping=ping,
        reassert=reassert,
    )
    identity = str((result.get("charge_point") or {}).get("id") or charge_point)
    if not result.get("changed"):
        _print_charge_point_change(
            run, result, f"{identity} is registered already; nothing has changed.", changes="csmsctl cp set"
        )
        return
    urls = connection_urls(run, identity, (result.get("charge_point") or {}).get("security_profile"))
    result |= {"url": urls[0], "urls": urls}
    _print_charge_point_change(run, result, f"{identity} is registered.")


def _confirm_lowering(run: Invocation, charge_point: str, security_profile: int) -> None:
    known = run.call("charge_point.show", id=charge_point)["security_profile"]
    if security_profile < known:
        confirm(
            run.options,
            f"{charge_point} is registered with security profile {known}, and whoever says to be it shows less with "
            f"{security_profile}{': nothing at all' if security_profile == 0 else ''}. Lower it?",
        )


def charge_point_set_command(
    ctx: typer.Context,
    charge_point: Identity,
    label: Annotated[
        list[str] | None, typer.Option("--label", metavar="NAME", help="Label to add; may be repeated")
    ] = None,
    remove_label: Annotated[
        list[str] | None, typer.Option("--remove-label", metavar="NAME", help="Label to take away; may be repeated")
    ] = None,
    security_profile: Profile = None,
    certificate_name: CertificateName = None,
    generate_password: Generate = False,
    password_file: PasswordFile = None,
    note: Note = None,
    registration: Registration = None,
    time_zone: TimeZone = None,
    strict: Strict = None,
    subprotocol_optional: Subprotocol = None,
    allow_origin: Origin = None,
    ping: Ping = None,
    reassert: Reassert = None,
    default_reassert: Annotated[
        bool, typer.Option("--default-reassert", help="Do with them what csmsd's settings say")
    ] = False,
) -> None:
    """Change what is kept of a charge point; what is not named stays."""
    run = invocation(ctx)
    fields = {
        "add_labels": label or None,
        "remove_labels": remove_label or None,
        "note": note,
        "security_profile": security_profile,
        "certificate_name": certificate_name,
        "password": _password_of_charge_point(password_file, generate_password),
        "generate_password": generate_password or None,
        "registration": registration,
        "time_zone": time_zone,
        "strict": strict,
        "subprotocol_optional": subprotocol_optional,
        "origin_allowed": allow_origin,
        "ping": ping,
        "reassert": reassert,
    }
    given: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
    if default_reassert:
        if reassert is not None:
            raise Failure(USAGE, "--default-reassert goes with neither --reassert nor --no-reassert.")
        given["reassert"] = None
    if not given:
        raise Failure(USAGE, "Nothing to change is named.", "See: csmsctl cp set --help")
    if security_profile is not None and not run.options.yes:
        _confirm_lowering(run, charge_point, security_profile)
    result = run.client.call("charge_point.set", {"id": charge_point, **given}, keep_null=True)
    _print_charge_point_change(
        run, result, f"{charge_point} is changed." if result.get("changed") else "It was so already."
    )


def charge_point_remove_command(
    ctx: typer.Context,
    charge_point: Identity,
    force: Annotated[bool, typer.Option("--force", help="Even while a transaction is running there")] = False,
) -> None:
    """Remove a charge point; its transactions are kept."""
    run = invocation(ctx)
    if not run.options.yes:
        run.call("charge_point.show", id=charge_point)  # nobody is asked about one that is not there
    confirm(run.options, f"{charge_point} will be disconnected and refused from then on. Remove it?")
    result = run.call("charge_point.remove", id=charge_point, force=force or None)
    _print_charge_point_change(run, result, f"{charge_point} is removed.")


def charge_point_accept_command(ctx: typer.Context, charge_point: Identity) -> None:
    """Accept a charge point that `cp pending` lists, and say what comes next."""
    run = invocation(ctx)
    result = run.call("charge_point.accept", id=charge_point)
    accepted = f"{charge_point} is accepted. {result.get('then') or ''}".rstrip()
    _print_charge_point_change(run, result, accepted if result.get("changed") else "It was accepted already.")


def charge_point_disconnect_command(ctx: typer.Context, charge_point: Identity) -> None:
    """Close the connection of a charge point; most come back by themselves."""
    run = invocation(ctx)
    result = run.call("charge_point.disconnect", id=charge_point)
    _print_charge_point_change(
        run, result, f"{charge_point} is disconnected." if result.get("changed") else "It was not connected."
    )


def _print_charge_point_change(run: Invocation, result: Result, sentence: str, *, changes: str = "") -> None:
    if run.output.documented(result):
        return
    run.output.note(sentence + (f" To change it: {changes}" if changes else ""))
    run.output.fields(
        [*(("URL", str(url)) for url in result.get("urls") or []), ("password", str(result.get("password") or ""))]
    )


def _password_of_charge_point(file: str | None, generate: bool) -> str | None:
    if file is not None and generate:
        raise Failure(USAGE, "--generate-password and --password-file exclude each other.")
    return password_of_file(file)
