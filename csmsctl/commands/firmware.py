"""`firmware`: images that csmsd hosts, the updates that charge points are at, and rollouts."""

import base64
from pathlib import Path
from typing import Annotated, Literal

import typer

from csmsctl.arguments.listing_options import Kind, View, lists
from csmsctl.arguments.shared_parameters import Targets, file_parameter_values, live_parameter_values
from csmsctl.arguments.targets import choose_targets
from csmsctl.display.confirm import confirm
from csmsctl.display.table import Column, Record
from csmsctl.display.value_texts import moment_text, plain_text, size_text
from csmsctl.failure import NOT_THERE, USAGE, Failure
from csmsctl.invocation import Invocation, invocation
from csmsctl.link.client import Result
from csmsctl.operations.given_files import given_contents
from csmsctl.operations.options import AllOption
from csmsctl.records.listing import Listing, named_in_listing, show_whole_listing

_PIECE = 1024 * 1024

ImageName = Annotated[
    str, typer.Argument(metavar="NAME", help="Its name", autocompletion=live_parameter_values("firmware"))
]


def _firmware_style(record: Record) -> str:
    state = str(record.get("state"))
    return "green" if state == "installed" else "red" if state.endswith("failed") or state == "unknown" else ""


_IMAGES = (
    Column("name", "NAME"),
    Column("version", "VERSION"),
    Column("size", "SIZE", size_text, right=True),
    Column("sha256", "SHA-256", wide=True),
    Column("note", "NOTE", folds=True),
    Column("added_at", "ADDED", moment_text),
)
_UPDATES = (
    Column("charge_point", "CHARGE POINT"),
    Column("state", "STATE", style=_firmware_style),
    Column("file", "FILE"),
    Column("version_before", "BEFORE"),
    Column("version_after", "AFTER"),
    Column("confirmed", "CONFIRMED", lambda value, human: plain_text(value)),
    Column("changed_at", "CHANGED", moment_text),
    Column("deadline_at", "DEADLINE", moment_text, wide=True),
    Column("fetched_at", "FETCHED", moment_text, wide=True),
    Column("location", "LOCATION", wide=True),
    Column("error", "ERROR", folds=True),
    Column("task", "TASK", right=True),
)


LISTING = Listing(
    "firmware",
    _IMAGES,
    name="name",
    time="added_at",
    empty="There is no firmware; add some with: csmsctl firmware add FILE",
)
UPDATES = Listing("updates", _UPDATES, name="charge_point", time="changed_at", empty="No update was ever ordered.")
IMAGES = Kind("NAME", "Only these: name or glob ('acme-*')", "firmware")


@lists(of=IMAGES, time="added")
def firmware_list_command(ctx: typer.Context, *, view: View) -> None:
    """List the images of firmware."""
    run = invocation(ctx)
    show_whole_listing(run, LISTING, view, named_in_listing(run.call("firmware.list"), LISTING, view))


def firmware_add_command(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The image", autocompletion=file_parameter_values)],
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Its name here (that of the file)")] = None,
    version: Annotated[
        str | None,
        typer.Option("--version", metavar="TEXT", help="Version that a charge point reports once it runs this"),
    ] = None,
    note: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="Note for people")] = None,
) -> None:
    """Store an image of firmware for charge points to fetch.

    What is there already under that name, with the same content, stays as it is.
    """
    run = invocation(ctx)
    path = Path(file)
    if not path.is_file():
        raise Failure(USAGE, f"{file} is no file.")
    called = name or path.name
    length = path.stat().st_size
    upload = run.call("firmware.begin", name=called, size=length)["upload"]
    with path.open("rb") as source:
        _send_firmware(run, upload, source, length)
    result = run.call("firmware.finish", upload=upload, name=called, version=version, note=note)
    if run.output.documented(result):
        return
    stored = result["firmware"]
    word = "is stored" if result.get("changed") else "is there already"
    run.output.note(f"{stored['name']} {word}: {stored['size']} bytes, SHA-256 {stored['sha256']}")


def _send_firmware(run: Invocation, upload: str, source: object, length: int) -> None:
    """In pieces, since a line of the protocol has its limit; with a bar on a terminal."""
    if run.output.shows_progress and length > 8 * _PIECE:
        from rich.progress import wrap_file

        from csmsctl.display.rich_terminal import rich_console

        terminal = rich_console(run.options.color, stderr=True)
        with wrap_file(source, length, description="sending", console=terminal, transient=True) as shown:  # type: ignore[arg-type]
            _send_all_firmware(run, upload, shown)
    else:
        _send_all_firmware(run, upload, source)


def _send_all_firmware(run: Invocation, upload: str, source: object) -> None:
    while data := source.read(_PIECE):  # type: ignore[attr-defined]
        run.call("firmware.write", upload=upload, data=base64.b64encode(data).decode())


def firmware_remove_command(
    ctx: typer.Context,
    name: ImageName,
    force: Annotated[bool, typer.Option("--force", help="Even while an update uses it")] = False,
) -> None:
    """Remove an image of firmware."""
    run = invocation(ctx)
    if not run.options.yes and name not in [image["name"] for image in run.call("firmware.list")["firmware"]]:
        raise Failure(NOT_THERE, f"No firmware {name}.", "See: csmsctl firmware list")  # nobody is asked about that
    confirm(run.options, f"Remove firmware {name}?")
    result = run.call("firmware.remove", name=name, force=force or None)
    _print_firmware_change(run, result, f"{name} is removed.")


@lists(time="changed")
def firmware_status_command(ctx: typer.Context, *, view: View) -> None:
    """Show the newest update of each charge point: what it reports, and the version that it boots with."""
    run = invocation(ctx)
    show_whole_listing(run, UPDATES, view, run.call("firmware.status", targets=view.targets))


def firmware_rollout_command(
    ctx: typer.Context,
    file: Annotated[
        str,
        typer.Option(
            "--file", metavar="NAME", help="Image that csmsd hosts", autocompletion=live_parameter_values("firmware")
        ),
    ],
    targets: Targets = None,
    all_: AllOption = False,
    parallel: Annotated[
        int, typer.Option("--parallel", metavar="N", min=1, max=1000, help="So many at once (1)", show_default=False)
    ] = 1,
    canary: Annotated[
        int,
        typer.Option(
            "--canary",
            metavar="N",
            min=0,
            help="So many first, and all of them well, before the others (0)",
            show_default=False,
        ),
    ] = 0,
    only_idle: Annotated[bool, typer.Option("--only-idle", help="Only while no transaction runs there")] = False,
    window: Annotated[
        str | None,
        typer.Option("--window", metavar="HH:MM-HH:MM", help="Begin only then, in the local time of csmsd"),
    ] = None,
    max_failures: Annotated[
        int,
        typer.Option("--max-failures", metavar="N", min=0, help="Pause when more failed (0)", show_default=False),
    ] = 0,
    retries: Annotated[
        int | None, typer.Option("--retries", metavar="N", min=0, help="How often each may try again")
    ] = None,
    protocol: Annotated[
        Literal["http", "ftp"] | None, typer.Option("--protocol", help="What the charge points support")
    ] = None,
    signing_certificate: Annotated[
        str | None,
        typer.Option(
            "--signing-certificate",
            metavar="FILE",
            help="Signed firmware: certificate of the signature, PEM",
            autocompletion=file_parameter_values,
        ),
    ] = None,
    signature: Annotated[
        str | None,
        typer.Option(
            "--signature",
            metavar="FILE",
            help="Its signature, binary or base64",
            autocompletion=file_parameter_values,
        ),
    ] = None,
    sign_with: Annotated[
        str | None,
        typer.Option(
            "--sign-with",
            metavar="FILE",
            help="Key of the signing certificate, to sign it now",
            autocompletion=file_parameter_values,
        ),
    ] = None,
    padding: Annotated[
        Literal["pss", "pkcs1"] | None, typer.Option("--padding", help="How an RSA key signs (pss)")
    ] = None,
) -> None:
    """Update many charge points in stages; csmsd carries it on, also after a restart.

    See how it goes with csmsctl rollout show.
    """  # fmt: skip
    run = invocation(ctx)
    to = choose_targets(targets, globs=invocation(ctx).options.globs, everyone=all_)
    signed: Result = {}
    if signing_certificate or signature or sign_with or padding:
        given = {
            "file": file,
            "signing_certificate": signing_certificate,
            "signature": signature,
            "sign_with": sign_with,
            "padding": padding,
        }
        files = (("signing_certificate", "pem"), ("signature", "base64"), ("sign_with", "key"))
        signed = given_contents(run, files, {name: value for name, value in given.items() if value}, force=False)
        if len({"signing_certificate", "signature"} & set(signed)) != 2:
            raise Failure(
                USAGE, "Signed firmware has a certificate and a signature.", "See: csmsctl help firmware rollout"
            )
    result = run.call(
        "rollout.start",
        signing_certificate=signed.get("signing_certificate"),
        signature=signed.get("signature"),
        targets=to.targets,
        file=file,
        parallel=parallel,
        canary=canary or None,
        only_idle=only_idle or None,
        window=window,
        max_failures=max_failures or None,
        retries=retries,
        protocol=protocol,
    )
    begun = result["rollout"]
    number = begun["charge_points"]
    named = f"{number} charge point{'' if number == 1 else 's'}"
    _print_firmware_change(run, result, f"Rollout {begun['id']} has begun, for {named}.")


def _print_firmware_change(run: Invocation, result: Result, sentence: str) -> None:
    run.output.outcome(result, sentence)
