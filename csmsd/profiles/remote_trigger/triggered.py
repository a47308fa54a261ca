"""What both ways of triggering a message share (C 5.17; whitepaper 5.5)."""

from csmsd.profiles.action import Observation, Target
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.core.connectors import connector_numbers, missing_connector
from csmsd.profiles.record import Milliseconds

_OF_A_CONNECTOR = ("MeterValues", "StatusNotification")


def objection_to_triggering(requested: str, target: Target) -> str | None:
    """Why that message is not to be asked for."""
    if requested == "BootNotification" and target.charge_point.record.boot_status == "Accepted":
        return "a charge point that was accepted must not be asked for BootNotification before it boots again (CE 3.40)"
    return None


def why_not_triggered(requested: str, connector: int | None, state: ChargePointState) -> str | None:
    """What is known here that explains a refusal."""
    absent = missing_connector(state, connector)
    if absent is None and connector is None and requested in _OF_A_CONNECTOR:
        return f"it may want a connector to be named: --connector {(connector_numbers(state) or [1])[0]}"
    return absent


def triggered_message_seen(
    state: ChargePointState, action: str, connector: int | None, since: Milliseconds
) -> Observation:
    """A message of that kind came since; of a status, one of that connector."""
    heard = state.heard.get(action, 0)
    if action == "StatusNotification" and connector is not None:
        known = state.connectors.get(connector)
        heard = known.received_at if known is not None else 0
    if heard < since:
        return Observation("not sent" if state.connected else "offline")
    return Observation("arrived", reached=True)
