"""`csmsctl simulate`: runs simulated charge points in the foreground and prints what happens to them."""

from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from csmsctl.arguments.password_files import PasswordFile, password_of_file
from csmsctl.arguments.shared_parameters import duration_parameter_option, file_parameter_values
from csmsctl.failure import OTHER, USAGE, Failure
from csmsctl.invocation import invocation
from csmsctl.operations.given_files import given_pem, read_given_file
from csmsctl.simulator.car_descriptions import CAR_WORDS, car_of_description
from csmsctl.simulator.faults import FAULTS
from csmsd.ocpp.identity import IDENTITY_RULE, is_identity

if TYPE_CHECKING:
    from csmsd.profiles.load_management.circuits import Circuit, Member

DEFAULT_URL = "ws://127.0.0.1:9000/ocpp"
DEFAULT_TAG = "SIMTAG"
_FAULTS_HELP = "; ".join(f"{name} {fault.summary}" for name, fault in FAULTS.items())


def simulate_command(
    ctx: typer.Context,
    url: Annotated[
        str, typer.Option("--url", metavar="URL", help="Central System; the identity is appended")
    ] = DEFAULT_URL,
    count: Annotated[int, typer.Option("--count", metavar="N", help="Number of charge points", min=1)] = 1,
    prefix: Annotated[str, typer.Option("--prefix", metavar="TEXT", help="Identities are this and a number")] = "SIM-",
    identity: Annotated[
        list[str] | None,
        typer.Option("--id", metavar="ID", help="Identity of a charge point, instead of --count; repeatable"),
    ] = None,
    connectors: Annotated[int, typer.Option("--connectors", metavar="N", help="Connectors of each", min=1, max=32)] = 2,
    password_file: PasswordFile = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            "--tag",
            metavar="TAG",
            help="idTag that drivers present; repeatable. Without --auto one driver comes to each charge point",
        ),
    ] = None,
    charge: Annotated[float, duration_parameter_option("--charge", "How long that one driver charges (60)")] = 60.0,
    auto: Annotated[bool, typer.Option("--auto", help="Drivers come and go at random")] = False,
    plug: Annotated[
        bool, typer.Option("--plug/--no-plug", help="Plug in after a remote start, unplug after the end")
    ] = True,
    duration: Annotated[float | None, duration_parameter_option("--duration", "End after that time", least=0)] = None,
    speed: Annotated[
        float, typer.Option("--speed", metavar="X", help="How much faster energy flows than it would", min=0.01)
    ] = 1.0,
    car: Annotated[
        list[str] | None,
        typer.Option(
            "--car",
            metavar="CAR",
            help="A car that comes, instead of any; repeatable, they come in turn. Words with commas between: "
            + CAR_WORDS,
        ),
    ] = None,
    circuits: Annotated[
        str | None,
        typer.Option(
            "--circuits",
            metavar="FILE",
            help="Circuits on which they hang, as `circuit export` writes them; each has a breaker",
            autocompletion=file_parameter_values,
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="N", help="The same number gives the same course of events")
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Configuration key to begin with; repeatable"),
    ] = None,
    ca: Annotated[
        str | None, typer.Option("--ca", metavar="FILE", help="Root certificate of the Central System, PEM")
    ] = None,
    certificate: Annotated[
        str | None, typer.Option("--certificate", metavar="FILE", help="Its own certificate with its chain, PEM")
    ] = None,
    key: Annotated[str | None, typer.Option("--key", metavar="FILE", help="The key of that certificate, PEM")] = None,
    misbehave: Annotated[
        list[str] | None,
        typer.Option("--misbehave", metavar="KIND", help=f"Misbehave; repeatable. Kinds: {_FAULTS_HELP}"),
    ] = None,
    control: Annotated[
        str | None, typer.Option("--control", metavar="-", help="Take commands from standard input")
    ] = None,
) -> None:
    """Run simulated charge points against a Central System.

    They boot, report their statuses, answer commands, charge cars and send meter values, and print a line for each
    thing that happens, until Ctrl-C.

    With --circuits what flows on each phase of each circuit is measured, at the end or when a breaker trips it is told,
    and a breaker that trips cuts the power of all behind it. Then the command ends with 1.

    \b
    With --control - they obey lines on standard input, and end with it unless --duration is given:
      plug SIM-1 1 | unplug SIM-1 1 | present SIM-1 1 TAG | charge SIM-1 1 TAG SECONDS
      fault SIM-1 1 GroundFailure | offline SIM-1 | online SIM-1 | reboot SIM-1 | power-failure SIM-1 | quit
      car SIM-1 1 3x16A,late=30s (who comes there next) | other CIRCUIT L1 L2 L3 (A, of others) | close CIRCUIT
    """
    run = invocation(ctx)
    identities = identity or [f"{prefix}{number}" for number in range(1, count + 1)]
    _require_simulable(identities, misbehave or [], url)
    if control not in (None, "-"):
        raise Failure(USAGE, f"--control takes its commands from -, not from {control!r}.")
    if (certificate is None) != (key is None):
        raise Failure(USAGE, "A certificate and its key go together: --certificate and --key.")
    if control == password_file == "-":
        raise Failure(USAGE, "Standard input has either the commands or the password.")
    settings = dict(_simulated_key_and_value(text) for text in setting or [])
    password = password_of_file(password_file)
    try:
        cars = [car_of_description(text) for text in car or []]
    except ValueError as error:
        raise Failure(USAGE, f"--car {error}.") from None
    lines, members = ([], []) if circuits is None else _simulated_circuits(circuits)

    # Loaded only here: the help and the other commands do without asyncio and WebSockets.
    import asyncio

    from csmsctl.simulator import driver
    from csmsctl.simulator.charge_point import ChargePoint
    from csmsctl.simulator.connection import simulator_clock
    from csmsctl.simulator.notice import Notice
    from csmsctl.simulator.simulation import Simulation

    def report(notice: Notice) -> None:
        if run.options.json:
            run.output.line(notice.as_record())
        else:
            run.output.text(notice.as_text(), flush=True)

    charge_points = []
    for index, one in enumerate(dict.fromkeys(identities)):
        try:
            charge_point = ChargePoint(
                one,
                now=simulator_clock(),
                connectors=connectors,
                seed=seed,
                speed=speed,
                password=password,
                misbehave=misbehave or (),
                settings=settings,
                cars=[*cars[index % len(cars) :], *cars[: index % len(cars)]] if cars else (),
            )
        except ValueError as error:
            raise Failure(USAGE, f"--set {error}.") from None
        charge_point.tls.always = url.startswith("wss://")
        if ca is not None:
            charge_point.tls.roots["CentralSystemRootCertificate"] = [given_pem(ca)]
        if certificate is not None and key is not None:
            charge_point.tls.certificate = given_pem(certificate), read_given_file(key).decode()
        if plug:
            driver.ObligingDrivers(charge_point)
        if auto:
            driver.Visitors(charge_point, tag or [DEFAULT_TAG])
        elif tag:
            driver.one_driver_visit(charge_point, 1, tag[index % len(tag)], charge)
        charge_points.append(charge_point)

    simulation = Simulation(charge_points, url, report, run.output.warn, circuits=lines, members=members, speed=speed)
    ended_by = asyncio.run(simulation.run(duration, controlled=control is not None))
    if simulation.circuits.trips:
        raise Failure(OTHER, f"Breakers have tripped: {', '.join(simulation.circuits.tripped())}.")
    if ended_by is not None:
        run.exit_code = 128 + ended_by


def _require_simulable(identities: list[str], misbehave: list[str], url: str) -> None:
    for identity in identities:
        if not is_identity(identity):
            text = f"{identity!r} cannot be the identity of a charge point."
            raise Failure(USAGE, text, f"It needs {IDENTITY_RULE}.")
    for kind in misbehave:
        if kind not in FAULTS:
            raise Failure(USAGE, f"There is no misbehaviour {kind!r}.", f"Choose from: {', '.join(FAULTS)}.")
    if not url.startswith(("ws://", "wss://")) or not urlsplit(url).hostname:
        raise Failure(USAGE, f"--url wants ws://HOST:PORT/PATH or wss://…, not {url!r}.")


def _simulated_circuits(file: str) -> "tuple[list[Circuit], list[Member]]":
    import tomllib

    from csmsd.profiles.load_management.circuits import CircuitError, check_circuits
    from csmsd.profiles.load_management.description import read_circuits
    from csmsd.toml_text import read_toml

    try:
        circuits, members = read_circuits(read_toml(read_given_file(file).decode()))
        check_circuits(circuits, members)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, CircuitError) as error:
        raise Failure(USAGE, f"{file}: {error}.", "See: csmsctl circuit export") from None
    return circuits, members


def _simulated_key_and_value(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise Failure(USAGE, f"--set wants KEY=VALUE, not {text!r}.")
    return name, value
