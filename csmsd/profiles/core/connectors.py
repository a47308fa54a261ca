"""A charge point's connectors: which there are, and what speaks against a transaction on one, as far as is known."""

from shlex import quote

from csmsd.ocpp.identity import fold
from csmsd.profiles.action import Target
from csmsd.profiles.core.charge_points import MAX_CONNECTORS, ChargePointState, Connector

_ERRORS = {
    "ConnectorLockFailure": "its lock does not work",
    "GroundFailure": "its residual current device has tripped",
    "HighTemperature": "it is too hot",
    "OverCurrentFailure": "too much current",
    "PowerSwitchFailure": "its contactor does not work",
}  # C 7.6, in words


def connector_numbers(state: ChargePointState) -> list[int] | None:
    """All that there are but 0; None where the charge point has told of none."""
    reported = {number for number in state.connectors if number > 0}
    most = state.configured_number("NumberOfConnectors") or 0
    return sorted({*range(1, min(most, MAX_CONNECTORS) + 1), *reported}) or None


def missing_connector(state: ChargePointState, number: int | None) -> str | None:
    """Says which there are, where there is none of that number."""
    known = connector_numbers(state)
    if not number or known is None or number in known:
        return None
    listed = ", ".join(map(str, known))
    return f"{state.id} has no connector {number}, but {listed}"


def against_start_on_connector(number: int | None, id_tag: str, target: Target) -> str | None:
    """Why no transaction can begin there, or on any where none is named, and what helps."""
    state = target.charge_point
    if number is not None:
        absent = missing_connector(state, number)
        return (
            absent
            if absent is not None
            else _against_all_connectors(state) or _against_one_connector(number, id_tag, target)
        )
    whole = _against_all_connectors(state)
    if whole is not None:
        return whole
    known = connector_numbers(state)
    found = [_against_one_connector(number, id_tag, target) for number in known or ()]
    reasons = [reason for reason in found if reason is not None]
    return "; ".join(reasons) if reasons and len(reasons) == len(found) else None


def faulty_connector(state: ChargePointState, number: int) -> str | None:
    """`connector 2 is Faulted: GroundFailure (its residual current device has tripped)`."""
    connector = state.connectors.get(number)
    if connector is None or connector.status != "Faulted":
        return None
    where = f"connector {number}" if number else f"{state.id} as a whole"
    helps = f"csmsctl reset {quote(state.id)} --type soft"
    return f"{where} is Faulted{_connector_error(connector)}: that is mended there, then: {helps}"


def connector_out_of_service(state: ChargePointState, number: int) -> str | None:
    connector = state.connectors.get(number)
    if connector is None or connector.status != "Unavailable":
        return None
    where = f"connector {number}" if number else f"{state.id} as a whole"
    helps = f"csmsctl change-availability {quote(state.id)} --connector {number} --type operative"
    return f"{where} is Unavailable: {helps}"


def connector_in_preparation(state: ChargePointState, number: int | None) -> str | None:
    """What may explain a refusal, and speaks against no start: most start on a connector in Preparing."""
    connector = state.connectors.get(number or 0)
    if connector is None or connector.status != "Preparing":
        return None
    return f"connector {number} is Preparing: a vehicle is plugged in, or a start that came before waits for one"


def _against_all_connectors(state: ChargePointState) -> str | None:
    return faulty_connector(state, 0) or connector_out_of_service(state, 0)


def _against_one_connector(number: int, id_tag: str, target: Target) -> str | None:
    state = target.charge_point
    running = state.transactions.active_on(number)
    if running is not None:
        helps = f"csmsctl remote-stop --transaction {running.id}"
        return f"connector {number} is charging for {running.id_tag} (transaction {running.id}): {helps}"
    known = state.connectors.get(number)
    status = known.status if known is not None else ""
    if status == "Finishing":
        return f"connector {number} is Finishing: the vehicle of before is still plugged in"
    return (
        faulty_connector(state, number)
        or connector_out_of_service(state, number)
        or _reserved_connector(number, id_tag, status, target)
    )


def _reserved_connector(number: int, id_tag: str, status: str, target: Target) -> str | None:
    """For somebody else (C 5.13); connector 0 stays free for one, whichever that is."""
    state = target.charge_point
    tag = target.site.id_tag(id_tag)
    parent = tag.parent if tag is not None else None
    here = [known for known in target.site.reservations.active_on(state.id) if known.connector == number]
    for known in here:
        if not known.terms.serve(number, fold(id_tag), parent):
            helps = f"csmsctl cancel-reservation {quote(state.id)} --id {known.id}"
            return f"connector {number} is reserved for {known.id_tag} (reservation {known.id}): {helps}"
    return f"connector {number} is Reserved, not by csmsd" if status == "Reserved" and not here else None


def _connector_error(connector: Connector) -> str:
    parts = [] if connector.error_code == "NoError" else [connector.error_code]
    more = ", ".join(filter(None, (_ERRORS.get(connector.error_code), connector.info, connector.vendor_error_code)))
    text = f": {parts[0]}" if parts else ""
    return f"{text} ({more})" if more else text
