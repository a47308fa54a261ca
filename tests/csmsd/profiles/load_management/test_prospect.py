"""What would change under other circuits."""

from csmsd.profiles.load_management.circuits import Circuit, Member, Reading
from csmsd.profiles.load_management.prospect import LineOver, MemberProspect, prospect_of_circuits
from tests.csmsd.profiles.scene import NOON, Scene

A = 1000
LEASE = 900_000


def line(name: str, amperes: int, **more: object) -> Circuit:
    ma = amperes * A
    return Circuit(name=name, l1_ma=ma, l2_ma=ma, l3_ma=ma, **more)  # type: ignore[arg-type]


def members(circuit: str, *names: str) -> list[Member]:
    return [Member(circuit=circuit, charge_point=name) for name in names]


class Garage:
    """CP1 and CP2 behind 32 A; a car charges on each."""

    def __init__(self) -> None:
        self.scene = Scene()
        self.scene.register("CP2")
        for name in ("cp1", "cp2"):
            self.scene.site.charge_points[name].connected_at = NOON
            self.scene.started(by=name.upper())
        self.load = self.scene.site.smart_charging.load
        self.load.replace([line("garage", 32)], members("garage", "CP1", "CP2"))

    def under(self, circuits: list[Circuit], hanging: list[Member]) -> tuple[dict[str, MemberProspect], list[LineOver]]:
        found, over = prospect_of_circuits(self.scene.site, circuits, hanging, 0, NOON, LEASE)
        return {one.charge_point: one for one in found}, over


def test_shares_and_fallbacks_are_told_as_they_are_and_as_they_would_be() -> None:
    found, over = Garage().under([line("small", 20)], members("small", "CP1", "CP2"))
    one = found["CP1"]
    assert (one.circuit, one.circuit_then) == ("garage", "small")
    assert (one.share, one.share_then, one.fallback, one.fallback_then) == (16, 10, 16, 10)
    assert over == []


def test_who_comes_and_who_goes_is_told() -> None:
    garage = Garage()
    garage.scene.register("CP3")
    found, _ = garage.under([line("garage", 32)], members("garage", "CP2", "CP3"))
    assert (found["CP1"].circuit, found["CP1"].circuit_then, found["CP1"].share_then) == ("garage", None, None)
    assert (found["CP2"].share, found["CP2"].share_then) == (16, 16), (
        "CP3 was never there, and counts with its fallback"
    )
    assert (found["CP3"].circuit, found["CP3"].circuit_then, found["CP3"].share_then) == (None, "garage", None)


def test_what_is_away_counts_with_its_fallback() -> None:
    garage = Garage()
    garage.scene.site.charge_points["cp2"].connected_at = None
    found, _ = garage.under([line("garage", 20)], members("garage", "CP1", "CP2"))
    assert (found["CP1"].share_then, found["CP2"].share_then) == (10, None)


def test_a_line_that_cannot_carry_all_fallbacks_or_what_else_draws_is_told() -> None:
    garage = Garage()
    told = [Member(circuit="garage", charge_point=name, fallback_ma=10 * A) for name in ("CP1", "CP2")]
    _, over = garage.under([line("garage", 20, reserve_l2_ma=2 * A)], told)
    assert over == [LineOver(circuit="garage", phase="L2", limit=20, other=2, fallbacks=20)]
    garage.load.readings["garage"] = Reading(circuit="garage", l1_ma=21 * A, l2_ma=0, l3_ma=0, at=NOON)
    _, over = garage.under([line("garage", 20)], [])
    assert [(one.phase, one.other, one.fallbacks) for one in over] == [("L1", 21, 0)]


def test_nothing_that_was_learned_is_changed() -> None:
    garage = Garage()
    before = (dict(garage.load.charging), garage.load.circuits["garage"])
    garage.under([line("garage", 20)], members("garage", "CP1"))
    assert (garage.load.charging, garage.load.circuits["garage"]) == before
