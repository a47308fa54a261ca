"""`tx`: what was charged."""

from tests.csmsctl import samples
from tests.csmsctl.commands.listing import listing
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import ScriptedDaemon


def test_tx_list(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["transaction.list"] = listing("transactions", samples.transaction())
    words = ["--charge-point", "CP1", "--tag", "A1", "--state", "ACTIVE", "--since", "2026-01-01T00:00:00Z"]
    ended = csmsctl("tx", "list", *words, "--limit", "0")
    assert "7.360" in ended.out
    assert daemon.params("transaction.list") == {
        "charge_point": "CP1",
        "tag": "A1",
        "state": "active",
        "since": "2026-01-01T00:00:00.000Z",
        "limit": 0,
    }


def test_tx_show(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["transaction.show"] = samples.transaction(flags=["start_time:in_the_future"])
    out = csmsctl("tx", "show", "7").out
    for line in ("energy:         7.360 kWh", "duration:       1 h 0 min", "stop reason:    Remote"):
        assert line in out
    assert "start_time:in_the_future" in out
    document = csmsctl("tx", "show", "7", "--json").document
    assert document == listing("transactions", daemon.replies["transaction.show"])


def test_tx_meter_and_orphans(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    sample = {"measurand": "Power.Active.Import", "phase": None, "unit": "W", "context": None, "value": 7360.0}
    daemon.replies |= {
        "transaction.meter": {
            "transaction": 7,
            "meter_values": [{"time": "2026-01-31T10:00:00.000Z", "samples": [sample]}],
        },
        "quarantine.list": listing("quarantine", {"id": 1, "charge_point": "CP1", "payload": '{"a":"\x1b"}'}),
    }
    assert "Power.Active.Import" in csmsctl("tx", "meter", "7").out
    assert csmsctl("tx", "meter", "7", "--csv").out.splitlines()[1].startswith("2026-01-31T10:00:00.000Z,Power")
    assert '{"a":"\\x1b"}' in csmsctl("tx", "orphans", "--charge-point", "CP1").out
