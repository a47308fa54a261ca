"""Targets: identities, globs and labels to the charge points they mean."""

from fnmatch import fnmatchcase

from csmsd.control.rpc import not_there, usage
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.site import Site


def resolve(site: Site, targets: list[str]) -> list[ChargePointState]:
    """The charge points that are meant, each once. Raises RpcError for a target that means none."""
    if not targets:
        raise usage("No target.", "Name a charge point, a glob ('north-*'), a label (@north) or --all.")
    chosen: dict[str, ChargePointState] = {}
    for target in targets:
        for state in _matching(site, target):
            chosen[state.id] = state
    return list(chosen.values())


def _matching(site: Site, target: str) -> list[ChargePointState]:
    exact = site.charge_point(target)  # roaming identities contain asterisks: an exact identity goes before a glob
    if exact is not None:
        return [exact]
    everyone = sorted(site.charge_points.values(), key=lambda state: state.id.casefold())
    if target.startswith("@"):
        label = target[1:].casefold()
        found = [state for state in everyone if label in (own.casefold() for own in state.record.labels)]
        if not found:
            raise not_there(f"No charge point has the label {label}.", "See: csmsctl cp list")
        return found
    if any(character in target for character in "*?["):
        found = [state for state in everyone if fnmatchcase(state.id.casefold(), target.casefold())]
        if not found and not everyone:
            raise not_there("No charge point is registered.", "Begin with: csmsctl cp add CP1")
        if not found:
            raise not_there(f"No charge point matches {target}.", "See: csmsctl cp list")
        return found
    raise not_there(f"No charge point {target}.", f"See csmsctl cp list, or register it: csmsctl cp add {target}")


def one(site: Site, identity: str) -> ChargePointState:
    """The charge point of that identity. Raises RpcError when there is none."""
    state = site.charge_point(identity)
    if state is None:
        raise not_there(
            f"No charge point {identity}.", f"See csmsctl cp list, or register it: csmsctl cp add {identity}"
        )
    return state
