"""Targets: identities, globs and labels to the charge points they mean."""

from fnmatch import fnmatchcase

from csmsd.control.rpc import not_there, usage
from csmsd.ocpp.identity import is_identity, natural_order
from csmsd.ports.listings import Places
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.site import Site


def resolve_targets(site: Site, targets: list[str]) -> list[ChargePointState]:
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
    everyone = sorted(site.charge_points.values(), key=lambda state: natural_order(state.id))
    if target.startswith("@"):
        label = target[1:].casefold()
        found = [state for state in everyone if label in (own.casefold() for own in state.record.labels)]
        if not found:
            raise not_there(f"No charge point has the label {label}.", "See: csmsctl cp list")
        return found
    if _is_glob(target):
        found = _of_glob(site, target)
        if not found and not everyone:
            raise not_there("No charge point is registered.", "Begin with: csmsctl cp add CP1")
        if not found:
            raise not_there(f"No charge point matches {target}.", "See: csmsctl cp list")
        return found
    raise not_there(f"No charge point {target}.", f"See csmsctl cp list, or register it: csmsctl cp add {target}")


def _of_glob(site: Site, target: str) -> list[ChargePointState]:
    """Those that match. Raises RpcError where identities have asterisks and DE*ABC*0 is a slip rather than a glob."""
    everyone = sorted(site.charge_points.values(), key=lambda state: natural_order(state.id))
    found = [state for state in everyone if fnmatchcase(state.id.casefold(), target.casefold())]
    # An asterisk at the end is a glob everywhere.
    slip = is_identity(target) and not target.endswith("*") and any("*" in state.id for state in everyone)
    if found and slip:
        named = ", ".join(state.id for state in found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
        raise not_there(
            f"No charge point {target}; as a glob it matches {named}.", "If these are meant, say so with --glob."
        )
    return found


def places(site: Site, targets: list[str] | None) -> Places | None:
    """Whose records are meant, also those of charge points that are not registered any more; None: everybody's.

    Raises RpcError for a label that nobody has.
    """
    if targets is None:
        return None
    found = Places()
    for target in targets:
        if site.charge_point(target) is None and _is_glob(target):
            _of_glob(site, target)
            found.globs.append(target)
        elif site.charge_point(target) is None and not target.startswith("@"):
            found.identities.append(target)
        else:
            found.identities += [state.id for state in _matching(site, target)]
    return found


def _is_glob(target: str) -> bool:
    return any(character in target for character in "*?[")


def one(site: Site, identity: str) -> ChargePointState:
    """The charge point of that identity. Raises RpcError when there is none."""
    state = site.charge_point(identity)
    if state is None:
        raise not_there(
            f"No charge point {identity}.", f"See csmsctl cp list, or register it: csmsctl cp add {identity}"
        )
    return state
