"""Targets: what an identity, a glob or a label means."""

import pytest

from csmsd.control.rpc import RpcError
from csmsd.control.targets import one, places, resolve_targets
from csmsd.profiles.core.charge_points import ChargePoint, ChargePointState
from csmsd.profiles.site import Site


@pytest.fixture
def site() -> Site:
    made = Site()
    for identity, labels in (
        ("north-1", ["Deck"]),
        ("north-2", ["deck", "fast"]),
        ("south-1", []),
        ("DE*ABC*E1", []),
        ("DE*ABC*E10", []),
    ):
        made.charge_points[identity.casefold()] = ChargePointState(
            ChargePoint(id=identity, labels=labels, registered_at=0)
        )
    return made


@pytest.mark.parametrize(
    ("targets", "meant"),
    [
        (["north-1"], ["north-1"]),
        (["NORTH-1"], ["north-1"]),
        (["north-*"], ["north-1", "north-2"]),
        (["?orth-1", "so[uv]th-1"], ["north-1", "south-1"]),
        (["*"], ["DE*ABC*E1", "DE*ABC*E10", "north-1", "north-2", "south-1"]),
        (["DE*ABC*E1"], ["DE*ABC*E1"]),  # an exact identity goes before a glob
        (["DE*E1*"], ["DE*ABC*E1", "DE*ABC*E10"]),
        (["@deck"], ["north-1", "north-2"]),
        (["@DECK", "north-2", "north-2"], ["north-1", "north-2"]),
    ],
)
def test_targets(site: Site, targets: list[str], meant: list[str]) -> None:
    assert [state.id for state in resolve_targets(site, targets)] == meant


@pytest.mark.parametrize("target", ["DE*ABC*0", "de*0", "north*1"])
def test_where_identities_have_asterisks_a_slip_is_no_glob(site: Site, target: str) -> None:
    with pytest.raises(RpcError, match="as a glob it matches") as caught:
        resolve_targets(site, ["north-1", target])
    assert (caught.value.code, caught.value.next_step) == (3, "If these are meant, say so with --glob.")
    with pytest.raises(RpcError, match="as a glob it matches"):
        places(site, [target])
    assert resolve_targets(site, [f"[{target[0]}]{target[1:]}"])  # as csmsctl --glob writes it
    del site.charge_points["de*abc*e1"], site.charge_points["de*abc*e10"]
    assert [state.id for state in resolve_targets(site, ["north*1"])] == ["north-1"]


@pytest.mark.parametrize("target", ["north-9", "west-*", "@roof", "@", ""])
def test_a_target_that_means_nobody_is_error_3(site: Site, target: str) -> None:
    with pytest.raises(RpcError) as caught:
        resolve_targets(site, ["north-1", target])
    assert caught.value.code == 3


def test_no_target_is_error_2(site: Site) -> None:
    with pytest.raises(RpcError) as caught:
        resolve_targets(site, [])
    assert caught.value.code == 2


def test_one(site: Site) -> None:
    assert one(site, "SOUTH-1").id == "south-1"
    with pytest.raises(RpcError) as caught:
        one(site, "north-*")
    assert caught.value.code == 3
