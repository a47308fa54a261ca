"""The metrics of load management."""

from csmsd.metrics.load import load_metrics
from csmsd.profiles.load_management.circuits import Circuit, Member, Reading
from csmsd.profiles.load_management.load import LoadPause
from tests.csmsd.profiles.scene import NOON, Scene

A = 1000


def samples(scene: Scene) -> dict[tuple[str, ...], float]:
    found = load_metrics(scene.site, {"accepted": 7, "refused": 1}, 0, NOON)
    return {(sample.name, *sample.labels.values()): sample.value for family in found for sample in family.samples}


def test_circuits_are_told_by_phase_and_members_by_state() -> None:
    scene = Scene()
    load = scene.site.smart_charging.load
    circuit = Circuit(name="garage", l1_ma=32 * A, l2_ma=32 * A, l3_ma=32 * A, power_w=20_000)
    load.replace([circuit], [Member(circuit="garage", charge_point="CP1", phases="L2")])
    load.ledger.begin(("cp1", 1), 16 * A, (1,), NOON)
    load.readings["garage"] = Reading(circuit="garage", l1_ma=4 * A, l2_ma=5 * A, l3_ma=0, at=NOON)
    scene.started()
    scene.meter({"value": "9", "measurand": "Current.Import", "phase": "L1", "unit": "A"})
    told = samples(scene)
    assert [told[f"csms_circuit_{what}_amperes", "garage", "L2"] for what in ("limit", "other", "given", "drawn")] == [
        32,
        5,
        16,
        9,
    ]
    assert [told[f"csms_circuit_{what}_watts", "garage"] for what in ("limit", "other", "given", "drawn")] == [
        20_000,
        9 * 230,
        16 * 230,
        9 * 230,
    ]
    assert (told["csms_circuit_members", "unmanaged"], told["csms_circuit_members", "idle"]) == (1, 0)
    assert (told["csms_leases_total", "accepted"], told["csms_leases_total", "refused"]) == (7, 1)
    assert told["csms_load_management_paused",] == 0
    load.pause = LoadPause(since=NOON)
    assert samples(scene)["csms_load_management_paused",] == 1
