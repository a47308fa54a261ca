"""The messages of a simulated charge point: how it answers, and what it does after its own."""

from tests.csmsctl.simulator.central_system import booted


def test_unknown_actions_are_not_implemented_and_bad_payloads_are_refused() -> None:
    central_system = booted()
    assert central_system.call("MakeCoffee", strong=True)[0] == "NotImplemented"
    assert central_system.call("Reset", type="Gentle")[0] == "PropertyConstraintViolation"
    assert central_system.call("Reset")[0] == "OccurenceConstraintViolation"
    assert central_system.call("UnlockConnector", connectorId="one")[0] == "TypeConstraintViolation"
