"""Charging profiles: the library, what was removed from it, and what is installed."""

from csmsd.ocpp.identity import fold
from csmsd.profiles.load_management.circuits import Circuit, Member, TemporaryLimit
from csmsd.profiles.load_management.habits import LimitHabits
from csmsd.profiles.load_management.load import LoadClock, LoadHold, LoadPause, LoadPriority
from csmsd.profiles.load_management.manners import LoadManner
from csmsd.profiles.site import Site
from csmsd.profiles.smart_charging.installed_profiles import InstalledProfile
from csmsd.profiles.smart_charging.profile_library import LibraryProfile, RemovedProfile
from csmsd.store.snapshot import Snapshot


def load(site: Site, snapshot: Snapshot) -> None:
    site.smart_charging.library.begin_ids_after(snapshot.last_id(LibraryProfile.table))
    for profile in snapshot.records(LibraryProfile):
        site.smart_charging.library.put(profile)
    for removed in snapshot.records(RemovedProfile):
        site.smart_charging.library.put(removed)
    for installed in snapshot.records(InstalledProfile):
        site.smart_charging.installed.add(installed)
    kept = site.smart_charging.load
    kept.circuits = {fold(circuit.name): circuit for circuit in snapshot.records(Circuit)}
    kept.members = {member.place: member for member in snapshot.records(Member)}
    kept.temporary = {fold(limit.circuit): limit for limit in snapshot.records(TemporaryLimit)}
    kept.pause = next(iter(snapshot.records(LoadPause)), None)
    kept.clock = next(iter(snapshot.records(LoadClock)), None)
    kept.priorities = {one.place: one for one in snapshot.records(LoadPriority)}
    kept.habits = {fold(habits.charge_point): habits for habits in snapshot.records(LimitHabits)}
    kept.manners = {fold(one.charge_point): one for one in snapshot.records(LoadManner)}
    kept.begin_with(snapshot.records(LoadHold))
