"""What is known of Local Authorization Lists."""

from csmsd.profiles.local_auth_list.local_lists import LocalList
from csmsd.profiles.site import Site
from csmsd.store.snapshot import Snapshot


def load(site: Site, snapshot: Snapshot) -> None:
    for local_list in snapshot.records(LocalList):
        site.local_lists.add(local_list)
