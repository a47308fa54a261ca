"""Charging: with a card, from afar, for somebody else."""

from csmsctl.commissioning.ends import Failed, Skipped
from csmsctl.commissioning.step import Steps
from csmsctl.commissioning.visit import Visit
from csmsctl.link.client import Result
from csmsd.ocpp.identity import fold

STEPS = Steps()

_LONGEST_INTERVAL_S = 120  # between meter values, that is waited for
_LONGEST_TIMEOUT_S = 600  # for the cable
_SECONDS_FOR_ENERGY = 10  # 6 A for so long are some Wh
_RESERVED = "+5m"


@STEPS.step("local-start", "Charges with a card", disturbs="A transaction with a card and a car.", needs_person=True)
def local_start_step(visit: Visit) -> None:
    """C 3.5, 4.8, 4.10: the card is asked for, the transaction starts and stops."""
    visit.forget()
    visit.do(f"Plug a car into connector {visit.connector} and present a card.")
    started = visit.event(
        "transaction.started",
        "tag.authorized",
        seconds=_cable_seconds_in_step(visit),
        fits=lambda data: "transaction" in data or data["status"] != "Accepted",
        advice="Nothing came from the reader. Is it enabled, is the card readable, is the charge point in order?",
    )["data"]
    tag, status, transaction = started["id_tag"], started["status"], started.get("transaction")
    if transaction is not None:
        what = f"transaction {transaction}"
        visit.afterwards(what, lambda: _stop_in_step(visit, transaction))
        visit.saw(f"transaction {transaction} on connector {started['connector']} for {tag}")
    if status != "Accepted":
        raise Failed(f"idTag {tag} is {status}", f"If this card may charge: csmsctl tag add {tag}")
    visit.do("Present the same card again, to stop.")
    _await_stop_in_step(visit, transaction)
    visit.done(what)
    _settle_charging_step(visit, transaction)


@STEPS.step(
    "remote-start", "Starts and stops from afar", disturbs="A transaction that is started and stopped from here."
)
def remote_start_step(visit: Visit) -> None:
    """C 5.11, 5.12: accepted, really started, metered, really stopped."""
    transaction, what = begun_from_afar_in_step(visit)
    _metered_in_step(visit)
    visit.pause(visit.charge)
    visit.undo(what)
    if _settle_charging_step(visit, transaction) != "Remote":
        visit.saw("the reason should be Remote (C 7.36)")


def begun_from_afar_in_step(visit: Visit) -> tuple[int, str]:
    """A transaction that is started from here, and the name under which it is undone. Raises Failed."""
    tag, what, seconds = asked_to_begin_in_step(visit)
    return begun_transaction_in_step(visit, tag, seconds), what


def asked_to_begin_in_step(visit: Visit) -> tuple[str, str, float]:
    """For which idTag, the name under which it is undone, and within how many seconds it is to begin. Raises Failed."""
    tag = visit.id_tag()
    _wait_for_connector_in_step(visit, unplugged=False)
    visit.forget()
    what = f"a transaction of {tag}"
    visit.afterwards(what, lambda: _stop_all_of_step(visit, tag))  # before the start: its answer may be lost
    advice = "Is the connector free and operative?"
    visit.accepted("remote-start", advice, creates=what, tag=tag, connector=visit.connector)
    seconds = _cable_seconds_in_step(visit)
    visit.tell(f"Plug a car into connector {visit.connector}, unless one is; {seconds:g} s to go …")
    return tag, what, seconds


def begun_transaction_in_step(visit: Visit, tag: str, seconds: float) -> int:
    """The transaction that begins for that idTag. Raises Failed."""
    started = visit.event(
        "transaction.started",
        seconds=seconds,
        fits=lambda data: data["connector"] == visit.connector,
        advice="It accepted and started nothing: was a car plugged in within ConnectionTimeOut?",
    )["data"]
    transaction: int = started["transaction"]
    visit.saw(f"transaction {transaction} for {started['id_tag']}, meter {started['meter_start_wh']} Wh")
    if fold(started["id_tag"]) != fold(tag):
        raise Failed(
            f"it started for {started['id_tag']}, not for {tag}", "Somebody presented a card? Repeat the test."
        )
    return transaction


@STEPS.step(
    "reservation",
    "Keeps a reservation",
    profile="Reservation",
    disturbs="The connector is reserved for a moment.",
)
def reservation_step(visit: Visit) -> None:
    """C 5.13, 5.1: reserved, shown as Reserved, cancelled."""
    from csmsctl.arguments.when_and_duration import parse_when

    _wait_for_connector_in_step(visit, unplugged=True)
    visit.forget()
    result = visit.accepted("reserve-now", connector=visit.connector, tag=visit.id_tag(), expires=parse_when(_RESERVED))
    number = result["request"]["reservationId"]
    what = f"reservation {number}"
    visit.afterwards(what, lambda: visit.accepted("cancel-reservation", id=number))
    visit.event(
        "connector.status",
        fits=lambda data: data["connector"] == visit.connector and data["status"] == "Reserved",
        advice="It accepted the reservation and does not show it (C 4.9: status Reserved).",
    )
    visit.undo(what)
    visit.saw(f"{what} kept and cancelled")


def _cable_seconds_in_step(visit: Visit) -> float:
    return min(_LONGEST_TIMEOUT_S, visit.number("ConnectionTimeOut", 60)) + visit.timeout


def _stop_in_step(visit: Visit, transaction: int) -> None:
    visit.forget()
    visit.accepted(
        "remote-stop",
        "Does it know the transaction by the id that it was given? Stop it at the charge point.",
        transaction=transaction,
    )
    _await_stop_in_step(visit, transaction)


def _stop_all_of_step(visit: Visit, tag: str) -> None:
    """None ran when the step began: those of the idTag are of the step."""
    for known in visit.record()["connectors"]:
        if known["transaction"] is not None and fold(str(known["id_tag"])) == fold(tag):
            _stop_in_step(visit, known["transaction"])


def _await_stop_in_step(visit: Visit, transaction: int) -> None:
    visit.event(
        "transaction.stopped",
        seconds=2 * visit.timeout,
        fits=lambda data: data["transaction"] == transaction,
        advice="Stop it at the charge point; one that never stops is closed with csmsctl tx close.",
    )


def _settle_charging_step(visit: Visit, transaction: int) -> str | None:
    """What the transaction came to. Returns why it was stopped."""
    found: Result = visit.call("transaction.show", id=transaction)
    reason: str | None = found["stop_reason"]
    visit.saw(f"stopped ({reason or 'no reason told'}) with {found['energy_wh']} Wh in {found['duration_s']} s")
    if not found["energy_wh"] and (found["duration_s"] or 0) >= _SECONDS_FOR_ENERGY:
        visit.saw("no energy was metered: did the car draw any?")
    if found["energy_suspect"]:
        raise Failed("its meter readings contradict each other", f"csmsctl tx meter {transaction}")
    return reason


def _metered_in_step(visit: Visit) -> None:
    """C 4.7: meter values of the transaction, when they are due or on request."""
    interval = visit.number("MeterValueSampleInterval", 0)
    advice = "It sends no meter values: see MeterValueSampleInterval and MeterValuesSampledData."
    if visit.supports("RemoteTrigger"):
        [result] = visit.operation("trigger-message", message="MeterValues", connector=visit.connector)
        if result["outcome"] == "accepted":
            interval = 1
    if not 0 < interval <= _LONGEST_INTERVAL_S:
        visit.saw("no meter values waited for: none are due soon (MeterValueSampleInterval)")
        return
    visit.message("MeterValues", seconds=interval + visit.timeout, fits=visit.here, advice=advice)
    visit.saw("meter values came")


def _wait_for_connector_in_step(visit: Visit, *, unplugged: bool) -> None:
    """After a transaction the connector is Finishing until the cable is unplugged (C 4.9)."""
    busy = ("Finishing", "Preparing") if unplugged else ("Finishing",)
    visit.forget()
    connectors = visit.record()["connectors"]
    status = next((known["status"] for known in connectors if known["connector"] == visit.connector), None)
    if status in busy:
        visit.tell(f"Unplug the car from connector {visit.connector} …")
        status = visit.event(
            "connector.status",
            seconds=_cable_seconds_in_step(visit),
            fits=lambda data: data["connector"] == visit.connector and data["status"] not in busy,
            advice="Unplug the car, and repeat this step: --step",
        )["data"]["status"]
    if status not in ("Available", "Preparing", None):
        raise Skipped(f"connector {visit.connector} is {status}")
