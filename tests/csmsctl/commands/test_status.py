"""`status`: what goes on."""

from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import ScriptedDaemon


def test_status(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    offline = samples.charge_point("CP2", connected=False)
    never = samples.charge_point("CP3", connected=False, last_seen_at=None, connectors=[])
    daemon.replies["status"] = samples.status(samples.charge_point(), offline, never, unknown_charge_points=2)
    ended = csmsctl("status")
    assert ended.code == 0
    assert "csmsd 0.1.0, up 2 h 5 min: 1 of 3 charge points connected, 1 transaction running" in ended.out
    assert "unknown charge points reject, unknown idTags Invalid" in ended.out
    assert "2 unknown charge points knocked; see: csmsctl cp pending" in ended.out
    assert "offline (was Charging)" in ended.out
    assert "never connected" in ended.out
    [offline_charging] = [line for line in ended.out.splitlines() if "was Charging" in line]
    assert "7.360" not in offline_charging  # what flows now is not known
    assert csmsctl("status", "--json").document == daemon.replies["status"]
    assert csmsctl("status", "--csv", "--no-headers").out.splitlines()[0].startswith("CP1,true,")


def test_status_of_some(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["status"] = samples.status(samples.charge_point())
    ended = csmsctl("status", "CP*", "@north", "--no-headers")
    assert daemon.params("status") == {"targets": ["CP*", "@north"]}
    assert ended.out.splitlines()[0].startswith("CP1 ")


def test_connector_0_shows_when_something_is_wrong_with_it(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    well, ill = samples.connector(0), samples.connector(0, status="Faulted", error_code="GroundFailure")
    daemon.replies["status"] = samples.status(
        samples.charge_point("CP1", connectors=[well, samples.connector(1)]),
        samples.charge_point("CP2", connectors=[ill], reboot_required=True, boot_status="Pending"),
    )
    lines = csmsctl("status", "--no-headers").out.splitlines()[-2:]
    assert lines[0].split()[:3] == ["CP1", "1", "Available"]
    assert "Faulted GroundFailure" in lines[1]
    assert "registration Pending, reboot required" in lines[1]


def test_a_failing_store_is_told(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["status"] = samples.status(store="failing")
    assert "store is failing" in csmsctl("status").out
