"""What is odd about the transactions of a charge point, and about what its connectors do without one."""

from collections.abc import Iterator
from shlex import quote

from csmsd.control.problems.problem import SHORTEST_SILENCE_S, Problem, problem, seconds
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.reservation.foreign_use import foreign_uses_of
from csmsd.profiles.site import Site
from csmsd.profiles.smart_charging.compliance import excess_over_compliance

_MISSED_READINGS = 3
_READINGS_WITHIN_S = 900  # where the charge point's interval is not known
# Many say Charging before they tell of the start.
_SETTLES_MS = 10_000
_ESTIMATED_MS = 3_600_000
_IN_USE = ("Charging", "SuspendedEV", "SuspendedEVSE")  # C 4.9: in a transaction, by definition


def charging_problems(state: ChargePointState, site: Site, now: Milliseconds) -> Iterator[Problem]:
    """What is odd about the transactions that run, and what flows without one."""
    yield from _without_transaction(state, now)
    running = state.transactions.active()
    yield from _several(state, running)
    for transaction in running:
        number = transaction.connector
        yield from _over(state, transaction)
        yield from _reserved(state, transaction, site)
        yield from _limited(state, transaction, site, now)
        if transaction.id_tag_status != "Accepted":
            yield problem(
                state,
                "id_tag_refused",
                f"transaction {transaction.id} runs although its idTag was {transaction.id_tag_status}",
                f"csmsctl remote-stop --transaction {transaction.id}",
                since=transaction.start_time,
                connector=number,
            )
        verdict = state.running_verdict(transaction)
        # What is estimated may only wait for its register to be read.
        early = verdict is not None and verdict.doubts == ("estimate",) and now - transaction.began < _ESTIMATED_MS
        if verdict is not None and verdict.doubts and not early:
            yield problem(
                state,
                "energy_suspect",
                f"the energy of transaction {transaction.id} is in doubt: {', '.join(verdict.doubts)}",
                f"csmsctl tx reckon {transaction.id}",
                since=transaction.start_time,
                connector=number,
            )
        due = _readings_within(state, transaction)
        last = _last_reading(state, transaction)
        if due is not None and now - last > due * 1000:
            yield problem(
                state,
                "meter_values_missing",
                f"transaction {transaction.id} runs, and no meter values came for more than {due} s",
                f"csmsctl trigger-message {quote(state.id)} --message MeterValues --connector {number}",
                since=last,
                connector=number,
            )


def _readings_within(state: ChargePointState, transaction: Transaction) -> int | None:
    """Seconds in which a reading must come; None where nobody knows that the charge point sends any."""
    interval = seconds(state, "MeterValueSampleInterval")
    if interval:
        return max(_MISSED_READINGS * interval, SHORTEST_SILENCE_S)
    return _READINGS_WITHIN_S if interval is None and state.samples.get(transaction.connector) else None


def _last_reading(state: ChargePointState, transaction: Transaction) -> Milliseconds:
    """When one came last, at the earliest when it could have come."""
    samples = state.samples.get(transaction.connector)
    received = samples.received_at if samples is not None else 0
    return max(received, transaction.start_received_at, state.connected_at or 0)


def _without_transaction(state: ChargePointState, now: Milliseconds) -> Iterator[Problem]:
    """Energy that flows and belongs to nobody: its start was lost, or never told."""
    busy = {transaction.connector for transaction in state.transactions.active()}
    for number in sorted({*state.connectors, *state.outside} - busy - {0}):
        told = _in_use(state, number, now) or _measured(state, number, now)
        if told is None:
            continue
        what, since = told
        yield problem(
            state,
            "charging_without_transaction",
            f"{what}: nothing of it is billed",
            f"csmsctl log {quote(state.id)}",
            since=since,
            connector=number,
            severity="critical",
        )


def _in_use(state: ChargePointState, number: int, now: Milliseconds) -> tuple[str, Milliseconds] | None:
    connector = state.connectors.get(number)
    if connector is None or connector.status not in _IN_USE:
        return None
    power = state.power_w(number)
    if now - connector.received_at < _SETTLES_MS and not power:
        return None
    drawn = f", {power / 1000:.1f} kW" if power else ""
    return f"{connector.status} without a transaction{drawn}", connector.received_at


def _measured(state: ChargePointState, number: int, now: Milliseconds) -> tuple[str, Milliseconds] | None:
    """Whatever its status says, meters do not run by themselves."""
    outside = state.outside.get(number)
    flow = outside.flow(now) if outside is not None else None
    if flow is None:
        return None
    connector = state.connectors.get(number)
    status = connector.status if connector is not None else "without a status"
    found = [f"{flow.power_w / 1000:.1f} kW"] if flow.power_w is not None else []
    found += [f"{flow.energy_wh / 1000:.1f} kWh"] if flow.energy_wh else []
    return f"{' and '.join(found)} measured without a transaction, while it is {status}", flow.since


def _several(state: ChargePointState, running: list[Transaction]) -> Iterator[Problem]:
    """A connector has one car."""
    on: dict[int, list[Transaction]] = {}
    for transaction in running:
        on.setdefault(transaction.connector, []).append(transaction)
    for number, found in sorted(on.items()):
        if len(found) > 1:
            listed = ", ".join(str(transaction.id) for transaction in found)
            yield problem(
                state,
                "two_starts",
                f"transactions {listed} run at once on one connector",
                f"csmsctl tx list --charge-point {quote(state.id)} --state active",
                since=found[-1].start_received_at,
                connector=number,
            )


def _over(state: ChargePointState, transaction: Transaction) -> Iterator[Problem]:
    """A transaction on a connector that is free (C 4.9): its stop was lost, or is yet to come."""
    connector = state.connectors.get(transaction.connector)
    if connector is None or connector.status != "Available":
        return
    since = connector.received_at
    if since > transaction.start_received_at:
        yield problem(
            state,
            "running_on_free_connector",
            f"transaction {transaction.id} was never stopped, and its connector is Available",
            f"csmsctl tx close {transaction.id} --reason TEXT",
            since=since,
            connector=transaction.connector,
        )


def _reserved(state: ChargePointState, transaction: Transaction, site: Site) -> Iterator[Problem]:
    """A reservation is for one idTag, or for one group (C 5.13)."""
    for reservation, named in foreign_uses_of(transaction, site):
        used = "uses" if named else "runs in spite of"
        yield problem(
            state,
            "reservation_of_another",
            f"transaction {transaction.id} of idTag {transaction.id_tag} {used} reservation {reservation.id}, "
            f"which is for {reservation.id_tag}",
            f"csmsctl remote-stop --transaction {transaction.id}",
            since=transaction.start_received_at,
            connector=transaction.connector,
        )


def _limited(state: ChargePointState, transaction: Transaction, site: Site, now: Milliseconds) -> Iterator[Problem]:
    """A limit that has no effect may open a breaker."""
    found = excess_over_compliance(state, transaction.connector, site, now)
    if found is not None:
        marked, since = state.exceeds_since.get(transaction.connector, (None, None))
        yield problem(
            state,
            "limit_exceeded",
            f"{found.drawn:.1f} {found.unit} are drawn, and {found.limit:g} {found.unit} are allowed by "
            f"{found.because}",
            f"csmsctl profile verify {quote(state.id)} --connector {found.connector}",
            since=since if marked == transaction.id else None,
            connector=found.connector,
            severity="critical",
        )
